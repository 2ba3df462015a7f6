"""Halls of the four sites by day: what is booked, for which lot, booked and given back with a reason."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see, values
from api.web.navigation import Entry
from kernel import database
from kernel.actor import STAFF, Actor, Role
from kernel.clock import CHINA
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found, permit
from trading import bookings, halls, lots, sites
from trading import policy as rights
from trading.bookings import Booking, BookingDraft
from trading.draft import YEARS
from trading.halls import Hall, HallPlan

SEEING = STAFF | {Role.SUPERVISOR}
NAVIGATION = (Entry("/centre/venues", "pages.centre.venues", SEEING),)
OPENS, CLOSES = 7, 21
"""The hours that the day's picture shows; bookings outside them stand in the list."""
PLACES = {
    "venue.taken": "begins_at",
    "venue.bad_time": "ends_at",
    "venue.past": "begins_at",
    "venue.bad_seats": "first",
    "hall": "hall",
    "lot": "code",
}
BEFOREHAND, AFTERWARDS = timedelta(minutes=30), timedelta(hours=3)
"""Around the deadline: what is proposed for an opening."""
NAMED = ("hall.not_found", "lot.not_found")


@dataclass(frozen=True, slots=True)
class Bar:
    """A booking in the picture of a day: from where to where, in percent of the hours shown."""

    booking: Booking
    start: float
    length: float


