"""Sites (1+N) and the calendar of working days, for the system administrator; the others read."""

from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see, values
from kernel import database
from kernel.actor import Actor
from kernel.clock import CHINA
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found, permit
from trading import calendar, sites
from trading import policy as trading_policy
from trading.sites import Change, Plan

SITES, CALENDAR = "/admin/sites", "/admin/calendar"
MONTH = len("2026-11")
Shape = TypeVar("Shape", Plan, Change)


class SitePages(Controller):
    """The sites of the platform."""

    path = SITES
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def listed(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List the sites and offer to add one."""
        _admit(actor)
        return await _sites(request, session, actor)

    @post("/")
    async def establish(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Response[Any]:
        """Add a branch."""
        _admit(actor)
        form = await Form.read(request)
        with form.trying({"site.bad_form": "", "": "code"}):
            await sites.establish(session, actor, _parsed(form, Plan, kind="branch"), entropy=entropy)
            return see(SITES, done="site_established")
        return await _sites(request, session, actor, form=form)

    @get("/{code:str}")
    async def show(self, request: Page, session: AsyncSession, actor: Actor, code: str) -> Response[bytes]:
        """Show a site's form."""
        _admit(actor)
        return await _site(request, session, code)

    @post("/{code:str}")
    async def amend(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy, code: str
    ) -> Response[Any]:
        """Change a site's name, address, telephone or place on the map."""
        _admit(actor)
        form = await Form.read(request)
        with form.trying():
            await sites.amend(session, actor, code, _parsed(form, Change), entropy=entropy)
            return see(SITES, done="site_amended")
        return await _site(request, session, code, form=form)


class CalendarPages(Controller):
    """Working days by month."""

    path = CALENDAR
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def show(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show a month."""
        _admit(actor)
        return await _month(request, session, actor, request.query_params.get("month", ""))

    @post("/")
    async def amend(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Response[Any]:
        """Decide upon a day, with a reason."""
        _admit(actor)
        form = await Form.read(request)
        working = form["working"] == "yes"
        with form.trying({"calendar.no_reason": "reason", "": "day"}):
            day = values.day(form["day"])
            if day is None:
                raise GgzyError("calendar.bad_day")
            await calendar.amend(session, actor, day, working=working, reason=form["reason"], entropy=entropy)
            return see(CALENDAR, done="calendar_amended", month=form["day"][:MONTH])
        return await _month(request, session, actor, form["day"][:MONTH], form=form)


def _admit(actor: Actor) -> None:
    """Let administrators in; to others there is no such page."""
    permit(policy.must_be_person(actor))
    permit(policy.may_see_users(actor))


def _parsed(form: Form, shape: type[Shape], **more: str) -> Shape:
    fields: dict[str, object] = {**{name: form[name] for name in ("name", "address", "phone")}, **more}
    if shape is Plan:
        fields["code"] = form["code"]
    if form["bearing"]:
        fields["bearing"] = int(form["bearing"]) if form["bearing"].isascii() and form["bearing"].isdigit() else -1
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise GgzyError("site.bad_form") from error


async def _sites(request: Page, session: AsyncSession, actor: Actor, *, form: Form | None = None) -> Response[bytes]:
    allowed = trading_policy.may_establish_site(actor) is None
    return page(request, "admin/sites.html", form=form, sites=await sites.page(session), allowed=allowed)


async def _site(request: Page, session: AsyncSession, code: str, *, form: Form | None = None) -> Response[bytes]:
    found = next((one for one in await sites.page(session) if one.code == code), None)
    if found is None:
        raise not_found("site")
    return page(request, "admin/site.html", form=form, site=found)


async def _month(
    request: Page, session: AsyncSession, actor: Actor, wanted: str, *, form: Form | None = None
) -> Response[bytes]:
    today = (await database.now(session)).astimezone(CHINA).date()
    first = _first(wanted) or today.replace(day=1)
    days = await calendar.month(session, first.year, first.month)
    allowed = trading_policy.may_amend_calendar(actor) is None
    before, after = (first - timedelta(days=1)), days[-1].day + timedelta(days=1)
    weeks = _weeks(days)
    return page(
        request, "admin/calendar.html", form=form, weeks=weeks, first=first, before=before, after=after, allowed=allowed
    )


def _first(wanted: str) -> date | None:
    """Return the first day of the month that was asked for, if the calendar has it."""
    first = values.day(f"{wanted}-01")
    return first if first is not None and calendar.FIRST_YEAR <= first.year <= calendar.LAST_YEAR else None


def _weeks(days: list[calendar.Day]) -> list[list[calendar.Day | None]]:
    """Return the month as weeks from Monday to Sunday, None where the month has no day."""
    cells: list[calendar.Day | None] = [None] * days[0].day.weekday() + list(days)
    cells += [None] * (-len(cells) % 7)
    return [cells[at : at + 7] for at in range(0, len(cells), 7)]
