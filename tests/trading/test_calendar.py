"""Working days: what the State Council announced, what somebody decided with a reason, and counting over both."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import EVERYWHERE, SYSTEM, Actor, Grant, Role
from kernel.database import now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError
from trading import calendar


@pytest.fixture
async def seeded(session: AsyncSession, entropy: Entropy) -> AsyncSession:
    """A session on a database with the calendar in it."""
    await calendar.seed(session, SYSTEM, entropy=entropy)
    return session


def admin(entropy: Entropy, role: Role = Role.SYSTEM_ADMIN) -> Actor:
    """An administrator."""
    return Actor(new_id(entropy), "管理员", frozenset({Grant(role, EVERYWHERE)}))


async def test_holidays_and_working_weekends(seeded: AsyncSession) -> None:
    """National Day 2025 with Mid-Autumn: eight days off, and two weekend days worked for them."""
    expected = {date(2025, 9, 28): True, date(2025, 10, 1): False, date(2025, 10, 8): False, date(2025, 10, 9): True,
                date(2025, 10, 11): True, date(2025, 10, 12): False}  # fmt: skip
    assert {day: await calendar.is_working(seeded, day) for day in expected} == expected


async def test_counting_agrees_with_a_count_by_hand(seeded: AsyncSession) -> None:
    """The n-th working day after a day, for every day of a month with holidays in it."""
    for offset in range(30):
        start = date(2025, 9, 20) + timedelta(days=offset)
        for count in (1, 3, 7, 15, 30):
            day, left = start, count
            while left:
                day += timedelta(days=1)
                left -= chinese_calendar.is_workday(day)
            assert await calendar.working_days_after(seeded, start, count) == day


async def test_a_year_nobody_announced_is_a_guess(seeded: AsyncSession) -> None:
    """Beyond the known years Monday to Friday count, and the day says that this is not known."""
    days = await calendar.days(seeded, date(2031, 3, 3), date(2031, 3, 9))
    assert [one.working for one in days] == [True] * 5 + [False] * 2
    assert not any(one.known for one in days)


async def test_seeding_again_changes_nothing(seeded: AsyncSession, entropy: Entropy) -> None:
    """What is there stays, and only new years are filled in."""
    assert await calendar.seed(seeded, SYSTEM, entropy=entropy) == []


async def test_a_decided_day_counts(seeded: AsyncSession, entropy: Entropy) -> None:
    """A local holiday (那达慕) moves the end of a limit; the day says who decided it and why."""
    today = (await now(seeded)).date()
    day = await calendar.working_days_after(seeded, today + timedelta(days=2), 1)
    after = await calendar.working_days_after(seeded, day - timedelta(days=1), 1)
    assert after == day
    boss = admin(entropy)
    told = await calendar.amend(seeded, boss, day, working=False, reason="那达慕放假", entropy=entropy)
    assert (told.working, told.reason, told.changed_by, told.known) == (False, "那达慕放假", boss.user_id, True)
    assert await calendar.working_days_after(seeded, day - timedelta(days=1), 1) > day


@pytest.mark.parametrize(
    ("ahead", "reason", "role", "code"),
    [
        (0, "理由", Role.SYSTEM_ADMIN, "calendar.past"),
        (-40, "理由", Role.SYSTEM_ADMIN, "calendar.past"),
        (40_000, "理由", Role.SYSTEM_ADMIN, "calendar.past"),
        (5, "", Role.SYSTEM_ADMIN, "calendar.no_reason"),
        (5, "理由", Role.SECURITY_ADMIN, "calendar.not_yours"),
        (5, "理由", Role.SUPERVISOR, "calendar.not_yours"),
    ],
)
async def test_what_may_not_be_changed(
    seeded: AsyncSession, entropy: Entropy, *, ahead: int, reason: str, role: Role, code: str
) -> None:
    """Neither the past nor today, not without a reason, by nobody but the system administrator."""
    day = (await now(seeded)).date() + timedelta(days=ahead)
    with pytest.raises(GgzyError) as refused:
        await calendar.amend(seeded, admin(entropy, role), day, working=False, reason=reason, entropy=entropy)
    assert refused.value.code == code


@pytest.mark.parametrize("count", [0, -1, 401])
async def test_no_endless_counting(seeded: AsyncSession, count: int) -> None:
    """A count that no rule has is refused."""
    with pytest.raises(GgzyError, match=r"calendar\.bad_count"):
        await calendar.working_days_after(seeded, date(2026, 1, 1), count)
