"""A draw up to its seed: roster, quotas and exclusions logged, three nonces committed, a checkpoint over them."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import proof, trail
from bidding import ceremony
from bidding.transcript import OpeningKey
from experts import candidates, composition, nonce, policy, quota, roster, rounds
from experts.avoidance import Limits
from experts.candidates import Roster
from experts.draw import fitting
from experts.quota import Quota
from experts.rounds import Beacon, Draw
from experts.tables import (
    EXHAUSTED,
    FIXED,
    INVITED,
    PREPARED,
    ROLES,
    VOID,
    CallRow,
    DrawEntryRow,
    DrawRow,
    NonceRow,
)
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts

MIN_SITE_CANDIDATES = 3
MAX_REASON = 500
CHAIN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the tenderer asks for. Caps are draws in the calendar month; times are minutes.

    `release_minutes`: after so long a withheld nonce may be opened by the custodians; `answer_minutes`: how long a
    called expert has.
    """

    quotas: tuple[Quota, ...]
    representatives: int = 0
    reason: str = ""
    per_expert: int | None = None
    per_employer: int | None = None
    beacon: Beacon | None = None
    release_minutes: int = 30
    answer_minutes: int = 30


async def prepare(
    session: AsyncSession, actor: Actor, lot_id: UUID, conditions: Conditions, *, entropy: Entropy
) -> Draw:
    """Fix roster, quotas and exclusions of a new round and log them; nobody can change them afterwards.

    Raises ``draw.too_early``, ``draw.already_open``, ``draw.already_drawn``, ``draw.no_reason``, ``draw.bad_quotas``,
    ``draw.site_identifiable``, ``draw.pool_exhausted`` when the roster cannot fill the quotas, and what `composition`
    says.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_conduct(actor, lot))
    now = await database.now(session)
    pack = lots.rules(lot, now)
    number = await _next_round(session, lot_id, conditions.reason)
    quotas = _checked(conditions, number)
    _refuse_early(lot, now, pack.value("committee.draw_before_opening_hours"))
    experts = await rounds.accepted_count(session, lot_id) + sum(q.count for q in quotas)
    permit(composition.refuse(experts, conditions.representatives, pack))
    limits = Limits(pack.value("committee.former_employer_years"), conditions.per_expert, conditions.per_employer)
    secret = entropy.token(32)
    gathered = await candidates.gather(session, lot, quotas, limits, secret=secret, now=now)
    _refuse_unfillable(gathered, quotas)
    key = await ceremony.of_lot(session, lot_id)
    row = _row(
        lot,
        conditions,
        new_id(entropy),
        quotas=quotas,
        number=number,
        gathered=gathered,
        secret=secret,
        by=actor.user_id,
        now=now,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise GgzyError("draw.already_open", Kind.CONFLICT) from error
    told = _told(row, gathered, limits, key)
    await rounds.log(session, actor, row, "draw.prepared", told, entropy=entropy, at=now)
    return await rounds.view(session, row)


async def commit(session: AsyncSession, actor: Actor, draw_id: UUID, message: bytes, *, entropy: Entropy) -> Draw:
    """Take a participant's signed commitment and sealed nonce.

    Raises ``draw.no_device``, ``draw.wrong_step``, ``draw.committed`` for a second one, and those of `nonce.read` and
    `nonce.belongs`.
    """
    row, lot = await rounds.locked(session, draw_id)
    permit(policy.may_see_draw(actor, lot))
    rounds.require_state(row, PREPARED)
    device = actor.device_key or b""
    found = nonce.read(message, device) if device else None
    permit(policy.may_participate(actor, lot, found.role if found else ""))
    if found is None:
        raise GgzyError("draw.no_device", Kind.FORBIDDEN)
    permit(nonce.belongs(found, (await rounds.view(session, row)).plan()))
    kept = NonceRow(
        draw_id=row.id,
        role=found.role,
        user_id=actor.user_id,
        device_key=device,
        commitment=bytes.fromhex(found.commitment),
        message=message,
    )
    try:
        async with session.begin_nested():
            session.add(kept)
    except IntegrityError as error:
        raise GgzyError("draw.committed", Kind.CONFLICT, role=found.role) from error
    told = {"device": device.hex(), "message": canonical.decode(message), "role": found.role}
    await rounds.log(session, actor, row, "draw.committed", told, entropy=entropy)
    return await rounds.view(session, row)


async def fix(
    session: AsyncSession, actor: Actor, draw_id: UUID, *, beacon_signature: bytes | None = None, entropy: Entropy
) -> Draw:
    """Fix the seed, before any nonce is known: the newest checkpoint that covers the preparation and all commitments.

    Raises ``draw.commitments_missing``, ``trail.not_sequenced``, ``draw.beacon_missing`` or ``draw.no_beacon``.
    """
    row, lot = await rounds.locked(session, draw_id)
    permit(policy.may_see_draw(actor, lot))
    if row.state == FIXED:
        return await rounds.view(session, row)
    rounds.require_state(row, PREPARED)
    committed = await rounds.roles(session, NonceRow, row.id)
    if missing := sorted(set(ROLES) - set(committed)):
        raise GgzyError("draw.commitments_missing", Kind.CONFLICT, roles=", ".join(missing))
    if (row.beacon is None) != (beacon_signature is None):
        raise GgzyError("draw.no_beacon" if row.beacon is None else "draw.beacon_missing", Kind.CONFLICT)
    row.checkpoint = await _covering(session, row)
    row.state = FIXED
    row.beacon_signature = beacon_signature
    beacon = None if beacon_signature is None else beacon_signature.hex()
    await rounds.log(
        session, actor, row, "draw.fixed", {"beacon": beacon, "checkpoint": row.checkpoint}, entropy=entropy
    )
    return await rounds.view(session, row)


async def abandon(session: AsyncSession, actor: Actor, draw_id: UUID, reason: str, *, entropy: Entropy) -> Draw:
    """Give up a round while nobody can know its result, before the seed is fixed; the next round needs a reason.

    Raises GgzyError ``draw.no_reason``.
    """
    row, lot = await rounds.locked(session, draw_id)
    permit(policy.may_conduct(actor, lot))
    rounds.require_state(row, PREPARED)
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("draw.no_reason", Kind.INVALID)
    row.state = VOID
    await rounds.log(session, actor, row, "draw.abandoned", {"reason": reason}, entropy=entropy)
    return await rounds.view(session, row)


async def find(session: AsyncSession, actor: Actor, draw_id: UUID) -> Draw:
    """Return a draw to its participants."""
    row = await session.get(DrawRow, draw_id, populate_existing=True)
    if row is None:
        raise not_found("draw")
    permit(policy.may_see_draw(actor, await lots.facts(session, row.lot_id)))
    return await rounds.view(session, row)


async def of_lot(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Draw]:
    """Return a lot's rounds, oldest first, to its participants."""
    permit(policy.may_see_draw(actor, await lots.facts(session, lot_id)))
    query = select(DrawRow).where(DrawRow.lot_id == lot_id).order_by(DrawRow.round)
    return [await rounds.view(session, row) for row in await session.scalars(query)]


