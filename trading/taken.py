"""Who took the documents of lots: to their own people the way back to them, to others a secret until the law tells."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.event import decode
from kernel.actor import Actor, Role
from kernel.errors import GgzyError
from trading import policy
from trading.lot import UNANNOUNCED, LotFacts, State
from trading.lots import of_rows
from trading.tables import IssueRow, LotRow, TenderRow

FAILED = "lot.failed"


async def lots_of(session: AsyncSession, actor: Actor) -> list[tuple[LotFacts, str]]:
    """Return each lot with the own party that took its documents, the newest first; nothing to everybody else."""
    query = (
        select(LotRow, TenderRow, IssueRow.bidder)
        .join(IssueRow, IssueRow.lot_id == LotRow.id)
        .join(TenderRow, TenderRow.id == LotRow.tender_id)
        .where(IssueRow.bidder.in_(actor.parties(Role.BIDDER)))
        .order_by(IssueRow.at.desc())
    )
    return [(of_rows(lot, tender), bidder) for lot, tender, bidder in (await session.execute(query)).all()]


async def hidden(session: AsyncSession, actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Return why somebody may not learn who took the documents of a lot, or None; ``issue.not_found``."""
    told = lot.state not in UNANNOUNCED | {State.ANNOUNCED}
    return policy.may_see_issues(actor, lot, open_to_read=told, unopened=await _failed_unopened(session, lot))


async def _failed_unopened(session: AsyncSession, lot: LotFacts) -> bool:
    """Tell whether a lot, since filed or not, failed before its bids were opened, by what the log says of its end."""
    if lot.state not in (State.FAILED, State.ARCHIVED):
        return False
    entries = [decode(one.opening.event).data async for one in trail.openings(session, lot.tender_id, kind=FAILED)]
    ends = [data["from"] for data in entries if data["lot"] == str(lot.id)]
    if not ends:  # not in the log yet: what nobody knows is not told
        return lot.state == State.FAILED
    return State.ANNOUNCED in ends
