"""What people do in the opening room: every button is a form, and a refusal stands at its field."""

from collections.abc import Awaitable
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy, proof
from api.pages.opening_room import context, shown
from api.web import PAGE, Form, Page, page, see, values
from api.wiring import Installation
from bidding import hearing, openings, outages, pauses, record, remarks
from bidding.outages import Draft
from bidding.submissions import Desk
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import permit

Answered = Response[bytes] | Redirect


@dataclass(frozen=True, slots=True)
class _Act:
    """One form that was sent in a room."""

    request: Page
    session: AsyncSession
    actor: Actor
    lot_id: UUID
    stage: int
    form: Form

    async def do(self, work: Awaitable[object], done: str, field: str = "") -> Answered:
        """Do the work and lead back to the room, or show there at which field it was refused."""
        with self.form.trying(field):
            await work
            return see(f"/openings/{self.lot_id}/{self.stage}", done=done)
        return await self.again()

    async def again(self) -> Response[bytes]:
        """Show the room with what is wrong in the form."""
        return await shown(self.request, self.session, self.actor, lot_id=self.lot_id, stage=self.stage, form=self.form)


async def provide_act(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, stage: int) -> _Act:
    """Read the form of a person."""
    permit(policy.must_be_person(actor))
    return _Act(request, session, actor, lot_id, stage, await Form.read(request))


class RoomActs(Controller):
    """What is done in the room; each answers 303 to the room, or the room with what is wrong."""

    path = "/openings/{lot_id:uuid}/{stage:int}"
    include_in_schema = False
    opt = PAGE
    dependencies = {"act": Provide(provide_act)}  # noqa: RUF012 - Litestar reads it from the class

    @post("/begin")
    async def begin(self, act: _Act, entropy: Entropy) -> Answered:
        """Begin the opening."""
        minutes = values.whole(act.form["hearing_minutes"])
        work = openings.begin(
            act.session,
            act.actor,
            act.lot_id,
            act.stage,
            entropy=entropy,
            hearing_minutes=-1 if minutes is None else minutes,
        )
        return await act.do(work, "room_begun", "hearing_minutes")

    @post("/confirm")
    async def confirm(self, act: _Act, entropy: Entropy) -> Answered:
        """Say for a bidder that there is no objection."""
        work = remarks.confirm(
            act.session, act.actor, act.lot_id, act.stage, bidder=act.form["bidder"], entropy=entropy
        )
        return await act.do(work, "room_confirmed")

    @post("/objection")
    async def objection(self, act: _Act, entropy: Entropy) -> Answered:
        """Object for a bidder."""
        said = {"bidder": act.form["bidder"], "text": act.form["objection"]}
        work = remarks.complain(act.session, act.actor, act.lot_id, act.stage, **said, entropy=entropy)
        return await act.do(work, "room_objected", "objection")

    @post("/answers/{remark_id:uuid}")
    async def answer(self, act: _Act, entropy: Entropy, remark_id: UUID) -> Answered:
        """Answer an objection."""
        field = f"answer-{remark_id}"
        work = remarks.answer(act.session, act.actor, remark_id, act.form[field], entropy=entropy)
        return await act.do(work, "room_answered", field)

    @post("/orders")
    async def order(self, act: _Act, entropy: Entropy) -> Answered:
        """Order a pause or its end."""
        said = {"kind": act.form["kind"], "reason": act.form["reason"]}
        work = pauses.order(act.session, act.actor, act.lot_id, act.stage, **said, entropy=entropy)
        return await act.do(work, "room_ordered", "reason")

    @post("/orders/{order_id:uuid}/consent")
    async def consent(self, act: _Act, installation: Installation, order_id: UUID) -> Answered:
        """Consent to an order as the second person, who shows a second factor at this very moment."""

        async def work() -> None:
            await proof.by_code(installation.sessions, installation.vault, act.actor.user_id, act.form["code"])
            await pauses.consent(act.session, act.actor, order_id, None, entropy=installation.entropy)

        return await act.do(work(), "room_consented", "code")

    @get("/orders/{order_id:uuid}")
    async def sign(
        self, request: Page, session: AsyncSession, actor: Actor, *, lot_id: UUID, stage: int, order_id: UUID
    ) -> Response[bytes]:
        """Show an order to the second person, to be signed by their device."""
        room = await hearing.read(session, actor, lot_id, stage)
        given = room.waiting_order
        signed = {} if given is None else pauses.fields(lot_id, stage, given)
        told = await context(request, session, room, actor)
        return page(request, "opening/order.html", wasm=True, signed=signed, order_id=order_id, **told)

    @post("/orders/{order_id:uuid}/signature")
    async def signature(self, act: _Act, entropy: Entropy, order_id: UUID) -> Answered:
        """Consent to an order by the signature of the second person's device."""
        statement = act.form["statement"].encode()
        work = pauses.consent(act.session, act.actor, order_id, statement, entropy=entropy)
        return await act.do(work, "room_consented")

    @post("/outages")
    async def outage(self, act: _Act, entropy: Entropy) -> Answered:
        """Note what failed."""
        form, since = act.form, values.moment(act.form, "since")
        if since is None:
            return await act.again()
        told = {name: form[name] for name in ("failed", "cause", "told", "decision", "note")}
        draft = Draft(since=since, **told)
        work = outages.note(act.session, act.actor, act.lot_id, act.stage, draft, entropy=entropy)
        return await act.do(work, "outage_noted", _field(form))

    @post("/close")
    async def close(self, act: _Act, installation: Installation) -> Answered:
        """Close the opening and write its record."""
        writing = Desk(installation.authority, installation.settings.log_origin, installation.entropy)

        async def work() -> None:
            await hearing.close(act.session, act.actor, act.lot_id, act.stage, entropy=installation.entropy)
            await record.finish(act.session, act.actor, act.lot_id, act.stage, desk=writing)

        return await act.do(work(), "room_closed")


def _field(form: Form) -> str:
    """Return the first field of the checklist that is not filled in, or the time."""
    return next((name for name in ("told", "note") if not form[name]), "since")
