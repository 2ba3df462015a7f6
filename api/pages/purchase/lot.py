"""One lot after its announcement: its life, a later deadline, and the steps that need a reason.

Whoever the lifecycle lets take such a step finds it here: the tenderer, and for some steps witness and supervisor.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import life, rules
from api.web import PAGE, Form, Page, page, see, values
from archive.package import service as packages
from bidding import papers
from experts import reports
from kernel import database
from kernel.actor import Actor
from kernel.clock import parse
from kernel.entropy import Entropy
from kernel.errors import not_found, permit, unless_missing
from trading import amendments, lots, notices, parties, questions, taken, tenders
from trading import policy as rights
from trading.lifecycle import STEPS
from trading.lot import LotFacts, State
from trading.text import Reason

PLACES = {"deadline": "deadline"}
REASONED = ("suspend", "resume", "terminate", "fail")


class OwnLot(Controller):
    """A lot for those who work on it."""

    path = "/purchase/lots/{lot_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the lot, its notices and what can be done."""
        permit(policy.must_be_person(actor))
        lot = await inside(session, actor, lot_id)
        tender = await tenders.get(session, actor, lot.tender_id)
        told = [one for one in await notices.of_tender(session, tender.id) if one.lot_id in (None, lot_id)]
        asked = await questions.open_count(session, [lot_id])
        return page(
            request,
            "purchase/lot.html",
            lot=lot,
            tender=tender,
            stages=life.stages(lot),
            tag=life.tag_of(lot),
            notices=list(reversed(told)),
            moment=parse,
            asked=asked.get(lot_id, 0),
            steps=offered(actor, lot),
            tenderer=rights.is_tenderer(actor, lot),
            issued=await taken.hidden(session, actor, lot) is None,
            filed=await unless_missing(packages.filed(session, actor, lot.tender_id)) is not None,
            reported=await unless_missing(reports.final(session, actor, lot_id)) is not None,
            papers=(await papers.stages(session, [lot_id])).get(lot_id, []),
            results={one.kind: one for one in told if one.kind in ("candidates", "award")},
            names=await parties.names(session, {lot.purchaser, *filter(None, [lot.agency])}),
        )

    @get("/deadline")
    async def deadline(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the form of a later deadline."""
        permit(policy.must_be_person(actor))
        return await _deadline(request, session, actor, lot_id, Form())

    @post("/deadline")
    async def move_deadline(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Move the deadline and publish it."""
        form = await Form.read(request)
        deadline, reason = values.moment(form, "deadline"), values.text(form, "reason", Reason)
        if deadline is not None and reason is not None:
            with form.trying(PLACES):
                await amendments.move_deadline(session, actor, lot_id, deadline, reason, entropy=entropy)
                return see(f"/purchase/lots/{lot_id}", done="deadline_moved")
        return await _deadline(request, session, actor, lot_id, form)

    @get("/steps/{step:str}")
    async def step(
        self, lot_id: UUID, step: str, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show what a step means and ask for its reason."""
        permit(policy.must_be_person(actor))
        return await _step(request, session, actor, lot_id, step, form=Form())

    @post("/steps/{step:str}")
    async def take(
        self, lot_id: UUID, step: str, *, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Take the step."""
        form = await Form.read(request)
        if step not in REASONED:
            raise not_found("lot")
        reason = values.text(form, "reason", Reason, required=step != "resume") or ""
        if not form.problems:
            with form.trying():
                await lots.move(session, actor, lot_id, step, entropy=entropy, reason=reason)
                return see(f"/purchase/lots/{lot_id}", done=f"lot_{step}")
        return await _step(request, session, actor, lot_id, step, form=form)


async def inside(session: AsyncSession, actor: Actor, lot_id: UUID) -> LotFacts:
    """Return a lot to those who work on it; to others this desk has none: ``lot.not_found``."""
    lot = await lots.read(session, actor, lot_id)
    permit(None if rights.is_insider(actor, lot) else not_found("lot"))
    return lot


async def owned(session: AsyncSession, actor: Actor, lot_id: UUID) -> LotFacts:
    """Return a lot to its tenderer; ``lot.not_found``."""
    lot = await lots.read(session, actor, lot_id)
    permit(None if rights.is_tenderer(actor, lot) else not_found("lot"))
    return lot


def offered(actor: Actor, lot: LotFacts) -> list[str]:
    """Return the steps with a reason that stand open to somebody in this state; their guards may still refuse.

    An announced lot fails by its opening, where bids are counted (招标投标法 第二十八条), and by nobody's word.
    """
    able = rights.qualities(actor, lot)
    found = [name for name in REASONED if lot.state in STEPS[name].sources and able & STEPS[name].by]
    if lot.state == State.ANNOUNCED:
        found = [name for name in found if name != "fail"]
    return [
        name for name in found if (name == "resume") <= lot.suspended and (name == "suspend") <= (not lot.suspended)
    ]


async def _deadline(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await owned(session, actor, lot_id)
    now = await database.now(session)
    later = (lot.deadline or now) + timedelta(minutes=1)
    earliest = await rules.clarified_deadline(session, lots.rules(lot, now), now)
    proposed = max(await rules.working_morning(session, later), earliest)
    return page(request, "purchase/deadline.html", form=form, lot=lot, proposed=values.local(proposed))


async def _step(
    request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, step: str, *, form: Form
) -> Response[bytes]:
    lot = await inside(session, actor, lot_id)
    if step not in REASONED:
        raise not_found("lot")
    return page(request, "purchase/step.html", form=form, lot=lot, step=step)
