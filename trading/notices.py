"""Notices: published once, numbered without gaps within their tender, public for ever, corrected only by another.

Kinds: tender, correction, clarification, candidates, award, failure, suspension, resumption, termination.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.event import decode
from archive.trail import Entry
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, not_found
from trading import bigrams
from trading.lot import LotFacts
from trading.tables import NoticeRow, NoticeWordsRow, PartyRow, TenderRow

FORMAT = "ggzy/notice/v1"
CHANGED = ("public", "pages")
"""What is notified (`kernel.database.notify`) when something that everybody may see has changed."""
WRITTEN = frozenset({"tender", "clarification", "candidates", "award"})


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as published; `ends_at` where it runs for a time (candidates)."""

    id: UUID
    tender_id: UUID
    lot_id: UUID | None
    number: int
    kind: str
    title: str
    text: str
    data: dict[str, Any]
    published_at: datetime
    ends_at: datetime | None


async def publish(
    session: AsyncSession,
    actor: Actor,
    about: LotFacts,
    kind: str,
    *,
    title: str,
    text: str,
    entropy: Entropy,
    data: dict[str, Any] | None = None,
    ends_at: datetime | None = None,
    whole: bool = False,
) -> Notice:
    """Publish a notice about a lot, or (`whole`) about its tender, and record ``notice.published`` with its hash.

    The command that publishes has asked its policy already. Raises ``notice.no_text``.
    """
    if kind in WRITTEN and not text.strip():
        raise GgzyError("notice.no_text")
    await database.lock(session, f"notice:{about.tender_id}")
    last = await session.scalar(select(func.max(NoticeRow.number)).where(NoticeRow.tender_id == about.tender_id))
    row = NoticeRow(
        id=new_id(entropy),
        tender_id=about.tender_id,
        lot_id=None if whole else about.id,
        number=(last or 0) + 1,
        kind=kind,
        title=title,
        text=text,
        data=data or {},
        by=actor.user_id,
        published_at=await database.now(session),
        ends_at=ends_at,
    )
    session.add(row)
    await session.flush()
    await _index(session, row)
    await database.notify(session, *CHANGED)
    notice = value(row)
    recorded = {"notice": str(row.id), "number": row.number, "kind": kind, "sha256": digest(notice).hex()}
    await trail.record(session, actor, "notice.published", recorded, trade=about.tender_id, entropy=entropy)
    return notice


async def newest(session: AsyncSession, lot: LotFacts, kind: str) -> Notice | None:
    """Return the newest notice of this kind about this lot, if there is one."""
    return (await newest_of(session, [lot.id], kind)).get(lot.id)


async def newest_of(session: AsyncSession, lot_ids: Collection[UUID], kind: str) -> dict[UUID, Notice]:
    """Return the newest notice of this kind about each of the lots that has one, by one query."""
    query = select(NoticeRow).where(NoticeRow.lot_id.in_(lot_ids), NoticeRow.kind == kind)
    query = query.ext(distinct_on(NoticeRow.lot_id)).order_by(NoticeRow.lot_id, NoticeRow.number.desc())
    return {row.lot_id: value(row) for row in await session.scalars(query) if row.lot_id is not None}


async def get(session: AsyncSession, notice_id: UUID) -> Notice:
    """Return a notice to anybody; those of invited tenders are not for everybody: ``notice.not_found``."""
    row = await session.scalar(_public().where(NoticeRow.id == notice_id))
    if row is None:
        raise not_found("notice")
    return value(row)


async def page(
    session: AsyncSession,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
    tender_id: UUID | None = None,
    kind: str | None = None,
) -> list[Notice]:
    """Return public notices, newest first, those published before the place `before` in that order."""
    query = _public().order_by(NoticeRow.published_at.desc(), NoticeRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(NoticeRow.published_at, NoticeRow.id) < before)
    if tender_id is not None:
        query = query.where(NoticeRow.tender_id == tender_id)
    if kind is not None:
        query = query.where(NoticeRow.kind == kind)
    return [value(row) for row in await session.scalars(query)]


async def of_tender(session: AsyncSession, tender_id: UUID) -> Sequence[Notice]:
    """Return all notices of a tender in order, for its archive."""
    query = select(NoticeRow).where(NoticeRow.tender_id == tender_id).order_by(NoticeRow.number)
    return [value(row) for row in await session.scalars(query)]


async def entry(session: AsyncSession, notice: Notice) -> Entry | None:
    """Return the notice's place in the log with its opening; None while it waits to be sequenced."""
    async for found in trail.openings(session, notice.tender_id, kind="notice.published"):
        if decode(found.opening.event).data.get("notice") == str(notice.id):
            return found
    return None


def encode(notice: Notice) -> bytes:
    """Return the canonical bytes of a notice, which its event's hash is of and which the archive keeps."""
    return canonical.encode(
        {
            "format": FORMAT,
            "id": str(notice.id),
            "tender": str(notice.tender_id),
            "lot": None if notice.lot_id is None else str(notice.lot_id),
            "number": notice.number,
            "kind": notice.kind,
            "title": notice.title,
            "text": notice.text,
            "data": notice.data,
            "published_at": isoformat(notice.published_at),
            "ends_at": None if notice.ends_at is None else isoformat(notice.ends_at),
        }
    )


def digest(notice: Notice) -> bytes:
    """Return SHA-256 of the canonical bytes."""
    return hashlib.sha256(encode(notice)).digest()


def value(row: NoticeRow) -> Notice:
    """Return the notice of a row."""
    return Notice(
        id=row.id,
        tender_id=row.tender_id,
        lot_id=row.lot_id,
        number=row.number,
        kind=row.kind,
        title=row.title,
        text=row.text,
        data=row.data,
        published_at=row.published_at,
        ends_at=row.ends_at,
    )


async def _index(session: AsyncSession, row: NoticeRow) -> None:
    """Write down what the notice is found by: its title, its tender's title, code and purchaser, and its text."""
    query = select(TenderRow.title, TenderRow.code, PartyRow.name)
    query = query.join(PartyRow, PartyRow.uscc == TenderRow.purchaser).where(TenderRow.id == row.tender_id)
    title, code, purchaser = (await session.execute(query)).one()
    told = f"{row.title}\n{title}\n{code}"
    words = bigrams.vector(f"{told}\n{purchaser}\n{row.text}")
    session.add(NoticeWordsRow(notice_id=row.id, title=bigrams.vector(told), words=words))
    await session.flush()


def _public() -> Any:
    return select(NoticeRow).join(TenderRow, TenderRow.id == NoticeRow.tender_id).where(TenderRow.method == "public")
