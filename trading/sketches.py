"""Sketches: a tender being written step by step, kept for its writer until it is registered or amended.

A sketch is work in progress of one person and no evidence: nothing is recorded of it, nobody else sees it, and it is
gone when the tender is registered. What it may hold is decided at the end, by `registration`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import canonical, database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import policy
from trading.entry_tables import SketchRow

MOST = 20
MOST_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """A sketch; `tender_id` names the registered draft that it is to replace."""

    id: UUID
    tender_id: UUID | None
    content: dict[str, Any]
    changed_at: datetime


async def begin(
    session: AsyncSession, actor: Actor, content: dict[str, Any], *, entropy: Entropy, tender_id: UUID | None = None
) -> Sketch:
    """Begin a sketch, or return the person's own of this tender; ``sketch.too_many``, ``sketch.not_yours``."""
    permit(policy.may_sketch(actor))
    if (await session.scalar(select(func.count()).where(SketchRow.by == actor.user_id)) or 0) >= MOST:
        raise GgzyError("sketch.too_many", Kind.TOO_MANY, limit=MOST)
    now = await database.now(session)
    values = {"id": new_id(entropy), "by": actor.user_id, "tender_id": tender_id, "content": _sized(content)}
    statement = insert(SketchRow).values(values | {"changed_at": now})
    await session.execute(statement.on_conflict_do_nothing())
    key = SketchRow.tender_id == tender_id if tender_id else SketchRow.id == values["id"]
    return _value((await session.scalars(select(SketchRow).where(SketchRow.by == actor.user_id, key))).one())


async def get(session: AsyncSession, actor: Actor, sketch_id: UUID) -> Sketch:
    """Return one's own sketch; ``sketch.not_found``."""
    row = await session.get(SketchRow, sketch_id, populate_existing=True)
    if row is None or row.by != actor.user_id:
        raise not_found("sketch")
    return _value(row)


async def mine(session: AsyncSession, actor: Actor) -> list[Sketch]:
    """Return one's own sketches, the newest first."""
    query = select(SketchRow).where(SketchRow.by == actor.user_id).order_by(SketchRow.changed_at.desc(), SketchRow.id)
    return [_value(row) for row in await session.scalars(query)]


async def save(session: AsyncSession, actor: Actor, sketch_id: UUID, content: dict[str, Any]) -> Sketch:
    """Keep what was written; ``sketch.not_found``, ``sketch.too_large``."""
    await get(session, actor, sketch_id)
    values = {"content": _sized(content), "changed_at": await database.now(session)}
    await session.execute(update(SketchRow).where(SketchRow.id == sketch_id).values(values))
    return await get(session, actor, sketch_id)


async def discard(session: AsyncSession, actor: Actor, sketch_id: UUID) -> None:
    """Throw a sketch away; ``sketch.not_found``."""
    await get(session, actor, sketch_id)
    await session.execute(delete(SketchRow).where(SketchRow.id == sketch_id))


def _sized(content: dict[str, Any]) -> dict[str, Any]:
    if len(canonical.encode(content)) > MOST_BYTES:
        raise GgzyError("sketch.too_large", Kind.TOO_LARGE)
    return content


def _value(row: SketchRow) -> Sketch:
    return Sketch(row.id, row.tender_id, row.content, row.changed_at)
