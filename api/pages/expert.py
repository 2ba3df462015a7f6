"""An expert's own page: calls to answer, committees to sit in. A call names no trade before it is accepted."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Entry, Form, Page, Task, page, see
from experts import invitations, seats
from experts.invitations import Invitation
from experts.seats import Seat
from experts.tables import ACCEPTED, INVITED
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import sites
from trading.lot import State

NAVIGATION = (Entry("/expert", "pages.expert.nav", frozenset({Role.EXPERT})),)
AT_WORK = frozenset({State.OPENED, State.EVALUATING})
OVER_WITH = {INVITED: "wait", ACCEPTED: "good"}


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return calls without an answer, and committees that are at work."""
    called = await invitations.mine(session, actor)
    seated = await seats.mine(session, actor)
    return [_call_task(one) for one in called if one.state == INVITED] + [
        _seat_task(one) for one in seated if one.lot.state in AT_WORK
    ]


class ExpertDesk(Controller):
    """Calls and committees of the person who asks."""

    path = "/expert"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List calls and committees."""
        permit(policy.must_be_person(actor))
        return page(
            request,
            "expert/home.html",
            calls=await invitations.mine(session, actor),
            seats=await seats.mine(session, actor),
            sites=await sites.names(session),
            states=OVER_WITH,
        )

    @get("/calls/{draw_id:uuid}")
    async def call(self, draw_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show one call with what can be answered now."""
        permit(policy.must_be_person(actor))
        return await _call(request, session, await invitations.get(session, actor, draw_id), Form())

    @post("/calls/{draw_id:uuid}/answer")
    async def answer(
        self, draw_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Accept or decline."""
        form, called = await Form.read(request), await invitations.get(session, actor, draw_id)
        accept = form["accept"] == "yes"
        if form["accept"] not in ("yes", "no"):
            form.refuse(GgzyError("pages.expert.choose"), "accept")
            return await _call(request, session, called, form)
        with form.trying({"invitation.no_reason": "reason", "": "accept"}):
            await invitations.answer(session, actor, draw_id, accept=accept, reason=form["reason"], entropy=entropy)
            return see(f"/expert/calls/{draw_id}", done="call_accepted" if accept else "call_declined")
        return await _call(request, session, called, form)

    @post("/calls/{draw_id:uuid}/recusal")
    async def recuse(
        self, draw_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Step back after accepting."""
        form, called = await Form.read(request), await invitations.get(session, actor, draw_id)
        with form.trying("recusal"):
            await invitations.recuse(session, actor, draw_id, form["recusal"], entropy=entropy)
            return see("/expert", done="call_recused")
        return await _call(request, session, called, form)


async def _call(request: Page, session: AsyncSession, called: Invitation, form: Form) -> Response[bytes]:
    return page(request, "expert/call.html", form=form, call=called, sites=await sites.names(session), states=OVER_WITH)


def _call_task(one: Invitation) -> Task:
    return Task("pages.expert.task.call", f"/expert/calls/{one.draw_id}", {"code": one.code}, one.expires_at)


def _seat_task(one: Seat) -> Task:
    code = "pages.expert.task.declare" if one.declared_at is None else "pages.expert.task.work"
    return Task(code, f"/expert/lots/{one.lot.id}", {"title": one.lot})
