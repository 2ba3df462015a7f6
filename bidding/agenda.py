"""The openings somebody has to do with: those under way, those whose deadline is near or has passed, those of late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import custody, openings, policy, room_policy
from bidding.tables import BEGAN, FINISHED, LIVE, BidRow, OpeningRow
from kernel.actor import Actor, Role, site
from kernel.database import now
from trading import lots
from trading.lot import LotFacts, State

AHEAD = timedelta(days=7)
NEAR = timedelta(days=1)
BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Date:
    """An opening on somebody's agenda; `due` when the deadline has passed, `leads` for its witness.

    `watches`: a supervisor of the site is to know of it now, on the last day before it and while it runs.
    """

    lot: LotFacts
    stage: int
    deadline: datetime
    due: bool
    begun: bool
    leads: bool
    watches: bool


async def of(session: AsyncSession, actor: Actor) -> list[Date]:
    """Return the openings of the next week and those under way, as far as the person is let into them.

    The second stage of a lot is among them from the end of its technical scores until its record is written.
    """
    moment = await now(session)
    found = [lot for lot in await lots.opening_by(session, moment + AHEAD) if lot.deadline is not None]
    own = await _bid_for(session, actor)
    mine = [lot for lot in found if lot.id in own or _has_to_do(actor, lot)]
    states = await _states(session, [lot.id for lot in mine])
    dates = []
    for lot in mine:
        stage = 2 if lot.state == State.EVALUATING else 1
        state = states.get((lot.id, stage))
        if lot.deadline is None or (stage > 1 and not await _waits(session, lot, stage, state)):
            continue
        rights = {
            "leads": policy.may_lead(actor, lot) is None,
            "watches": actor.holds(Role.SUPERVISOR, site(lot.site)) and lot.deadline - moment <= NEAR,
        }
        dates.append(Date(lot, stage, lot.deadline, moment >= lot.deadline, state is not None, **rights))
    return dates


@dataclass(frozen=True, slots=True)
class Past:
    """An opening whose record is written."""

    lot: LotFacts
    stage: int
    finished_at: datetime


async def past(session: AsyncSession, actor: Actor) -> list[Past]:
    """Return the openings that ended in the last 30 days in which the person had a part, the newest first."""
    since = await now(session) - BACK
    query = select(OpeningRow.lot_id, OpeningRow.stage, OpeningRow.finished_at)
    query = query.where(OpeningRow.state == FINISHED, OpeningRow.finished_at >= since)
    rows = (await session.execute(query.order_by(OpeningRow.finished_at.desc()))).all()
    known = await lots.facts_of(session, {row.lot_id for row in rows})
    own = await _bid_for(session, actor) | await custody.lots_held(session, actor)
    mine = {lot.id for lot in known.values() if lot.id in own or _has_to_do(actor, lot)}
    return [Past(known[row.lot_id], row.stage, row.finished_at) for row in rows if row.lot_id in mine]


async def _states(session: AsyncSession, lot_ids: list[UUID]) -> dict[tuple[UUID, int], str]:
    """Return the state of each opening of these lots that has begun, by lot and stage."""
    query = select(OpeningRow.lot_id, OpeningRow.stage, OpeningRow.state).where(OpeningRow.lot_id.in_(lot_ids))
    return {(row.lot_id, row.stage): row.state for row in await session.execute(query)}


async def _waits(session: AsyncSession, lot: LotFacts, stage: int, state: str | None) -> bool:
    """Tell whether a later stage is under way, or can be begun."""
    if state is not None or stage not in {rule.stage for rule in lot.envelopes}:
        return state == BEGAN
    return bool(await openings.technically_scored(session, lot))


def _has_to_do(actor: Actor, lot: LotFacts) -> bool:
    return room_policy.is_staff(actor, lot) or policy.may_take_part(actor, lot, ()) is None


async def _bid_for(session: AsyncSession, actor: Actor) -> frozenset[UUID]:
    parties = actor.parties(Role.BIDDER)
    if not parties:
        return frozenset()
    query = select(BidRow.lot_id).where(BidRow.party.in_(parties), BidRow.state == LIVE)
    return frozenset((await session.scalars(query)).all())
