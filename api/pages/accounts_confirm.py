"""Showing once more who one is, before what would outlast a stolen session: the password, and a factor if any."""

from typing import Any

from litestar import Controller, Response, get, post

from api.accounts import entrance
from api.accounts.authentication import UNPROVEN
from api.pages.accounts import asked_for, refuse_floods
from api.pages.accounts_visit import ACCOUNT, VISIT, Visit, answer_in
from api.web import PAGE, Form, see
from kernel.errors import GgzyError


class ConfirmPage(Controller):
    """The one form that is shown on the way to such an act; it leads on to where the person wanted to go."""

    path = f"{ACCOUNT}/confirm"
    include_in_schema = False
    opt = PAGE | UNPROVEN
    dependencies = VISIT

    @get("/")
    async def ask(self, visit: Visit) -> Response[Any]:
        """Ask for the password and a factor; who has just shown them goes on."""
        return see(visit.wished()) if visit.assurance.fresh else await _shown(visit)

    @post("/")
    async def confirm(self, visit: Visit) -> Response[Any]:
        """Take them; the session gets a fresh secret."""
        form = await Form.read(visit.request)
        code, password = form["code"], form["password"]
        try:
            answer = answer_in(form) if form["credential"] else None
            made = await entrance.confirm(
                visit.installation, visit.session, visit.actor, visit.presented, password, code=code, answer=answer
            )
        except GgzyError as error:
            refuse_floods(error)
            form.refuse(error, _field(error, form))
            return await _shown(visit, form)
        return visit.carry(see(visit.wished(form)), made)


async def _shown(visit: Visit, form: Form | None = None) -> Response[bytes]:
    asked = await asked_for(visit)
    return visit.page("accounts/confirm.html", form=form, wished=visit.wished(form), **asked)


def _field(error: GgzyError, form: Form) -> str:
    """Return the field that a refusal concerns; "" for a passkey's answer, which no field shows."""
    if error.code == "login.wrong":
        return "password"
    return "" if form["credential"] else "code"
