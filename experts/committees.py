"""The committee (评标委员会): assembled from the draw, declared, led, and refilled when a member must go.

招标投标法 第三十七条, 实施条例 第四十六、四十八条: a replaced member's conclusions are void and made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from experts import composition, invitations, offers, policy, scoring
from experts.scoring import DECLARATION, Declaration
from experts.tables import (
    ACCEPTED,
    COMPLETED,
    EXHAUSTED,
    CallRow,
    CommitteeRow,
    DrawRow,
    ExpertRow,
    MemberRow,
    RejectionRow,
    ReportRow,
    SheetRow,
)
from kernel import canonical, database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import judges, lots
from trading.lot import LotFacts

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Person:
    """A representative of the purchaser, or an expert: one who was appointed directly has a reason."""

    user_id: UUID
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the others see them."""

    id: UUID
    user_id: UUID
    name: str
    source: str
    declared: bool
    is_leader: bool


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee. To those who may not see names yet, `members` is empty and the figures are all there is."""

    id: UUID
    lot_id: UUID
    size: int
    declared: int
    technical_finished_at: datetime | None
    members: tuple[Member, ...]


async def assemble(
    session: AsyncSession,
    actor: Actor,
    lot_id: UUID,
    *,
    representatives: Sequence[Person] = (),
    appointed: Sequence[Person] = (),
    entropy: Entropy,
) -> Committee:
    """Form the committee from those who accepted, with the purchaser's representatives.

    Direct appointment only where the draw has exhausted the pool, each with its reason. Raises ``committee.not_drawn``,
    ``committee.exists``, ``committee.no_account``, ``committee.not_exhausted`` and what `composition` says.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_appoint(actor, lot))
    if await _row(session, lot_id) is not None:
        raise GgzyError("committee.exists", Kind.CONFLICT)
    last = await _last_draw(session, lot_id)
    _check_source(last, representatives, appointed)
    experts = await _accepted(session, lot_id)
    now = await database.now(session)
    total = len(experts) + len(appointed)
    permit(composition.refuse(total, len(representatives), lots.rules(lot, now)))
    row = CommitteeRow(
        id=new_id(entropy), lot_id=lot_id, tender_id=lot.tender_id, made_at=now, technical_finished_at=None
    )
    session.add(row)
    await session.flush()
    session.add_all(_member(row, "draw", _person(one), one.id, now=now, entropy=entropy) for one in experts)
    session.add_all(_member(row, "representative", one, now=now, entropy=entropy) for one in representatives)
    session.add_all(_member(row, "appointed", one, now=now, entropy=entropy) for one in appointed)
    await session.flush()
    await judges.seat(session, lot_id, [member.user_id for member in await active(session, row.id)])
    told = _told(row, len(experts), len(representatives), appointed)
    await trail.record(session, actor, "committee.assembled", told, trade=lot.tender_id, entropy=entropy)
    return await _view(session, row, names=False)


async def declare(session: AsyncSession, actor: Actor, lot_id: UUID, message: bytes, *, entropy: Entropy) -> Committee:
    """Take a member's signed declaration of avoidance, before anything is shown to them; a conflict replaces them.

    Raises ``committee.not_opened`` while the bidders are not known, ``evaluation.no_device``,
    ``evaluation.other_committee``, ``committee.declared``, ``evaluation.bad_message``, ``committee.no_reason``.
    """
    row, member, lot = await membership(session, actor, lot_id)
    if member.declared_at is not None:
        raise GgzyError("committee.declared", Kind.CONFLICT)
    if not await offers.of_lot(session, lot):  # who bids is not known yet, so nobody could be named
        raise GgzyError("committee.not_opened", Kind.CONFLICT)
    if actor.device_key is None:
        raise GgzyError("evaluation.no_device", Kind.FORBIDDEN)
    said: Declaration = scoring.read(message, DECLARATION, Declaration, actor.device_key)
    if said.committee != str(row.id):
        raise GgzyError("evaluation.other_committee", Kind.INVALID)
    if said.conflict and not said.reason.strip():
        raise GgzyError("committee.no_reason", Kind.INVALID)
    now = await database.now(session)
    member.declared_at, member.declaration = now, message
    await session.flush()
    told = {"committee": str(row.id), "conflict": said.conflict, "declaration": canonical.decode(message)}
    await trail.record(session, actor, "committee.declared", told, trade=lot.tender_id, entropy=entropy, at=now)
    if said.conflict:
        await _replace(session, actor, row, member, said.reason.strip(), entropy=entropy)
    return await _view(session, row, names=not said.conflict)


