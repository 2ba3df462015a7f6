"""A purchaser's or agency's tenders with their states, and what waits for its people."""

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import life
from api.web import BEFORE, PAGE, Page, page
from api.web.navigation import Entry, Task
from kernel.actor import Actor, Role
from kernel.errors import permit
from trading import cursor, notices, questions, sketches, tenders
from trading.lot import LotFacts, State
from trading.notices import Notice
from trading.tenders import Tender

ROLES = frozenset({Role.PURCHASER, Role.AGENCY})
NAVIGATION = (Entry("/purchase", "pages.purchase.places", ROLES),)
SIZE = 20
LOOKED_THROUGH = 100
# What the tenderer has to do with a lot in a state, and on which page of the lot.
WAITING = {
    State.EVALUATED: ("pages.purchase.task_publicize", "publicity"),
    State.PUBLICIZED: ("pages.purchase.task_award", "award"),
    State.AWARDED: ("pages.purchase.task_contract", "contract"),
}
LIVE = (State.DRAFT, State.ACCEPTED, State.ANNOUNCED, *WAITING)


class Overview(Controller):
    """The list of one's own tenders."""

    path = "/purchase"
    include_in_schema = False
    opt = PAGE

    @get()
    async def own(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        before: str | None = BEFORE,
    ) -> Response[bytes]:
        """List sketches and tenders, the newest first."""
        permit(policy.must_be_person(actor))
        found = await tenders.page(session, actor, before=cursor.read(before), limit=SIZE, own=True)
        last = found[-1] if len(found) == SIZE else None
        return page(
            request,
            "purchase/overview.html",
            tenders=found,
            sketches=[] if before else await sketches.mine(session, actor),
            tag_of=life.tag_of,
            next=f"/purchase?before={cursor.write(last.made_at, last.id)}" if last else "",
            first="/purchase" if before else "",
            may_write=bool(actor.parties(Role.PURCHASER) or actor.parties(Role.AGENCY)),
        )


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return what waits for the people of a purchaser or agency."""
    if not any(actor.holds(role) for role in ROLES):
        return []
    found = await tenders.page(session, actor, own=True, states=LIVE, limit=LOOKED_THROUGH)
    lots = [lot for tender in found for lot in tender.lots]
    asked = await questions.open_count(session, [lot.id for lot in lots if lot.state == State.ANNOUNCED])
    publicized = [lot.id for lot in lots if lot.state == State.PUBLICIZED]
    publicity = await notices.newest_of(session, publicized, "candidates")
    of_tenders = [task for tender in found for task in _of_tender(tender)]
    return of_tenders + [task for lot in lots for task in _of_lot(lot, asked.get(lot.id, 0), publicity.get(lot.id))]


def _of_tender(tender: Tender) -> list[Task]:
    told: dict[str, object] = {"code": tender.code, "title": tender.title}
    place = f"/purchase/tenders/{tender.id}"
    state = tender.lots[0].state
    if state == State.DRAFT:
        return [Task("pages.purchase.task_returned" if tender.missing else "pages.purchase.task_enter", place, told)]
    if state == State.ACCEPTED and all(lot.opening_key_hash for lot in tender.lots):
        return [Task("pages.purchase.task_announce", f"{place}/announcement", told)]
    return []


def _of_lot(lot: LotFacts, asked: int, publicity: Notice | None) -> list[Task]:
    told: dict[str, object] = {"code": lot.tender_code, "lot": lot, "count": asked}
    if asked:
        return [Task("pages.purchase.task_answer", f"/purchase/lots/{lot.id}/questions", told, lot.deadline)]
    if lot.suspended or State(lot.state) not in WAITING:
        return []
    code, where = WAITING[State(lot.state)]
    return [Task(code, f"/purchase/lots/{lot.id}/{where}", told, publicity.ends_at if publicity else None)]
