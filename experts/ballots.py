"""Votes on rejecting a bid (条例 51) as members see them: counts for all, names for nobody, one's own vote."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from experts import committees, evaluations
from kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes on one bid. `needed` reject it; `own` is what the one who asks voted, None before they did."""

    bid: UUID
    rejecting: int
    keeping: int
    needed: int
    own: bool | None
    grounds: tuple[str, ...]

    @property
    def rejected(self) -> bool:
        """Tell whether more than half of the committee reject the bid."""
        return self.rejecting >= self.needed


async def of_lot(session: AsyncSession, actor: Actor, lot_id: UUID) -> dict[UUID, Ballot]:
    """Return the bids on which anybody has voted, to a declared member; `grounds` are those named so far."""
    desk = await evaluations.seat(session, actor, lot_id, lock=False)
    needed = len(await committees.active(session, desk.committee.id)) // 2 + 1
    found: dict[UUID, Ballot] = {}
    for row in await evaluations.votes(session, desk.committee.id):
        before = found.get(row.bid_id, Ballot(row.bid_id, 0, 0, needed, own=None, grounds=()))
        found[row.bid_id] = Ballot(
            row.bid_id,
            before.rejecting + row.reject,
            before.keeping + (not row.reject),
            needed,
            own=row.reject if row.member_id == desk.member.id else before.own,
            grounds=tuple(sorted({*before.grounds, *([row.ground] if row.reject else [])})),
        )
    return found