class Venues(Controller):
    """The calendar of halls."""

    path = "/centre/venues"
    include_in_schema = False
    opt = PAGE

    @get()
    async def day(
        self,
        *,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        site: str | None = Parameter(default=None, pattern=r"^[0-9]{6}$"),
        day: date | None = None,
    ) -> Response[bytes]:
        """Show one day of one site."""
        permit(policy.must_be_person(actor))
        permit(rights.may_see_venues(actor))
        known = await sites.page(session)
        chosen = next((one for one in known if one.code == (site or _home(actor))), known[0])
        shown = day or (await database.now(session)).astimezone(CHINA).date()
        permit(None if shown.year in YEARS else GgzyError("calendar.bad_day"))
        begins = datetime.combine(shown, time(), CHINA)
        booked = await bookings.between(session, actor, chosen.code, begins, begins + timedelta(days=1))
        return page(
            request,
            "centre/venues.html",
            sites=known,
            site=chosen,
            day=shown,
            before=shown - timedelta(days=1),
            after=shown + timedelta(days=1),
            halls=[(hall, _bars(hall, booked, begins)) for hall in await halls.page(session, chosen.code)],
            hours=range(OPENS, CLOSES + 1),
            span=CLOSES - OPENS,
            books=rights.may_book_somewhere(actor) is None,
            keeps=rights.may_keep_halls(actor, chosen.code) is None,
        )

    @get("/new")
    async def new(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the form of a booking; `hall` and `day`, or a lot (`code`, `number`), may be chosen beforehand."""
        permit(policy.must_be_person(actor))
        permit(rights.may_book_somewhere(actor))
        form = Form.of(
            **{name: request.query_params[name] for name in ("hall", "code", "number") if name in request.query_params}
        )
        day = request.query_params.get("day", "")
        if day:
            form.fields |= {"begins_at": [f"{day}T09:00"], "ends_at": [f"{day}T12:00"]}
        elif form["code"] and form["number"].isdecimal():
            form.fields |= await _fitting(session, actor, form["code"], int(form["number"]))
        return await _new(request, session, form)

    @post("/new")
    async def book(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Response[Any]:
        """Book seats of a hall for a lot."""
        form = await Form.read(request)
        draft = await _draft(session, actor, form)
        if draft is not None and await _is_sure(session, form, draft):
            with form.trying(PLACES, missing=NAMED):
                made = await bookings.book(session, actor, draft, entropy=entropy)
                return see("/centre/venues", done="venue_booked", site=made.hall.site, day=_day(made))
        return await _new(request, session, form)

    @get("/bookings/{booking_id:uuid}/cancellation")
    async def ask(self, booking_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Ask why a booking is to be given back."""
        permit(policy.must_be_person(actor))
        permit(rights.may_see_venues(actor))
        return await _cancellation(request, session, actor, booking_id, Form())

    @post("/bookings/{booking_id:uuid}/cancellation")
    async def cancel(
        self, booking_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Give the seats back."""
        form = await Form.read(request)
        with form.trying("reason"):
            booking = await bookings.get(session, actor, booking_id)
            await bookings.cancel(session, actor, booking_id, form["reason"], entropy=entropy)
            return see("/centre/venues", done="venue_cancelled", site=booking.hall.site, day=_day(booking))
        return await _cancellation(request, session, actor, booking_id, form)

    @get("/halls/new")
    async def new_hall(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the form of a hall."""
        permit(policy.must_be_person(actor))
        permit(rights.may_see_venues(actor))
        return page(request, "centre/hall.html", sites=await sites.page(session))

    @post("/halls/new")
    async def establish(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Response[Any]:
        """Add a hall to a site."""
        form = await Form.read(request)
        plan = values.struct(form, HallPlan)
        if plan is not None:
            with form.trying({"hall.known": "name"}):
                hall = await halls.establish(session, actor, plan, entropy=entropy)
                return see("/centre/venues", done="hall_established", site=hall.site)
        return page(request, "centre/hall.html", form=form, sites=await sites.page(session))


def _bars(hall: Hall, booked: list[Booking], day: datetime) -> list[Bar]:
    """Return a hall's bookings of a day with their place in the picture."""
    opens, closes = day + timedelta(hours=OPENS), day + timedelta(hours=CLOSES)
    whole = (closes - opens).total_seconds()
    bars = []
    for one in booked:
        if one.hall.id == hall.id:
            start = (max(one.begins_at, opens) - opens).total_seconds() / whole * 100
            end = (min(one.ends_at, closes) - opens).total_seconds() / whole * 100
            bars.append(Bar(one, round(start, 2), round(max(end - start, 0), 2)))
    return bars


async def _draft(session: AsyncSession, actor: Actor, form: Form) -> BookingDraft | None:
    """Read the form; the lot is named by its tender's code and its number."""
    hall = values.text(form, "hall", UUID)
    begins, ends = values.moment(form, "begins_at"), values.moment(form, "ends_at")
    first, last = (values.text(form, name, int, required=False) for name in ("first", "last"))
    code, number = values.text(form, "code"), values.text(form, "number", int)
    if form.problems or hall is None or begins is None or ends is None:
        return None
    with form.trying("code", missing=NAMED):
        lot = await bookings.lot_of(session, actor, code, number)
        return BookingDraft(hall, lot, begins, ends, first=first, last=last)
    return None


async def _is_sure(session: AsyncSession, form: Form, draft: BookingDraft) -> bool:
    """Tell whether nothing is odd about a booking, or the person has said that it is meant so; else it is asked."""
    hall = next((one for one in await halls.page(session) if one.id == draft.hall), None)
    if hall is None or form["sure"]:
        return True
    lot = await lots.facts(session, draft.lot)
    for code in halls.doubts(hall, lot, draft.begins_at, draft.ends_at):
        names = await sites.names(session)
        told: dict[str, Any] = {"there": names[hall.site], "here": names[lot.site], "deadline": lot.deadline}
        form.refuse(GgzyError(code, **told), "sure")
    return not form.problems


async def _fitting(session: AsyncSession, actor: Actor, code: str, number: int) -> dict[str, list[str]]:
    """Return the fields of a booking that fits a lot: the first opening room of its site, at its deadline."""
    lot = await lots.facts(session, await bookings.lot_of(session, actor, code, number))
    rooms = [one for one in await halls.page(session, lot.site) if one.kind == "opening"]
    fields = {"hall": [str(rooms[0].id)]} if rooms else {}
    if lot.deadline is not None:
        fields |= {
            "begins_at": [values.local(lot.deadline - BEFOREHAND)],
            "ends_at": [values.local(lot.deadline + AFTERWARDS)],
        }
    return fields


async def _new(request: Page, session: AsyncSession, form: Form) -> Response[bytes]:
    names = await sites.names(session)
    named = [(hall, names.get(hall.site, hall.site)) for hall in await halls.page(session)]
    return page(request, "centre/booking.html", form=form, halls=named)


async def _cancellation(
    request: Page, session: AsyncSession, actor: Actor, booking_id: UUID, form: Form
) -> Response[bytes]:
    booking = await bookings.get(session, actor, booking_id)
    if not booking.cancellable:
        raise not_found("booking")
    return page(request, "centre/cancellation.html", form=form, booking=booking)


def _day(booking: Booking) -> str:
    return booking.begins_at.astimezone(CHINA).date().isoformat()


def _home(actor: Actor) -> str:
    """Return the site where the person works, "" for those who work everywhere."""
    return min(actor.sites(*SEEING) or [""])
