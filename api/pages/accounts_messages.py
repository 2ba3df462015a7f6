"""Messages to a person and the parties they act for, and where mails about them go."""

from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api import mail
from api.accounts import policy, services
from api.accounts.policy import Assurance
from api.web import PAGE, Form, Page, page, see
from kernel.actor import Actor
from kernel.clock import isoformat, parse
from kernel.entropy import Entropy
from kernel.errors import permit
from trading import parties

MESSAGES = "/account/messages"


class MessagePages(Controller):
    """The list of messages, and the address of mails."""

    path = MESSAGES
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def listed(self, request: Page, session: AsyncSession, actor: Actor, assurance: Assurance) -> Response[bytes]:
        """List messages, newest first."""
        return await _list(request, session, actor, assurance)

    @post("/email")
    async def set_email(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        assurance: Assurance,
        entropy: Entropy,
    ) -> Response[Any]:
        """Set where mails to this person go."""
        permit(policy.must_be_person(actor) or policy.must_confirm(assurance))
        form = await Form.read(request)
        with form.trying("email"):
            await services.set_email(session, actor, form["email"], assurance=assurance, entropy=entropy)
            return see(MESSAGES, done="email_saved")
        return await _list(request, session, actor, assurance, form)


async def _list(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    assurance: Assurance,
    form: Form | None = None,
) -> Response[bytes]:
    found = await mail.inbox(session, actor, _moment(request.query_params.get("before", "")))
    return page(
        request,
        "accounts/messages.html",
        form=form,
        messages=found,
        older=isoformat(found[-1].posted_at) if len(found) == mail.PAGE else "",
        names=await parties.names(session, {one.party for one in found if one.party}),
        email=await services.email(session, actor),
        fresh=assurance.fresh,
    )


def _moment(text: str) -> datetime | None:
    try:
        return parse(text)
    except ValueError:
        return None
