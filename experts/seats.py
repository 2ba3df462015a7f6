"""Committees as people look at them: a member at their seats, those who oversee a lot at progress without names.

Before the result staff see seats by number and figures only: no name, no score, no opinion (招标投标法 第三十七条).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from experts import committees, offers, policy, rounds
from experts.avoidance import Party
from experts.tables import (
    COMPLETED,
    EXHAUSTED,
    CommitteeRow,
    DrawRow,
    MemberRow,
    OpinionRow,
    ReportRow,
    SheetRow,
)
from kernel.actor import Actor
from kernel.errors import not_found, permit
from trading import lots, parties
from trading.lot import LotFacts


@dataclass(frozen=True, slots=True)
class Seat:
    """One's own seat in a committee, with the lot as it stands."""

    committee_id: UUID
    member_id: UUID
    lot: LotFacts
    declared_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A member as those see them who oversee: `number` counts seats from 1 in the order in which they were taken."""

    member_id: UUID
    number: int
    source: str
    declared: bool
    voted: bool
    sheets: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is; `bids` is how many sheets each member owes, 0 before the opening."""

    committee_id: UUID
    lot: LotFacts
    led: bool
    bids: int
    technical_finished_at: datetime | None
    drafted_at: datetime | None
    finished_at: datetime | None
    seats: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """How a lot's last round of drawing stands: its state, who has accepted in all rounds, representatives foreseen."""

    state: str
    accepted: int
    representatives: int


async def mine(session: AsyncSession, actor: Actor) -> list[Seat]:
    """Return the seats that somebody holds, newest first. Two queries."""
    query = (
        select(MemberRow, CommitteeRow)
        .join(CommitteeRow, CommitteeRow.id == MemberRow.committee_id)
        .where(MemberRow.user_id == actor.user_id, MemberRow.replaced_at.is_(None))
        .order_by(MemberRow.joined_at.desc(), MemberRow.id)
        .limit(100)
    )
    found = (await session.execute(query)).all()
    grouped = await lots.of_tenders(session, list({row.tender_id for _, row in found}))
    by_id = {lot.id: lot for group in grouped.values() for lot in group}
    return [Seat(row.id, member.id, by_id[row.lot_id], member.declared_at) for member, row in found]


async def take(session: AsyncSession, actor: Actor, lot_id: UUID) -> Seat:
    """Return one's own seat in a lot's committee; ``committee.not_found`` to everybody else."""
    row, member, lot = await committees.membership(session, actor, lot_id, lock=False)
    return Seat(row.id, member.id, lot, member.declared_at)


async def involved(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Party]:
    """Return against whom a member declares: purchaser, agency and, from the opening's record on, all bidders."""
    _, _, lot = await committees.membership(session, actor, lot_id, lock=False)
    sides = [("purchaser", lot.purchaser), *([("agency", lot.agency)] if lot.agency else [])]
    names = await parties.names(session, {uscc for _, uscc in sides})
    found = [Party(quality, uscc, names.get(uscc, "")) for quality, uscc in sides]
    return found + [Party("bidder", one.bidder, one.name) for one in await offers.of_lot(session, lot)]


async def formable(session: AsyncSession, lot_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of the lots have drawn their experts to the end and no committee yet."""
    made = exists().where(CommitteeRow.lot_id == DrawRow.lot_id)
    query = select(DrawRow.lot_id).where(DrawRow.lot_id.in_(lot_ids), DrawRow.state.in_((COMPLETED, EXHAUSTED)), ~made)
    return frozenset((await session.scalars(query.distinct())).all())


async def drawn(session: AsyncSession, actor: Actor, lot_id: UUID) -> Drawn | None:
    """Return how the lot's last round ended to its tenderer and those who oversee; None before any round."""
    lot = await lots.facts(session, lot_id)
    permit(policy.may_follow(actor, lot))
    query = select(DrawRow).where(DrawRow.lot_id == lot_id).order_by(DrawRow.round.desc()).limit(1)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        return None
    return Drawn(row.state, await rounds.accepted_count(session, lot_id), row.representatives)


async def progress(session: AsyncSession, actor: Actor, lot_id: UUID) -> Progress:
    """Return how far a committee is to witness, supervisor and tenderer; ``committee.not_found``."""
    lot = await lots.facts(session, lot_id)
    permit(policy.may_follow(actor, lot))
    row = (await session.scalars(select(CommitteeRow).where(CommitteeRow.lot_id == lot_id))).one_or_none()
    if row is None:
        raise not_found("committee")
    members = await committees.active(session, row.id)
    query = select(ReportRow).where(ReportRow.committee_id == row.id, ReportRow.void.is_(False))
    report = (await session.scalars(query)).one_or_none()
    return Progress(
        committee_id=row.id,
        lot=lot,
        led=committees.leader_of(members) is not None,
        bids=sum(one.refused is None for one in await offers.of_lot(session, lot)),
        technical_finished_at=row.technical_finished_at,
        drafted_at=None if report is None else report.drafted_at,
        finished_at=None if report is None else report.finished_at,
        seats=await _figures(session, members, report),
    )


async def _figures(
    session: AsyncSession, members: Sequence[MemberRow], report: ReportRow | None
) -> tuple[Figures, ...]:
    ids = [one.id for one in members]
    handed_in = select(SheetRow.member_id, func.count()).where(SheetRow.member_id.in_(ids), SheetRow.void.is_(False))
    sheets = dict((await session.execute(handed_in.group_by(SheetRow.member_id))).all())
    signed: set[UUID] = set()
    if report is not None:
        query = select(OpinionRow.member_id).where(OpinionRow.report_id == report.id)
        signed = set((await session.scalars(query)).all())
    return tuple(
        Figures(
            member_id=one.id,
            number=number,
            source=one.source,
            declared=one.declared_at is not None,
            voted=one.leader_vote is not None,
            sheets=sheets.get(one.id, 0),
            signed=one.id in signed,
        )
        for number, one in enumerate(members, 1)
    )
