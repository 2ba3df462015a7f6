"""What has become of bids after their deadline, as far as it is public: opened, failed, ranked, won or lost.

Nothing here is known to the bidder before everybody: it comes from the lot's state and from published notices.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bidding.submissions import Bid
from bidding.tables import LIVE
from kernel import database
from trading import notices
from trading.lot import LotFacts, State
from trading.notices import Notice

KINDS = ("candidates", "award", "failure", "termination")


class Fate(StrEnum):
    """How a bid stands that was live at its deadline."""

    DUE = "due"  # 已截止，待开标
    UNOPENED = "unopened"  # the deadline had moved and the bid was not confirmed
    OPENING = "opening"
    OPENED = "opened"
    RANKED = "ranked"
    UNRANKED = "unranked"
    WON = "won"
    LOST = "lost"
    FAILED = "failed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bid's fate with the place among the candidates (from 1; 0: none) and the notice that says so."""

    fate: Fate
    rank: int = 0
    notice: Notice | None = None


async def of(session: AsyncSession, bids: Collection[Bid], lots: Mapping[UUID, LotFacts]) -> dict[UUID, Outcome]:
    """Return by id what became of the live bids whose deadline has passed; by the same few queries for any number."""
    moment = await database.now(session)
    live = [(bid, lots[bid.lot_id]) for bid in bids if bid.state == LIVE and bid.lot_id in lots]
    past = [(bid, lot) for bid, lot in live if _is_past(lot, moment)]
    ids = {lot.id for _, lot in past}
    told = {kind: await notices.newest_of(session, ids, kind) for kind in KINDS} if ids else {}
    return {
        bid.id: outcome(bid, lot, {kind: by[lot.id] for kind, by in told.items() if lot.id in by}) for bid, lot in past
    }


def outcome(bid: Bid, lot: LotFacts, told: Mapping[str, Notice]) -> Outcome:
    """Return what became of a live bid; `told` are the newest notices about its lot by kind. Pure."""
    for kind, fate in (("failure", Fate.FAILED), ("termination", Fate.TERMINATED)):
        if kind in told:
            return Outcome(fate, notice=told[kind])
    if bid.stands_until != lot.deadline:
        return Outcome(Fate.UNOPENED)
    if award := told.get("award"):
        won = award.data["winner"]["bidder"] == bid.bidder
        return Outcome(Fate.WON if won else Fate.LOST, notice=award)
    if publicity := told.get("candidates"):
        rank = next((one["rank"] for one in publicity.data["candidates"] if one["bidder"] == bid.bidder), 0)
        return Outcome(Fate.RANKED if rank else Fate.UNRANKED, rank, publicity)
    if lot.state == State.ANNOUNCED:
        return Outcome(Fate.DUE)
    return Outcome(Fate.OPENING if lot.state == State.OPENING else Fate.OPENED)


def _is_past(lot: LotFacts, moment: datetime) -> bool:
    if lot.state != State.ANNOUNCED:
        return True
    return lot.deadline is not None and lot.deadline <= moment
