"""The rules in force as pages show them: each number with its unit, its article, and whether the text was read."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import CHINA
from trading import calendar
from trading.rulepack import Pack, Rule

ENTRY = ("entry.required", "documents.sale_min_days")
AMOUNTS = ("bond.max_share", "ceiling.allowed", "floor.allowed")
TERMS = ("bid_period.min_days", "clarification.min_days", "objection.documents_min_days", "bids.minimum")
AWARD = ("candidates.maximum", "publicity.min_days", "award.first_rank_only", "contract.max_days")
OPENING_HOUR = time(9)
MARGIN = timedelta(days=5)
"""What a proposed deadline leaves between writing and announcing: the legal period runs from the announcement."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule under its name."""

    name: str
    rule: Rule

    @property
    def percent(self) -> str:
        """A share as a percentage: ``2``."""
        return f"{float(str(self.rule.value)) * 100:g}"


def shown(pack: Pack, names: tuple[str, ...]) -> list[Shown]:
    """Return those of the rules that the pack in force has."""
    return [Shown(name, pack.rules[name]) for name in names if name in pack.rules]


async def deadline(session: AsyncSession, pack: Pack, now: datetime) -> datetime:
    """Propose a deadline that leaves the legal period and some days to be announced: a working day's nine o'clock."""
    return await working_morning(session, now + timedelta(days=pack.value("bid_period.min_days")) + MARGIN)


async def clarified_deadline(session: AsyncSession, pack: Pack, now: datetime) -> datetime:
    """Propose a deadline that leaves the days which a clarification must leave."""
    return await working_morning(session, now + timedelta(days=pack.value("clarification.min_days")))


async def publicity_end(session: AsyncSession, pack: Pack, now: datetime) -> datetime:
    """Propose until when candidates are public: the legal days, then the next working day's morning."""
    return await working_morning(session, now + timedelta(days=pack.value("publicity.min_days")))


async def working_morning(session: AsyncSession, after: datetime) -> datetime:
    """Return the first nine o'clock (China) of a working day that is not before a moment."""
    morning = datetime.combine(after.astimezone(CHINA).date(), OPENING_HOUR, CHINA)
    if morning >= after and await calendar.is_working(session, morning.date()):
        return morning
    day = await calendar.working_days_after(session, morning.date(), 1)
    return datetime.combine(day, OPENING_HOUR, CHINA)
