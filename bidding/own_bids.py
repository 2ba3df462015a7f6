"""What a bidder's people see of their own bids across all lots: the newest first, and the lots that wait for one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bidding.submissions import Bid, view
from bidding.tables import CONFIRMATION, LIVE, BidRow, StatementRow
from kernel import database
from kernel.actor import Actor, Role
from trading import lots, taken
from trading.lot import LotFacts

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A lot that takes bids, whose documents the party took, with the party's live bid there, if there is one."""

    lot: LotFacts
    bidder: str
    live: Bid | None

    @property
    def unconfirmed(self) -> bool:
        """Tell whether the live bid does not stand because the deadline moved after it was received."""
        return self.live is not None and self.live.stands_until != self.lot.deadline


async def list_all(session: AsyncSession, actor: Actor) -> list[Bid]:
    """Return the newest bids of the actor's own parties on all lots; an empty list to everybody else."""
    parties = actor.parties(Role.BIDDER)
    newest = (
        select(func.max(StatementRow.deadline))
        .where(StatementRow.bid_id == BidRow.id, StatementRow.kind == CONFIRMATION)
        .scalar_subquery()
    )
    query = select(BidRow, newest).where(BidRow.party.in_(parties)).order_by(BidRow.received_at.desc()).limit(MAX_SHOWN)
    return [view(row, until or row.deadline) for row, until in (await session.execute(query)).all()]


async def opportunities(session: AsyncSession, actor: Actor) -> list[Opportunity]:
    """Return the lots that take bids now and whose documents the actor's parties took, the next deadline first."""
    now = await database.now(session)
    live = {(bid.lot_id, bid.bidder): bid for bid in await list_all(session, actor) if bid.state == LIVE}
    found = [
        Opportunity(lot, bidder, live.get((lot.id, bidder)))
        for lot, bidder in await taken.lots_of(session, actor)
        if lot.takes_bids(now)
    ]
    return sorted(found, key=lambda one: (one.lot.deadline, one.lot.id, one.bidder))


async def titles(session: AsyncSession, actor: Actor, bids: list[Bid]) -> dict[UUID, LotFacts]:
    """Return the lots of the actor's own bids by id, by one query."""
    own = {bid.lot_id for bid in bids if bid.bidder in actor.parties(Role.BIDDER)}
    return await lots.facts_of(session, own)