def _checked(conditions: Conditions, number: int) -> tuple[Quota, ...]:
    quotas = quota.read([one.document() for one in conditions.quotas])
    if number > 1 and not conditions.reason.strip():
        raise GgzyError("draw.no_reason", Kind.INVALID)
    caps = (conditions.per_expert, conditions.per_employer)
    minutes = (conditions.release_minutes, conditions.answer_minutes)
    sane = all(cap is None or cap >= 1 for cap in caps) and all(1 <= m <= 1440 for m in minutes)  # noqa: PLR2004 - a day
    beacon = conditions.beacon
    named = beacon is None or (CHAIN.fullmatch(beacon.chain) is not None and beacon.round >= 1)
    if not sane or not named or conditions.representatives < 0 or len(conditions.reason) > MAX_REASON:
        raise GgzyError("draw.bad_conditions", Kind.INVALID)
    return quotas


async def _next_round(session: AsyncSession, lot_id: UUID, reason: str) -> int:
    query = select(DrawRow).where(DrawRow.lot_id == lot_id).order_by(DrawRow.round.desc()).limit(1)
    last = (await session.scalars(query)).one_or_none()
    if last is None:
        return 1
    if last.state not in (VOID, EXHAUSTED):
        done = last.state == "completed"
        raise GgzyError("draw.already_drawn" if done else "draw.already_open", Kind.CONFLICT, round=last.round)
    waiting = select(func.count()).select_from(CallRow).where(CallRow.draw_id == last.id, CallRow.state == INVITED)
    if (await session.execute(waiting)).scalar_one():
        raise GgzyError("draw.already_open", Kind.CONFLICT, round=last.round)
    if not reason.strip():
        raise GgzyError("draw.no_reason", Kind.INVALID)
    return last.round + 1


