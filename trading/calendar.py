"""Working days: a table seeded with the State Council's calendar (by `chinesecalendar`), to be amended with a reason.

Days are civil days in China. That package knows no year before its holidays are announced, which is in November of the
year before; until the table holds such a year, Monday to Friday count, and `Day.known` says that this is a guess.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import chinese_calendar
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.clock import CHINA
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, permit
from trading import policy
from trading.calendar_tables import CalendarDay

FIRST_YEAR, LAST_YEAR = 2024, 2100
SATURDAY = 5
LONGEST_COUNT = 400  # working days; every time limit of the law is shorter
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Day:
    """A day: whether people work, whether that is known or guessed from the weekday, and why it was changed."""

    day: date
    working: bool
    known: bool = False
    reason: str = ""
    changed_by: UUID | None = None
    changed_at: datetime | None = None


async def working_days_after(session: AsyncSession, day: date, count: int) -> date:
    """Return the `count`-th working day after `day`, which does not count itself; ``calendar.bad_count``."""
    if not 0 < count <= LONGEST_COUNT:
        raise GgzyError("calendar.bad_count", most=LONGEST_COUNT)
    start, left = day, count
    while True:
        span = await days(session, start + timedelta(days=1), start + timedelta(days=31))
        for one in span:
            left -= one.working
            if left == 0:
                return one.day
        start = span[-1].day


async def is_working(session: AsyncSession, day: date) -> bool:
    """Tell whether people work on a day."""
    return (await days(session, day, day))[0].working


async def days(session: AsyncSession, first: date, last: date) -> list[Day]:
    """Return the days from `first` to `last`, both included."""
    rows = await session.scalars(select(CalendarDay).where(CalendarDay.day.between(first, last)))
    known = {row.day: row for row in rows}
    span = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [_value(day, known.get(day)) for day in span]


async def month(session: AsyncSession, year: int, number: int) -> list[Day]:
    """Return the days of a month; ``calendar.bad_month``."""
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= number <= 12):  # noqa: PLR2004 - months
        raise GgzyError("calendar.bad_month", Kind.NOT_FOUND)
    return await days(session, date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1]))


async def amend(session: AsyncSession, actor: Actor, day: date, *, working: bool, reason: str, entropy: Entropy) -> Day:
    """Decide that a day to come is a working day or not, with a reason; records ``calendar.amended``.

    Raises ``calendar.past`` (time limits that ran are not changed afterwards), ``calendar.no_reason``.
    """
    permit(policy.may_amend_calendar(actor))
    if not 0 < len(reason) <= LONGEST_REASON:
        raise GgzyError("calendar.no_reason", longest=LONGEST_REASON)
    at = await database.now(session)
    if not at.astimezone(CHINA).date() < day <= date(LAST_YEAR, 12, 31):
        raise GgzyError("calendar.past", Kind.CONFLICT)
    await database.lock(session, "calendar")
    row = await session.get(CalendarDay, day)
    before = _value(day, row)
    if row is None:
        row = CalendarDay(day=day)
        session.add(row)
    row.working, row.reason, row.changed_by, row.changed_at = working, reason, actor.user_id, at
    await session.flush()
    data = {"before": before.working, "day": day.isoformat(), "reason": reason, "working": working}
    await trail.record(session, actor, "calendar.amended", data, entropy=entropy, at=at)
    return _value(day, row)


async def seed(session: AsyncSession, actor: Actor, *, entropy: Entropy) -> list[int]:
    """Fill in the years that the package knows and the table does not; records ``calendar.seeded`` and returns them.

    A day that somebody decided upon before its year was known stays as it was decided.
    """
    permit(policy.may_seed_calendar(actor))
    await database.lock(session, "calendar")
    newest = await session.scalar(select(func.max(CalendarDay.day)).where(CalendarDay.changed_at.is_(None)))
    first = newest.year + 1 if newest is not None else FIRST_YEAR
    years = [year for year in range(first, LAST_YEAR) if _known(year)]
    decided = set(await session.scalars(select(CalendarDay.day)))
    found = [one for year in years for one in _year(year) if one["day"] not in decided]
    if found:
        await session.execute(insert(CalendarDay), found)
        await trail.record(session, actor, "calendar.seeded", {"years": years}, entropy=entropy)
    return years


def _value(day: date, row: CalendarDay | None) -> Day:
    if row is None:
        return Day(day, day.weekday() < SATURDAY)
    return Day(day, row.working, known=True, reason=row.reason, changed_by=row.changed_by, changed_at=row.changed_at)


def _known(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def _year(year: int) -> list[dict[str, object]]:
    span = (date(year, 1, 1) + timedelta(days=offset) for offset in range(365 + calendar.isleap(year)))
    return [{"day": day, "working": chinese_calendar.is_workday(day), "reason": ""} for day in span]
