"""Halls of the sites and their bookings over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kernel.entropy import Entropy
from trading import bookings, halls
from trading.bookings import Booking, BookingDraft
from trading.halls import Hall, HallPlan
from trading.text import Reason

Site = Annotated[str, Parameter(pattern=r"^[0-9]{6}$(?!\n)")]


class Cancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a booking is given back."""

    reason: Reason


class HallController(Controller):
    """Opening rooms and evaluation rooms."""

    path = "/api/v1/halls"
    tags = ("trading",)

    @get(summary="The halls of all sites")
    async def page(self, session: AsyncSession) -> list[Hall]:
        """List halls with their seats; for everybody."""
        return await halls.page(session)

    @post(summary="Add a hall to a site")
    async def establish(self, data: HallPlan, session: AsyncSession, actor: Actor, entropy: Entropy) -> Hall:
        """Add a hall; for the site's venue staff."""
        return await halls.establish(session, actor, data, entropy=entropy)


class BookingController(Controller):
    """Bookings of halls for lots, which never clash."""

    path = "/api/v1"
    tags = ("trading",)

    @get("/bookings", summary="What is booked at a site")
    async def between(
        self, site: Site, begins_at: datetime, ends_at: datetime, session: AsyncSession, actor: Actor
    ) -> list[Booking]:
        """List the bookings between two moments, to staff and supervisors."""
        return await bookings.between(session, actor, site, begins_at, ends_at)

    @get("/tenders/{tender_id:uuid}/bookings", summary="The halls booked for a tender")
    async def of_tender(self, tender_id: UUID, session: AsyncSession, actor: Actor) -> list[Booking]:
        """List opening rooms to whom the tender exists, evaluation rooms to its site's staff and supervisors."""
        return await bookings.of_tender(session, actor, tender_id)

    @post("/bookings", summary="Book seats of a hall for a lot")
    async def book(self, data: BookingDraft, session: AsyncSession, actor: Actor, entropy: Entropy) -> Booking:
        """Book seats, or a whole hall; what overlaps another booking is refused with its time."""
        return await bookings.book(session, actor, data, entropy=entropy)

    @post("/bookings/{booking_id:uuid}/cancellation", status_code=204, summary="Give booked seats back")
    async def cancel(
        self, booking_id: UUID, data: Cancellation, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> None:
        """Cancel a booking with a reason; it stays on record."""
        await bookings.cancel(session, actor, booking_id, data.reason, entropy=entropy)