def _refuse_early(lot: LotFacts, now: datetime, hours: int) -> None:
    if lot.deadline is not None and now < lot.deadline - timedelta(hours=hours):
        earliest = isoformat(lot.deadline - timedelta(hours=hours))
        raise GgzyError("draw.too_early", Kind.CONFLICT, earliest=earliest)


def _refuse_unfillable(gathered: Roster, quotas: Sequence[Quota]) -> None:
    """Refuse a roster that cannot seat a committee, or that lets an expert at a branch be guessed."""
    usable = [(e.code, fitting(e, quotas)) for e in gathered.entries if not e.exclusions]
    quota.select(usable, quotas)
    for at, one in enumerate(quotas):
        fits = sum(1 for _, mask in usable if mask & 1 << at)
        if one.site is not None and fits < max(MIN_SITE_CANDIDATES, one.count + 1):
            raise GgzyError("draw.site_identifiable", Kind.CONFLICT, quota=one.label(), candidates=fits)


def _row(
    lot: LotFacts,
    conditions: Conditions,
    draw_id: UUID,
    *,
    quotas: Sequence[Quota],
    number: int,
    gathered: Roster,
    secret: bytes,
    by: UUID,
    now: datetime,
) -> DrawRow:
    lines = [entry.line() for entry in gathered.entries]
    beacon = conditions.beacon
    return DrawRow(
        id=draw_id,
        lot_id=lot.id,
        tender_id=lot.tender_id,
        round=number,
        reason=conditions.reason.strip(),
        state=PREPARED,
        quotas=[one.document() for one in quotas],
        representatives=conditions.representatives,
        secret=secret,
        roster=zlib.compress("\n".join(lines).encode()),
        roster_experts=b"".join(expert.bytes for expert in gathered.experts),
        roster_digest=roster.digest(lines),
        beacon=None if beacon is None else {"chain": beacon.chain, "round": beacon.round},
        release_at=now + timedelta(minutes=conditions.release_minutes),
        answer_minutes=conditions.answer_minutes,
        prepared_by=by,
        prepared_at=now,
    )


def _told(row: DrawRow, gathered: Roster, limits: Limits, key: OpeningKey) -> dict[str, Any]:
    return {
        "beacon": row.beacon,
        "candidates": len(gathered.entries),
        "caps": {"per_employer": limits.per_employer, "per_expert": limits.per_expert},
        "excluded": sum(1 for entry in gathered.entries if entry.exclusions),
        "key": key.key_hash.hex(),
        "lot": str(row.lot_id),
        "quotas": row.quotas,
        "reason": row.reason,
        "release": isoformat(row.release_at),
        "representatives": row.representatives,
        "roster": row.roster_digest.hex(),
        "round": row.round,
    }


async def _covering(session: AsyncSession, row: DrawRow) -> str:
    """Return the newest checkpoint with the log's own signature, which holds every entry of the draw so far."""
    query = select(DrawEntryRow.commitment).where(DrawEntryRow.draw_id == row.id)
    newest = ""
    for commitment in (await session.scalars(query)).all():
        newest = proof.parse(await trail.proof(session, commitment)).checkpoint
    return rounds.own_signature(newest)
