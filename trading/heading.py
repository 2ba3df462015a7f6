"""The title block of every paper about a lot, in words: whose trade it is and where it is held."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trading import lots, parties
from trading.entry_tables import BookingRow, HallRow
from trading.lot import own_title
from trading.tables import SiteRow

Room = Literal["opening", "evaluation"]


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a paper: names, and of the purchaser its 统一社会信用代码 too.

    `lot` is what its title says beside its number, maybe nothing; `agency` is "" without one; `address` is the site's,
    "" where none is known; `place` are the halls that were booked, "" for none.
    """

    project: str
    code: str
    number: int
    lot: str
    purchaser: str
    purchaser_code: str
    agency: str
    site: str
    address: str
    place: str


async def of_lot(session: AsyncSession, lot_id: UUID, room: Room = "opening") -> Heading:
    """Return the heading of a lot's papers; `room` says whose halls are named; ``lot.not_found``."""
    lot = await lots.facts(session, lot_id)
    site, address = (await session.execute(select(SiteRow.name, SiteRow.address).where(SiteRow.code == lot.site))).one()
    names = await parties.names(session, {lot.purchaser, lot.agency or lot.purchaser})
    booked = (
        select(HallRow.name)
        .join(BookingRow, BookingRow.hall_id == HallRow.id)
        .where(BookingRow.lot_id == lot_id, BookingRow.cancelled_at.is_(None), HallRow.kind == room)
        .order_by(HallRow.name)
        .distinct()
    )
    halls = (await session.scalars(booked)).all()
    return Heading(
        project=lot.tender_title,
        code=lot.tender_code,
        number=lot.number,
        lot=own_title(lot.title),
        purchaser=names.get(lot.purchaser, lot.purchaser),
        purchaser_code=lot.purchaser,
        agency="" if lot.agency is None else names.get(lot.agency, lot.agency),
        site=site,
        address=address,
        place="、".join(halls),
    )
