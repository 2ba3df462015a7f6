"""Writing down: every command stores one event in its own transaction; what is stored is never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive.event import Opening
from archive.tables import EventRow
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

# Past the ORM and without the returned key, which cost as much as the insert itself.
_INSERT = insert(EventRow.metadata.tables["event"]).inline()


async def record(
    session: AsyncSession,
    actor: Actor,
    kind: str,
    data: Mapping[str, Any],
    *,
    trade: UUID | None = None,
    entropy: Entropy,
    at: datetime | None = None,
) -> Opening:
    """Write down one event in the caller's transaction and return its opening.

    `kind` is ``noun.past_tense``, `trade` the tender's id, `at` the database's time that the command decided by (read
    now when left out), `data` what canonical JSON can hold. The event is in the log once the sequencer has run.
    Raises GgzyError ``event.malformed``, ``event.too_large``, ``canonical.unsupported``.
    """
    if kind == events.HEARTBEAT:
        raise GgzyError("event.malformed", Kind.INVALID)
    moment = at or await database.now(session)
    opening = events.seal(actor, kind, data, trade=trade, at=moment, sandbox=await in_sandbox(session), entropy=entropy)
    await session.execute(_INSERT, row(opening, actor, kind, trade, moment))
    return opening


def row(opening: Opening, actor: Actor, kind: str, trade: UUID | None, at: datetime) -> dict[str, Any]:
    """Return the columns of an event's row."""
    return {
        "at": at,
        "actor": actor.user_id,
        "trade": trade,
        "kind": kind,
        "commitment": opening.commitment,
        "salt": opening.salt,
        "body": opening.event,
    }


async def in_sandbox(session: AsyncSession) -> bool:
    """Tell whether this installation is a sandbox: asked once per session, as the answer is final."""
    if "sandbox" not in session.info:
        answer = await session.execute(text("SELECT coalesce((SELECT sandbox FROM installation), false)"))
        session.info["sandbox"] = bool(answer.scalar_one())
    return bool(session.info["sandbox"])
