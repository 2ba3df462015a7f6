"""Where an opening stands, read from the rows: what `bidding.room` decides by."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, distinct, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bidding.room import Standing
from bidding.room_tables import CONFIRMED, OBJECTED, PAUSE, AnswerRow, ClosingRow, ConsentRow, OrderRow, RemarkRow
from bidding.tables import BEGAN, BidRow, EntryRow, OpeningRow, ShareRow, VerdictRow
from trading import lots
from trading.lot import ENDED, LotFacts


async def of(session: AsyncSession, lot: LotFacts, row: OpeningRow | None) -> Standing:
    """Return the standing of an opening; of one that has not begun only the lot's state."""
    if row is None:
        return Standing(lot.state)
    listed = select(func.count()).where(EntryRow.opening_id == row.id)
    decided = select(func.count()).where(VerdictRow.opening_id == row.id)
    given = select(func.count()).where(ShareRow.opening_id == row.id)
    read_at = select(func.max(VerdictRow.made_at)).where(VerdictRow.opening_id == row.id)
    bidders = (
        select(func.count(distinct(BidRow.party)))
        .join(EntryRow, EntryRow.bid_id == BidRow.id)
        .where(EntryRow.opening_id == row.id)
    )
    heard = select(func.count(distinct(RemarkRow.party))).where(
        RemarkRow.opening_id == row.id, RemarkRow.kind == CONFIRMED
    )
    answered = exists().where(AnswerRow.remark_id == RemarkRow.id)
    unanswered = select(func.count()).where(RemarkRow.opening_id == row.id, RemarkRow.kind == OBJECTED, ~answered)
    closed = select(func.count()).where(ClosingRow.opening_id == row.id)
    asked = (
        select(and_(OrderRow.kind == PAUSE, ConsentRow.order_id.is_(None)))
        .outerjoin(ConsentRow, ConsentRow.order_id == OrderRow.id)
        .where(OrderRow.opening_id == row.id)
        .order_by(OrderRow.made_at.desc(), OrderRow.id.desc())
        .limit(1)
    )
    counts = (listed, decided, given, read_at, bidders, heard, unanswered, closed, asked)
    found = (await session.execute(select(*(one.scalar_subquery() for one in counts)))).one()
    return Standing(
        lot_state=lot.state,
        state=row.state,
        listed=found[0],
        decided=found[1],
        given=found[2],
        minutes=row.hearing_minutes,
        read_at=found[3],
        silent=found[4] - found[5],
        unanswered=found[6],
        closed=bool(found[7]),
        pauses=await pauses(session, row.id),
        pause_asked=bool(found[8]),
    )


async def pauses(session: AsyncSession, opening_id: UUID) -> Sequence[tuple[datetime, datetime | None]]:
    """Return from when until when an opening was paused, oldest first; None for a pause that lasts."""
    query = (
        select(OrderRow.kind, ConsentRow.made_at)
        .join(ConsentRow, ConsentRow.order_id == OrderRow.id)
        .where(OrderRow.opening_id == opening_id)
        .order_by(ConsentRow.made_at)
    )
    found: list[tuple[datetime, datetime | None]] = []
    for kind, at in (await session.execute(query)).all():
        if kind == PAUSE:
            found.append((at, None))
        else:
            found[-1] = (found[-1][0], at)
    return found


async def paused(session: AsyncSession, opening_id: UUID) -> bool:
    """Tell whether an opening is paused now."""
    return any(until is None for _, until in await pauses(session, opening_id))


async def held_up(session: AsyncSession, row: OpeningRow) -> bool:
    """Tell whether nothing more is opened: in a pause, or because the lot failed or was terminated meanwhile."""
    if row.state == BEGAN and (await lots.facts(session, row.lot_id)).state in ENDED:
        return True
    return await paused(session, row.id)
