"""A forgotten password: asking for a link by mail, and setting another password by it."""

from typing import Any

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import entrance, resets
from api.transaction import SIGN_IN
from api.web import PAGE, Form, Page, page, see
from api.wiring import Installation
from kernel.errors import GgzyError

FORGOTTEN = "/sign-in/forgotten"


class ForgottenPages(Controller):
    """What whoever forgot their password sees; who they say they are is neither confirmed nor denied."""

    path = "/sign-in"
    include_in_schema = False
    opt = PAGE | SIGN_IN

    @get("/forgotten")
    async def ask(self, request: Page) -> Response[bytes]:
        """Ask for the login or the mail address."""
        return page(request, "accounts/forgotten.html")

    @post("/forgotten")
    async def send(
        self, request: Page, session: AsyncSession, installation: Installation, whence: str
    ) -> Response[Any]:
        """Have a link sent, if there is such a person with an address."""
        form = await Form.read(request)
        if not form["who"]:
            form.refuse(GgzyError("reset.nobody"), "who")
            return page(request, "accounts/forgotten.html", form=form)
        await resets.admit(installation.sessions, whence)
        await resets.ask(session, form["who"], entropy=installation.entropy)
        return see(f"{FORGOTTEN}/sent")

    @get("/forgotten/sent")
    async def sent(self, request: Page) -> Response[bytes]:
        """Say to look into the mailbox, and whom to ask when nothing comes."""
        return page(request, "accounts/forgotten_sent.html", minutes=int(resets.LIFE.total_seconds() // 60))

    @get("/reset/{secret:str}")
    async def choose(self, request: Page, session: AsyncSession, secret: str) -> Response[bytes]:
        """Ask for the new password; to look at the link uses nothing up (mail servers do so too)."""
        return page(request, "accounts/reset.html", login=await resets.whose(session, secret))

    @post("/reset/{secret:str}")
    async def reset(
        self, request: Page, session: AsyncSession, installation: Installation, secret: str
    ) -> Response[Any]:
        """Set it; everything that the old one opened ends, and one signs in as ever."""
        form = await Form.read(request)
        login = await resets.whose(session, secret)
        with form.trying("new"):
            digest = await installation.passwords.digest(form["new"])
            await resets.use(session, secret, digest, entropy=installation.entropy)
            answer = see("/sign-in", done="password_changed")
            answer.set_cookie(entrance.no_cookie(installation))
            return answer
        return page(request, "accounts/reset.html", form=form, login=login)
