"""Who stands on a roster: the experts who fit a quota, each with the reasons that keep them out of this draw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import submissions
from experts import avoidance, roster
from experts.avoidance import Employer, Limits, Party, Record
from experts.quota import Quota
from experts.roster import Entry
from experts.tables import ACCEPTED, ACTIVE, CLEARED, CallRow, DrawRow, ExpertRow
from trading import parties
from trading.lot import LotFacts

CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster's entries in the order of their codes, and the experts' ids in the same order."""

    entries: tuple[Entry, ...]
    experts: tuple[UUID, ...]


async def gather(
    session: AsyncSession, lot: LotFacts, quotas: Sequence[Quota], limits: Limits, *, secret: bytes, now: datetime
) -> Roster:
    """Return the roster for the lot as of now; `secret` (32 bytes) salts the codes of this draw."""
    involved = await _parties(session, lot)
    called = await _called_before(session, lot.id)
    by_expert, by_employer = await _drawn_this_month(session, now)
    today = now.astimezone(CHINA).date()
    found: list[tuple[Entry, UUID]] = []
    for row in await session.scalars(select(ExpertRow).where(ExpertRow.state != CLEARED, _fits(quotas))):
        employer = row.employers[0]["name"]
        record = _record(row, by_expert[row.id], by_employer[avoidance.plain_name(employer)], today)
        reasons = avoidance.exclusions(record, involved, limits, today)
        if row.id in called:
            reasons = (*reasons, "already_called")
        code = roster.expert_code(roster.expert_salt(secret, row.id), roster.identity(row.id, row.name, employer))
        found.append((Entry(code, tuple(row.specialties), tuple(row.sites), reasons), row.id))
    found.sort(key=lambda pair: pair[0].code)
    return Roster(tuple(entry for entry, _ in found), tuple(expert for _, expert in found))


def _record(row: ExpertRow, drawn: int, employer_drawn: int, today: date) -> Record:
    return Record(
        employers=tuple(_employer(one) for one in row.employers),
        interests=frozenset(row.interests),
        penalized=row.penalized,
        suspended=row.state != ACTIVE,
        trained=row.trained_until is not None and row.trained_until >= today,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        drawn_this_month=drawn,
        employer_drawn_this_month=employer_drawn,
    )


def _employer(one: dict[str, Any]) -> Employer:
    return Employer(one["name"], one["uscc"], None if one["left"] is None else date.fromisoformat(one["left"]))


def _fits(quotas: Sequence[Quota]) -> ColumnElement[bool]:
    """Narrow to those who fit at least one quota; `draw.fitting` decides the same way again over the roster."""
    conditions = []
    for quota in quotas:
        skilled = func.concat(",", func.array_to_string(ExpertRow.specialties, ",")).contains(f",{quota.specialty}")
        here = ExpertRow.sites.contains([quota.site]) if quota.site is not None else true()
        conditions.append(and_(skilled, here))
    return or_(*conditions)


async def _parties(session: AsyncSession, lot: LotFacts) -> list[Party]:
    """Return purchaser, agency and, in confidence, all whose bids stand: nothing of it leaves but reason codes."""
    bidders = {bid.party for bid in await submissions.standing(session, lot)}
    sides = [("purchaser", lot.purchaser), *([("agency", lot.agency)] if lot.agency else [])]
    sides += [("bidder", uscc) for uscc in sorted(bidders)]
    names = await parties.names(session, {uscc for _, uscc in sides})
    return [Party(quality, uscc, names.get(uscc, "")) for quality, uscc in sides]


async def _called_before(session: AsyncSession, lot_id: UUID) -> frozenset[UUID]:
    query = select(CallRow.expert_id).join(DrawRow, DrawRow.id == CallRow.draw_id).where(DrawRow.lot_id == lot_id)
    return frozenset((await session.scalars(query)).all())


async def _drawn_this_month(session: AsyncSession, now: datetime) -> tuple[Counter[UUID], Counter[str]]:
    start = now.astimezone(CHINA).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    query = (
        select(CallRow.expert_id, ExpertRow.employers)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(CallRow.state == ACCEPTED, CallRow.invited_at >= start)
    )
    by_expert: Counter[UUID] = Counter()
    by_employer: Counter[str] = Counter()
    for expert, employers in await session.execute(query):
        by_expert[expert] += 1
        by_employer[avoidance.plain_name(employers[0]["name"])] += 1
    return by_expert, by_employer
