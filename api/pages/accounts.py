"""Signing in and out: password, then the second factor where there is one, or its enrolment where there must be one."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import authentication, credentials, entrance, factors
from api.accounts.authentication import UNPROVEN, Presented
from api.pages.accounts_visit import DESK, VISIT, Visit, answer_in, own_path
from api.transaction import SIGN_IN
from api.web import PAGE, Form, Page, page, see
from api.wiring import Installation
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError, Kind

FACTOR = "/sign-in/factor"
ENROL = "/account/factors/new"


class SignInPage(Controller):
    """The way in and out."""

    include_in_schema = False
    dependencies = VISIT

    @get("/sign-in", opt=PAGE | UNPROVEN)
    async def show(self, request: Page, actor: Actor, presented: Presented | None) -> Response[bytes] | Redirect:
        """Ask for login and password; who is half in goes on from there."""
        wished = own_path(request.query_params.get("next", DESK))
        if presented is not None and actor != ANONYMOUS:
            return _onward(presented.pending, presented.enrolled, wished)
        return page(request, "accounts/sign_in.html", wished=wished)

    @post("/sign-in", opt=PAGE | SIGN_IN)
    async def sign_in(
        self, request: Page, session: AsyncSession, installation: Installation, whence: str
    ) -> Response[Any]:
        """Check the password, open a session with a fresh secret and go on."""
        form = await Form.read(request)
        wished = own_path(form["next"])
        try:
            entered = await entrance.enter(installation, form["login"], form["password"], "", whence)
        except GgzyError as error:
            refuse_floods(error)
            form.refuse(error)
            return page(request, "accounts/sign_in.html", form=form, wished=wished)
        former = authentication.session_secret(request.scope)
        if former is not None:
            await credentials.forget(session, former)
        label = browser(request)
        made = await credentials.issue(session, entered.actor, "session", label, entropy=installation.entropy)
        answer = _onward(entered.pending, entered.enrolled, wished)
        answer.set_cookie(entrance.cookie(installation, made.secret))
        return answer

    @get(FACTOR, opt=PAGE | UNPROVEN)
    async def ask(self, visit: Visit) -> Response[bytes] | Redirect:
        """Ask for the second factor."""
        if not (visit.presented.pending and visit.presented.enrolled):
            return see(visit.wished())
        return await _step(visit)

    @post(FACTOR, opt=PAGE | UNPROVEN)
    async def prove(self, visit: Visit) -> Response[Any]:
        """Take a code, a recovery code or a passkey's answer; the session gets a fresh secret and its roles."""
        form = await Form.read(visit.request)
        try:
            answer = answer_in(form) if form["credential"] else None
            shown = await entrance.show(visit.installation, visit.actor, form["code"], answer)
        except GgzyError as error:
            refuse_floods(error)
            form.refuse(error, "" if form["credential"] else "code")
            return await _step(visit, form)
        number, entropy = visit.presented.credential_id, visit.installation.entropy
        made = await credentials.rise(visit.session, visit.actor, number, shown, entropy=entropy)
        return visit.carry(see(visit.wished(form)), made)

    @post("/sign-out", opt=PAGE | UNPROVEN)
    async def sign_out(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Any]:
        """End the session."""
        await Form.read(request)
        if presented is not None:
            await credentials.revoke(session, actor, presented.credential_id, entropy=installation.entropy)
        answer = see("/sign-in", done="signed_out")
        answer.set_cookie(entrance.no_cookie(installation))
        return answer


def browser(request: Page) -> str:
    """Return what the browser says of itself, cut to what tells sessions apart."""
    told = request.headers.get("user-agent", "")
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
    names = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    return " · ".join(next((one for one in group if one in told), "?") for group in (names, systems))


def refuse_floods(error: GgzyError) -> None:
    """Raise what is no fault of the form: too many tries answer 429 as a page of its own."""
    if error.kind is Kind.TOO_MANY:
        raise error


def _onward(pending: bool, enrolled: bool, wished: str) -> Redirect:  # noqa: FBT001 - two states of one person
    if not pending:
        return see(wished)
    return see(FACTOR if enrolled else ENROL, next=wished)


async def _step(visit: Visit, form: Form | None = None) -> Response[bytes]:
    asked = await asked_for(visit)
    return visit.page("accounts/factor.html", form=form, wished=visit.wished(form), **asked)


async def asked_for(visit: Visit) -> dict[str, Any]:
    """Return what a form that asks for a second factor needs: whether there is one, a passkey, a code to be shown."""
    kinds = {one.kind for one in await factors.held(visit.session, visit.actor.user_id)}
    code = await factors.shown_code(visit.session, visit.actor.user_id, vault=visit.installation.vault)
    return {"kinds": kinds, "passkeys": "passkey" in kinds and visit.passkeys, "shown": code}
