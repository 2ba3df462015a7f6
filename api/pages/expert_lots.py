"""A member's way through one evaluation: declaration first, then leader, desk, close, report. Devices sign."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages.evaluation_form import person
from api.pages.expert_steps import steps
from api.web import PAGE, Form, Page, page, see
from experts import committees, evaluations, seats
from experts.seats import Seat
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import permit


class Work(Controller):
    """What a member has to do for one lot, in order."""

    path = "/expert/lots/{lot_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the steps with their states."""
        permit(policy.must_be_person(actor))
        return await _overview(request, session, actor, lot_id, Form())

    @get("/declaration")
    async def declaration(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List against whom is declared; nothing of any bid is shown before the declaration."""
        permit(policy.must_be_person(actor))
        seat = await seats.take(session, actor, lot_id)
        involved = await seats.involved(session, actor, lot_id)
        return page(request, "expert/declaration.html", seat=seat, involved=involved)

    @post("/leader")
    async def lead(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Vote for the leader."""
        form = await Form.read(request)
        with form.trying("leader", missing=["member.not_found"]):
            await committees.vote_leader(session, actor, lot_id, person(form["leader"]), entropy=entropy)
            return see(f"/expert/lots/{lot_id}", done="leader_voted")
        return await _overview(request, session, actor, lot_id, form)

    @post("/start")
    async def start(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Begin the evaluation, as one of the members."""
        form = await Form.read(request)
        with form.trying():
            await evaluations.begin(session, actor, lot_id, entropy=entropy)
            return see(f"/expert/lots/{lot_id}/desk", done="evaluation_begun")
        return await _overview(request, session, actor, lot_id, form)

    @post("/technical")
    async def close(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Close the scores given by hand."""
        form = await Form.read(request)
        with form.trying():
            await evaluations.finish_technical(session, actor, lot_id, entropy=entropy)
            return see(f"/expert/lots/{lot_id}", done="technical_finished")
        return await _overview(request, session, actor, lot_id, form)


async def _overview(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    seat: Seat = await seats.take(session, actor, lot_id)
    found = await committees.find(session, actor, lot_id)
    return page(
        request,
        "expert/lot.html",
        form=form,
        seat=seat,
        committee=found,
        own_vote=await committees.own_vote(session, actor, lot_id),
        steps=await steps(session, actor, seat, found),
    )
