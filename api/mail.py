"""Messages that a person or a party must not miss: kept for their own page, and told by mail where there is an address.

They follow the log: what happened is an event in its command's transaction, and `follow` makes the messages of each
entry once it is in the log (docs/decisions/messages-follow-the-log.md), by the rules of `api.mail_rules`. Mails name
neither trade nor party (`api.mail_sender`): who reads a mail server must not learn who takes part.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import mail_rules
from api.accounts import policy
from api.mail_rules import Post
from api.tables import Message, MessageCursor
from api.wiring import Installation
from archive import event as events
from archive import trail
from archive.event import Event
from kernel import database
from kernel.actor import PARTY_ROLES, Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, permit

log = structlog.get_logger(__name__)

BATCH = 200
PAGE = 50


@dataclass(frozen=True, slots=True)
class Received:
    """A message as its recipient reads it."""

    id: UUID
    code: str
    params: dict[str, Any]
    path: str
    posted_at: datetime
    party: str | None


async def post(session: AsyncSession, about: str, told: Post, *, at: datetime, entropy: Entropy) -> None:
    """Keep a message in the caller's transaction; a mail follows. `about` names what it tells of."""
    key = f"{told.key or about}/{told.code}/{told.user_id or told.party}"
    row = {"id": new_id(entropy), "key": key, "user_id": told.user_id, "party": told.party, "code": told.code}
    statement = insert(Message).values(**row, params=told.params, path=told.path, posted_at=at)
    await session.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


async def inbox(session: AsyncSession, actor: Actor, before: datetime | None = None) -> list[Received]:
    """Return up to fifty messages to the actor and the parties they act for, newest first."""
    permit(policy.must_be_person(actor))
    parties = {code for role in PARTY_ROLES for code in actor.parties(role)}
    query = select(Message).where(or_(Message.user_id == actor.user_id, Message.party.in_(parties)))
    if before is not None:
        query = query.where(Message.posted_at < before)
    rows = await session.scalars(query.order_by(Message.posted_at.desc(), Message.id).limit(PAGE))
    return [Received(row.id, row.code, row.params, row.path, row.posted_at, row.party) for row in rows]


async def follow(installation: Installation) -> None:
    """Make the messages of the entries that came into the log since the last time; one process at a time."""
    async with installation.sessions.begin() as session:
        if not await database.try_lock(session, "jobs/messages"):
            return
        after = (await session.execute(select(MessageCursor.index))).scalar_one()
        entries = await trail.feed(session, after, BATCH)
        for entry in entries:
            event = events.decode(entry.opening.event)
            for told in await _told(session, event):
                await post(session, str(event.id), told, at=event.at, entropy=installation.entropy)
        if entries:
            await session.execute(update(MessageCursor).values(index=entries[-1].index))


async def _told(session: AsyncSession, event: Event) -> list[Post]:
    """Apply the rules; one event that they cannot make sense of must not silence all that come after it."""
    try:
        async with session.begin_nested():
            return await mail_rules.posts(session, event)
    except (GgzyError, KeyError, ValueError):
        log.exception("message.no_rule", kind=event.kind)
        return []
