"""Bookings of halls and seats for lots, which never clash (场地预约).

A booking keeps some seats of a hall, or all of them, during a time: one exclusion constraint over hall, seats and time
decides, so that two who book at the same moment cannot both succeed. A booking is cancelled with a reason, never moved.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import halls, policy
from trading.entry_tables import BookingRow, HallRow
from trading.halls import SEATS_AT_MOST, Hall
from trading.tables import LotRow, TenderRow

T = TypeVar("T", int, datetime)
LONGEST = timedelta(days=10)


class BookingDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which seats (`first` to `last`, None: all) of a hall for which lot, from when until when."""

    hall: UUID
    lot: UUID
    begins_at: Annotated[datetime, msgspec.Meta(tz=True)]
    ends_at: Annotated[datetime, msgspec.Meta(tz=True)]
    first: Annotated[int, msgspec.Meta(ge=1, le=SEATS_AT_MOST)] | None = None
    last: Annotated[int, msgspec.Meta(ge=1, le=SEATS_AT_MOST)] | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking that stands: seats `first` to `last` of a hall. Of a lot that is hidden only the time is told."""

    id: UUID
    hall: Hall
    first: int
    last: int
    begins_at: datetime
    ends_at: datetime
    lot_id: UUID | None
    tender_id: UUID | None
    tender_code: str
    lot_number: int | None
    title: str
    cancellable: bool

    @property
    def whole(self) -> bool:
        """Tell whether all seats are taken."""
        return (self.first, self.last) == (1, self.hall.seats)


async def book(session: AsyncSession, actor: Actor, draft: BookingDraft, *, entropy: Entropy) -> Booking:
    """Book seats of a hall for a lot and record ``venue.booked``.

    Raises ``venue.bad_time``, ``venue.past``, ``venue.bad_seats``, ``venue.taken`` (what stands in the way),
    ``venue.not_yours``, ``hall.not_found``, ``lot.not_found``, ``lot.ended``.
    """
    hall = await session.get(HallRow, draft.hall)
    if hall is None:
        raise not_found("hall")
    lot, tender = await _lot(session, draft.lot)
    permit(policy.may_book(actor, tender, hall.site, announced=tender.announced_at is not None))
    now = await database.now(session)
    permit(policy.is_bookable(lot.state, draft.begins_at, draft.ends_at, now, longest=LONGEST))
    first, last = draft.first or 1, draft.last or hall.seats
    if not 1 <= first <= last <= hall.seats:
        raise GgzyError("venue.bad_seats", seats=hall.seats)
    row = BookingRow(
        id=new_id(entropy),
        hall_id=hall.id,
        lot_id=lot.id,
        seats=Range(first, last + 1),
        during=Range(draft.begins_at, draft.ends_at),
        by=actor.user_id,
        at=now,
        reason="",
    )
    await _keep(session, row)
    await trail.record(session, actor, "venue.booked", _told(row, hall), trade=tender.id, entropy=entropy)
    return _booking(actor, row, hall, lot, tender)


async def cancel(session: AsyncSession, actor: Actor, booking_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """Give the seats back, record ``venue.cancelled``; ``step.no_reason``, ``booking.not_found``, ``venue.ended``."""
    query = _rows().where(BookingRow.id == booking_id).with_for_update(of=BookingRow)
    found = (await session.execute(query.execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise not_found("booking")
    row, hall, _, tender = found
    announced = tender.announced_at is not None
    permit(policy.may_book(actor, tender, hall.site, announced=announced) and not_found("booking"))
    if not reason.strip():
        raise GgzyError("step.no_reason")
    now = await database.now(session)
    if row.cancelled_at is not None or _bounds(row.during)[1] <= now:
        raise GgzyError("venue.ended", Kind.CONFLICT)
    values = {"cancelled_by": actor.user_id, "cancelled_at": now, "reason": reason.strip()}
    await session.execute(update(BookingRow).where(BookingRow.id == booking_id).values(values))
    data = {"booking": str(booking_id), "reason": reason.strip()}
    await trail.record(session, actor, "venue.cancelled", data, trade=tender.id, entropy=entropy)


async def get(session: AsyncSession, actor: Actor, booking_id: UUID) -> Booking:
    """Return a booking to staff and supervisors; ``booking.not_found``."""
    found = (await session.execute(_rows().where(BookingRow.id == booking_id))).one_or_none()
    if found is None or policy.may_see_venues(actor) is not None:
        raise not_found("booking")
    return _booking(actor, *found)


async def lot_of(session: AsyncSession, actor: Actor, code: str, number: int) -> UUID:
    """Return the lot of this number in the tender of this code to who may book for it somewhere; ``lot.not_found``."""
    query = select(LotRow.id, TenderRow).join(TenderRow, TenderRow.id == LotRow.tender_id)
    found = (await session.execute(query.where(TenderRow.code == code, LotRow.number == number))).one_or_none()
    if found is None:
        raise not_found("lot")
    lot_id, tender = found
    known = policy.may_book(actor, tender, tender.site, announced=False) is None
    if not known and policy.may_see(
        actor, tender, announced=tender.announced_at is not None, invitees=tuple(tender.invitees)
    ):
        raise not_found("lot")
    return lot_id


async def between(
    session: AsyncSession, actor: Actor, site: str, begins_at: datetime, ends_at: datetime
) -> list[Booking]:
    """Return what is booked at a site between two moments, to staff and supervisors; of hidden lots only the time.

    Raises ``venue.not_found``, ``venue.bad_time``.
    """
    permit(policy.may_see_venues(actor))
    if begins_at.tzinfo is None or ends_at.tzinfo is None or not begins_at < ends_at:
        raise GgzyError("venue.bad_time", days=LONGEST.days)
    query = _rows().where(
        HallRow.site == site, BookingRow.cancelled_at.is_(None), BookingRow.during.overlaps(Range(begins_at, ends_at))
    )
    return [_booking(actor, *row) for row in await session.execute(_ordered(query))]


async def of_tender(session: AsyncSession, actor: Actor, tender_id: UUID) -> list[Booking]:
    """Return the standing bookings of a tender that somebody may know of."""
    query = _rows().where(TenderRow.id == tender_id, BookingRow.cancelled_at.is_(None))
    found = [_booking(actor, *row) for row in await session.execute(_ordered(query))]
    return [one for one in found if one.lot_id is not None]


async def _keep(session: AsyncSession, row: BookingRow) -> None:
    """Insert the booking; the constraint refuses what clashes, and who stands in the way is told."""
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        clash = await session.scalar(
            select(BookingRow).where(
                BookingRow.hall_id == row.hall_id,
                BookingRow.cancelled_at.is_(None),
                BookingRow.seats.overlaps(row.seats),
                BookingRow.during.overlaps(row.during),
            )
        )
        if clash is None:
            raise
        begins, ends = map(isoformat, _bounds(clash.during))
        raise GgzyError("venue.taken", Kind.CONFLICT, begins=begins, ends=ends) from error


async def _lot(session: AsyncSession, lot_id: UUID) -> tuple[LotRow, TenderRow]:
    query = select(LotRow, TenderRow).join(TenderRow, TenderRow.id == LotRow.tender_id).where(LotRow.id == lot_id)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("lot")
    return found[0], found[1]


def _rows() -> Any:
    return (
        select(BookingRow, HallRow, LotRow, TenderRow)
        .join(HallRow, HallRow.id == BookingRow.hall_id)
        .join(LotRow, LotRow.id == BookingRow.lot_id)
        .join(TenderRow, TenderRow.id == LotRow.tender_id)
    )


def _ordered(query: Any) -> Any:
    return query.order_by(BookingRow.during, HallRow.name, BookingRow.seats)


def _booking(actor: Actor, row: BookingRow, hall: HallRow, lot: LotRow, tender: TenderRow) -> Booking:
    announced = tender.announced_at is not None
    seen = policy.may_know_booking(actor, tender, hall, announced=announced, invitees=tuple(tender.invitees))
    may = policy.may_book(actor, tender, hall.site, announced=announced) is None
    (first, beyond), (begins_at, ends_at) = _bounds(row.seats), _bounds(row.during)
    return Booking(
        id=row.id,
        hall=halls.value(hall),
        first=first,
        last=beyond - 1,
        begins_at=begins_at,
        ends_at=ends_at,
        lot_id=lot.id if seen else None,
        tender_id=tender.id if seen else None,
        tender_code=tender.code if seen else "",
        lot_number=lot.number if seen else None,
        title=lot.title if seen else "",
        cancellable=may,
    )


def _told(row: BookingRow, hall: HallRow) -> dict[str, Any]:
    (first, beyond), (begins_at, ends_at) = _bounds(row.seats), _bounds(row.during)
    return {
        "booking": str(row.id),
        "hall": hall.name,
        "site": hall.site,
        "lot": str(row.lot_id),
        "seats": [first, beyond - 1],
        "begins_at": isoformat(begins_at),
        "ends_at": isoformat(ends_at),
    }


def _bounds(span: Range[T]) -> tuple[T, T]:
    """Return the bounds of a range that the database holds bounded on both sides."""
    if span.lower is None or span.upper is None:
        raise ValueError(span)
    return span.lower, span.upper
