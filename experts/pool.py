"""The pool of experts: taken in whole from a table file, kept current by named, reasoned changes."""

import asyncio
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from experts import application, policy, table_file
from experts.application import Application, Problem
from experts.tables import ACTIVE, CLEARED, SUSPENDED, ExpertRow, ExpertStateRow
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import sites

NUMBER_CONTEXT = b"ggzy/expert-number/v1\0"
MAX_REASON = 500

COLUMNS = (
    "id",
    "number_hash",
    "name",
    "specialties",
    "sites",
    "employers",
    "interests",
    "phone",
    "valid_from",
    "valid_until",
    "trained_until",
    "penalized",
    "state",
    "imported_at",
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: experts taken in, SHA-256 of the file."""

    count: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Expert:
    """An expert as the pool's keeper sees them."""

    id: UUID
    name: str
    specialties: tuple[str, ...]
    sites: tuple[str, ...]
    employer: str
    state: str
    penalized: bool
    trained_until: date | None
    valid_from: date
    valid_until: date
    has_account: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an expert's standing, with its reason; `until` for a training."""

    action: str
    reason: str
    until: date | None
    at: datetime


async def import_file(
    session: AsyncSession, actor: Actor, data: bytes, *, pepper: bytes, entropy: Entropy, encoding: str = "utf-8"
) -> Imported:
    """Take in every expert of a table file, or none; `pepper` keys the hash of the 身份证号 (32 bytes).

    Raises ``pool.bad_file`` with all problems at once, and those of `table_file.read`.
    """
    permit(policy.may_keep_pool(actor))
    await database.lock(session, "expert pool")
    known = {one.code for one in await sites.page(session)}
    found, hashes = await asyncio.to_thread(_read, data, encoding, known, pepper)
    await _refuse_known(session, found, hashes)
    await _copy(session, _records(found, hashes, await database.now(session), entropy))
    digest = sha256(data).digest()
    told = {"count": len(found), "file": digest.hex()}
    await trail.record(session, actor, "pool.imported", told, entropy=entropy)
    return Imported(len(found), digest)


def number_hash(pepper: bytes, number: str) -> bytes:
    """Return the keyed hash (32 bytes) that stands for a 身份证号; without the key it cannot be guessed back."""
    return hmac.digest(pepper, NUMBER_CONTEXT + number.encode(), "sha256")


async def train(
    session: AsyncSession, actor: Actor, expert_id: UUID, until: date, reason: str, *, entropy: Entropy
) -> None:
    """Note a training that counts until a day."""
    await _change(
        session, actor, expert_id, "train", reason, values={"trained_until": until}, until=until, entropy=entropy
    )


async def suspend(session: AsyncSession, actor: Actor, expert_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """Suspend an expert: excluded from every draw until reinstated."""
    await _change(session, actor, expert_id, "suspend", reason, values={"state": SUSPENDED}, entropy=entropy)


async def reinstate(session: AsyncSession, actor: Actor, expert_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """End a suspension, or a clear-out after an appeal."""
    await _change(session, actor, expert_id, "reinstate", reason, values={"state": ACTIVE}, entropy=entropy)


async def clear_out(session: AsyncSession, actor: Actor, expert_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """Clear an expert out of the pool; the record stays, and an appeal may bring them back."""
    await _change(session, actor, expert_id, "clear_out", reason, values={"state": CLEARED}, entropy=entropy)


async def penalize(session: AsyncSession, actor: Actor, expert_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """Note a penalty for breaches in evaluation, which keeps the expert out of draws for good."""
    await _change(session, actor, expert_id, "penalize", reason, values={"penalized": True}, entropy=entropy)


async def link(session: AsyncSession, actor: Actor, expert_id: UUID, user_id: UUID, *, entropy: Entropy) -> None:
    """Give an expert the account with which they answer calls; ``pool.account_taken`` when it is another's."""
    permit(policy.may_keep_pool(actor))
    try:
        async with session.begin_nested():
            change = update(ExpertRow).where(ExpertRow.id == expert_id).values(user_id=user_id).returning(ExpertRow.id)
            found = (await session.execute(change)).one_or_none()
    except IntegrityError as error:
        raise GgzyError("pool.account_taken", Kind.CONFLICT) from error
    if found is None:
        raise not_found("expert")
    told = {"expert": str(expert_id), "user": str(user_id)}
    await trail.record(session, actor, "expert.linked", told, entropy=entropy)


async def get(session: AsyncSession, actor: Actor, expert_id: UUID) -> Expert:
    """Return one expert to the pool's keeper."""
    permit(policy.may_keep_pool(actor))
    row = await session.get(ExpertRow, expert_id)
    if row is None:
        raise not_found("expert")
    return _expert(row)


async def page(session: AsyncSession, actor: Actor, *, after: UUID | None = None, limit: int = 50) -> list[Expert]:
    """Return experts in the order of their ids, to the pool's keeper."""
    permit(policy.may_keep_pool(actor))
    query = select(ExpertRow).order_by(ExpertRow.id).limit(limit)
    if after is not None:
        query = query.where(ExpertRow.id > after)
    return [_expert(row) for row in await session.scalars(query)]


async def changes(session: AsyncSession, actor: Actor, expert_id: UUID) -> list[Change]:
    """Return what was done with an expert's standing, newest first, to the pool's keeper."""
    permit(policy.may_keep_pool(actor))
    query = select(ExpertStateRow).where(ExpertStateRow.expert_id == expert_id).order_by(ExpertStateRow.at.desc())
    return [Change(row.action, row.reason, row.until, row.at) for row in await session.scalars(query.limit(200))]


async def size(session: AsyncSession) -> int:
    """Return how many active experts there are: a small pool makes draws predictable."""
    query = select(func.count()).select_from(ExpertRow).where(ExpertRow.state == ACTIVE)
    return int((await session.execute(query)).scalar_one())


def _read(data: bytes, encoding: str, known: set[str], pepper: bytes) -> tuple[list[Application], list[bytes]]:
    """Read a file beside the event loop: a large one takes seconds."""
    found = application.read(table_file.read(data, encoding), known)
    return found, [number_hash(pepper, one.number) for one in found]


async def _refuse_known(session: AsyncSession, found: Sequence[Application], hashes: Sequence[bytes]) -> None:
    query = select(ExpertRow.number_hash).where(ExpertRow.number_hash == func.any(list(hashes)))
    known = set((await session.scalars(query)).all())
    problems = [
        Problem(one.row, application.NUMBER, "already_in_pool")
        for one, hashed in zip(found, hashes, strict=True)
        if hashed in known
    ]
    if problems:
        raise application.refuse(problems)


def _records(
    found: Sequence[Application], hashes: Sequence[bytes], now: Any, entropy: Entropy
) -> Iterable[tuple[Any, ...]]:
    for one, hashed in zip(found, hashes, strict=True):
        employers = [{"left": e.left and e.left.isoformat(), "name": e.name, "uscc": e.uscc} for e in one.employers]
        yield (
            new_id(entropy),
            hashed,
            one.name,
            list(one.specialties),
            list(one.sites),
            json.dumps(employers, ensure_ascii=False),
            list(one.interests),
            one.phone,
            one.valid_from,
            one.valid_until,
            one.trained_until,
            False,
            ACTIVE,
            now,
        )


async def _copy(session: AsyncSession, records: Iterable[tuple[Any, ...]]) -> None:
    """Write rows by COPY on the session's own connection, inside its transaction."""
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    if not isinstance(raw, psycopg.AsyncConnection):
        raise TypeError(raw)
    async with raw.cursor() as cursor, cursor.copy(f"COPY expert ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for record in records:
            await copy.write_row(record)


async def _change(
    session: AsyncSession,
    actor: Actor,
    expert_id: UUID,
    action: str,
    reason: str,
    *,
    values: dict[str, Any],
    until: date | None = None,
    entropy: Entropy,
) -> None:
    permit(policy.may_keep_pool(actor))
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("pool.no_reason", Kind.INVALID, limit=MAX_REASON)
    changed = update(ExpertRow).where(ExpertRow.id == expert_id).values(**values).returning(ExpertRow.id)
    if (await session.execute(changed)).one_or_none() is None:
        raise not_found("expert")
    now = await database.now(session)
    session.add(
        ExpertStateRow(
            id=new_id(entropy), expert_id=expert_id, action=action, reason=reason, until=until, by=actor.user_id, at=now
        )
    )
    told = {"action": action, "expert": str(expert_id), "reason": reason, "until": until and until.isoformat()}
    await trail.record(session, actor, "expert.changed", told, entropy=entropy, at=now)


def _expert(row: ExpertRow) -> Expert:
    return Expert(
        row.id,
        row.name,
        tuple(row.specialties),
        tuple(row.sites),
        row.employers[0]["name"],
        row.state,
        row.penalized,
        row.trained_until,
        row.valid_from,
        row.valid_until,
        row.user_id is not None,
    )
