"""The lots whose documents somebody's own parties took: a bidder's way back to what it is bidding on."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor, Role
from trading.lot import LotFacts
from trading.lots import of_rows
from trading.tables import IssueRow, LotRow, TenderRow


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