async def replace(
    session: AsyncSession, actor: Actor, lot_id: UUID, member_id: UUID, reason: str, *, entropy: Entropy
) -> Committee:
    """Take a member out for a reason (条例 48); what they concluded is void, and the next drawn expert is called.

    Raises GgzyError ``committee.no_reason``.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_oversee(actor, lot))
    row = await _existing(session, lot_id)
    member = await session.get(MemberRow, member_id, populate_existing=True)
    if member is None or member.committee_id != row.id or member.replaced_at is not None:
        raise not_found("member")
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("committee.no_reason", Kind.INVALID)
    await _replace(session, actor, row, member, reason.strip(), entropy=entropy)
    return await _view(session, row, names=False)


async def refill(session: AsyncSession, actor: Actor, lot_id: UUID, *, entropy: Entropy) -> Committee:
    """Let successors who have accepted by now take their seats."""
    lot = await lots.lock(session, lot_id)
    permit(policy.may_oversee(actor, lot))
    row = await _existing(session, lot_id)
    seated = select(MemberRow.expert_id).where(MemberRow.committee_id == row.id, MemberRow.expert_id.is_not(None))
    known = set((await session.scalars(seated)).all())
    now = await database.now(session)
    joined = [expert for expert in await _accepted(session, lot_id) if expert.id not in known]
    for expert in joined:
        session.add(_member(row, "draw", _person(expert), expert.id, now=now, entropy=entropy))
    await session.flush()
    await judges.seat(session, lot_id, [member.user_id for member in await active(session, row.id)])
    told = {"committee": str(row.id), "joined": len(joined)}
    await trail.record(session, actor, "committee.refilled", told, trade=lot.tender_id, entropy=entropy, at=now)
    return await _view(session, row, names=False)


async def vote_leader(
    session: AsyncSession, actor: Actor, lot_id: UUID, member_id: UUID, *, entropy: Entropy
) -> Committee:
    """Vote for the leader (组长); more than half of the members make one; GgzyError ``committee.not_declared``."""
    row, member, lot = await membership(session, actor, lot_id)
    if member.declared_at is None:
        raise GgzyError("committee.not_declared", Kind.FORBIDDEN)
    if member_id not in {one.id for one in await active(session, row.id)}:
        raise not_found("member")
    member.leader_vote = member_id
    await session.flush()
    told = {"committee": str(row.id), "leader": str(member_id), "member": str(member.id)}
    await trail.record(session, actor, "committee.voted", told, trade=lot.tender_id, entropy=entropy)
    return await _view(session, row, names=True)


async def own_vote(session: AsyncSession, actor: Actor, lot_id: UUID) -> UUID | None:
    """Return the member for whom somebody has voted as leader; None before they did."""
    _, member, _ = await membership(session, actor, lot_id, lock=False)
    return member.leader_vote


async def find(session: AsyncSession, actor: Actor, lot_id: UUID) -> Committee:
    """Return the committee: its names to its declared members, and to everybody after the result; else figures only."""
    lot = await lots.facts(session, lot_id)
    row = await _existing(session, lot_id)
    seen = frozenset(one.user_id for one in await active(session, row.id) if one.declared_at is not None)
    if policy.may_see_members(actor, lot, seen) is None:
        return await _view(session, row, names=True)
    undeclared = {one.user_id for one in await active(session, row.id)}
    if actor.user_id not in undeclared and policy.may_appoint(actor, lot) is not None:
        permit(policy.may_oversee(actor, lot))
    return await _view(session, row, names=False)


async def public_members(session: AsyncSession, found: Sequence[LotFacts]) -> dict[UUID, tuple[Member, ...]]:
    """Return the members of those of the lots whose committees' names are public, by one query (招标投标法 37)."""
    query = (
        select(CommitteeRow.lot_id, MemberRow)
        .join(MemberRow, MemberRow.committee_id == CommitteeRow.id)
        .where(CommitteeRow.lot_id.in_([lot.id for lot in found if policy.may_name(lot)]), _stays())
        .order_by(CommitteeRow.lot_id, MemberRow.joined_at, MemberRow.id)
    )
    grouped: dict[UUID, list[MemberRow]] = {}
    for lot_id, member in await session.execute(query):
        grouped.setdefault(lot_id, []).append(member)
    return {lot_id: _shown(members) for lot_id, members in grouped.items()}


async def user_ids(session: AsyncSession, lot_id: UUID) -> frozenset[UUID]:
    """Return the accounts of the declared members of a lot, who may read its opened bids."""
    row = await _row(session, lot_id)
    if row is None:
        return frozenset()
    return frozenset(one.user_id for one in await active(session, row.id) if one.declared_at is not None)


async def membership(
    session: AsyncSession, actor: Actor, lot_id: UUID, *, lock: bool = True
) -> tuple[CommitteeRow, MemberRow, LotFacts]:
    """Return committee, own membership and lot; ``committee.not_found`` to everybody else.

    `lock`: the lot is locked first, for whoever is going to write.
    """
    lot = await (lots.lock if lock else lots.facts)(session, lot_id)
    row = await _existing(session, lot_id)
    for member in await active(session, row.id):
        if member.user_id == actor.user_id:
            return row, member, lot
    raise not_found("committee")


async def active(session: AsyncSession, committee_id: UUID) -> list[MemberRow]:
    """Return the members who have not been replaced, in a stable order."""
    query = (
        select(MemberRow)
        .where(MemberRow.committee_id == committee_id, _stays())
        .order_by(MemberRow.joined_at, MemberRow.id)
    )
    return list((await session.scalars(query.execution_options(populate_existing=True))).all())


