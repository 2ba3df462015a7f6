"""The calendar of working days, and what changes about sites, over HTTP."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, get, put
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kernel.entropy import Entropy
from trading import calendar, sites
from trading.calendar import Day
from trading.sites import Change, Site


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether people work on a day, and why it was decided so."""

    working: bool
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=calendar.LONGEST_REASON)]


class CalendarController(Controller):
    """Working days (工作日)."""

    path = "/api/v1/calendar"
    tags = ("installation",)

    @get("/{year:int}/{month:int}", summary="The days of a month")
    async def month(self, year: int, month: int, session: AsyncSession) -> list[Day]:
        """Tell which days are working days; for everybody."""
        return await calendar.month(session, year, month)

    @put("/{day:date}", summary="Decide whether a day is a working day")
    async def amend(self, day: date, data: Decision, session: AsyncSession, actor: Actor, entropy: Entropy) -> Day:
        """Change a day to come, with a reason. For the system administrator."""
        return await calendar.amend(
            session, actor, day, working=data.working, reason=data.reason.strip(), entropy=entropy
        )


class SiteChangeController(Controller):
    """A site's name and address."""

    path = "/api/v1/sites"
    tags = ("trading",)

    @put("/{code:str}", summary="Change a site's name or address")
    async def amend(self, code: str, data: Change, session: AsyncSession, actor: Actor, entropy: Entropy) -> Site:
        """Change it; its code stays. For the system administrator."""
        return await sites.amend(session, actor, code, data, entropy=entropy)
