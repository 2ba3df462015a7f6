"""The openings somebody has to do with: those under way, and those whose deadline is near or has passed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import policy, room_policy
from bidding.tables import LIVE, BidRow, OpeningRow
from kernel.actor import Actor, Role
from kernel.database import now
from trading import lots
from trading.lot import LotFacts

AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Date:
    """An opening on somebody's agenda; `due` when the deadline has passed, `leads` for its witness."""

    lot: LotFacts
    stage: int
    deadline: datetime
    due: bool
    begun: bool
    leads: bool


async def of(session: AsyncSession, actor: Actor) -> list[Date]:
    """Return the first-stage openings of the next week and those under way, as far as the person is let into them."""
    moment = await now(session)
    found = [lot for lot in await lots.opening_by(session, moment + AHEAD) if lot.deadline is not None]
    own = await _bid_for(session, actor)
    begun = set(await session.scalars(select(OpeningRow.lot_id).where(OpeningRow.lot_id.in_([x.id for x in found]))))
    return [
        Date(
            lot,
            1,
            lot.deadline,
            due=moment >= lot.deadline,
            begun=lot.id in begun,
            leads=policy.may_lead(actor, lot) is None,
        )
        for lot in found
        if lot.deadline is not None and (lot.id in own or _has_to_do(actor, lot))
    ]


def _has_to_do(actor: Actor, lot: LotFacts) -> bool:
    return room_policy.is_staff(actor, lot) or policy.may_take_part(actor, lot, ()) is None


async def _bid_for(session: AsyncSession, actor: Actor) -> frozenset[object]:
    parties = actor.parties(Role.BIDDER)
    if not parties:
        return frozenset()
    query = select(BidRow.lot_id).where(BidRow.party.in_(parties), BidRow.state == LIVE)
    return frozenset((await session.scalars(query)).all())