def leader_of(members: Sequence[MemberRow]) -> UUID | None:
    """Return the member for whom more than half voted."""
    votes = [one.leader_vote for one in members]
    return next((one.id for one in members if 2 * votes.count(one.id) > len(members)), None)


async def _replace(
    session: AsyncSession, actor: Actor, row: CommitteeRow, member: MemberRow, reason: str, *, entropy: Entropy
) -> None:
    now = await database.now(session)
    member.replaced_at, member.replaced_because = now, reason
    await session.flush()
    await judges.unseat(session, row.lot_id, member.user_id)
    void: dict[str, Any] = {"void": True}
    for table in (SheetRow, RejectionRow):
        change = update(table).where(table.member_id == member.id, table.void.is_(False))
        await session.execute(change.values(**void))
    change = update(ReportRow).where(ReportRow.committee_id == row.id, ReportRow.void.is_(False))
    await session.execute(change.values(**void))
    told = {"committee": str(row.id), "member": str(member.id), "reason": reason, "source": member.source}
    await trail.record(session, actor, "committee.replaced", told, trade=row.tender_id, entropy=entropy, at=now)
    if member.expert_id is not None:
        query = (
            select(CallRow.draw_id)
            .join(DrawRow, DrawRow.id == CallRow.draw_id)
            .where(DrawRow.lot_id == row.lot_id, CallRow.expert_id == member.expert_id, CallRow.state == ACCEPTED)
        )
        draw_id = (await session.scalars(query)).one()
        await invitations.dismiss(session, draw_id, member.expert_id, reason, entropy=entropy)


async def _accepted(session: AsyncSession, lot_id: UUID) -> list[ExpertRow]:
    query = (
        select(ExpertRow)
        .join(CallRow, CallRow.expert_id == ExpertRow.id)
        .join(DrawRow, DrawRow.id == CallRow.draw_id)
        .where(DrawRow.lot_id == lot_id, CallRow.state == ACCEPTED)
        .order_by(DrawRow.round, CallRow.ticket)
    )
    return list((await session.scalars(query)).all())


async def _last_draw(session: AsyncSession, lot_id: UUID) -> DrawRow:
    query = select(DrawRow).where(DrawRow.lot_id == lot_id).order_by(DrawRow.round.desc()).limit(1)
    row = (await session.scalars(query)).one_or_none()
    if row is None or row.state not in (COMPLETED, EXHAUSTED):
        raise GgzyError("committee.not_drawn", Kind.CONFLICT)
    return row


def _told(row: CommitteeRow, experts: int, representatives: int, appointed: Sequence[Person]) -> dict[str, Any]:
    return {
        "appointed": [{"reason": one.reason} for one in appointed],
        "committee": str(row.id),
        "experts": experts,
        "lot": str(row.lot_id),
        "representatives": representatives,
    }


def _check_source(last: DrawRow, representatives: Sequence[Person], appointed: Sequence[Person]) -> None:
    if len(representatives) != last.representatives:
        raise GgzyError("committee.other_representatives", Kind.CONFLICT, expected=last.representatives)
    if appointed and last.state != EXHAUSTED:
        raise GgzyError("committee.not_exhausted", Kind.CONFLICT)
    if any(not one.reason.strip() for one in appointed):
        raise GgzyError("committee.no_reason", Kind.INVALID)


def _member(
    row: CommitteeRow, source: str, person: Person, expert_id: UUID | None = None, *, now: datetime, entropy: Entropy
) -> MemberRow:
    return MemberRow(
        id=new_id(entropy),
        committee_id=row.id,
        source=source,
        expert_id=expert_id,
        user_id=person.user_id,
        name=person.name,
        reason=person.reason,
        joined_at=now,
        declared_at=None,
        declaration=None,
        leader_vote=None,
        replaced_at=None,
        replaced_because="",
    )


def _person(expert: ExpertRow) -> Person:
    if expert.user_id is None:
        raise GgzyError("committee.no_account", Kind.CONFLICT)
    return Person(expert.user_id, expert.name)


async def _row(session: AsyncSession, lot_id: UUID) -> CommitteeRow | None:
    query = select(CommitteeRow).where(CommitteeRow.lot_id == lot_id).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def _existing(session: AsyncSession, lot_id: UUID) -> CommitteeRow:
    row = await _row(session, lot_id)
    if row is None:
        raise not_found("committee")
    return row


async def _view(session: AsyncSession, row: CommitteeRow, *, names: bool) -> Committee:
    members = await active(session, row.id)
    shown = _shown(members)
    declared = sum(one.declared for one in shown)
    return Committee(row.id, row.lot_id, len(shown), declared, row.technical_finished_at, shown if names else ())


def _shown(members: Sequence[MemberRow]) -> tuple[Member, ...]:
    leader = leader_of(members)
    return tuple(
        Member(one.id, one.user_id, one.name, one.source, one.declared_at is not None, one.id == leader)
        for one in members
    )


def _stays() -> ColumnElement[bool]:
    return MemberRow.replaced_at.is_(None)
