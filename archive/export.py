"""Taking entries out of the trail: each export is an event; what it holds is fixed by filter and size of the log.

An export is found again by its event, so that the file is streamed by a request of its own.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import feed, merkle, policy, trail
from archive.event import Opening
from archive.policy import Reading
from archive.recording import record
from archive.tables import EventRow, LogCheckpoint
from archive.trail import Entry, Filter
from kernel import database
from kernel.actor import Actor
from kernel.clock import isoformat, parse
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import not_found, permit

EVENT = "trail.exported"
CHUNK = 500

Form = Literal["csv", "xlsx", "bundle"]
FORMS: tuple[Form, ...] = ("csv", "xlsx", "bundle")
Proven = tuple[Entry, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Export:
    """An export: id of its event, its commitment by which it is found again, the filter, entries below `size`."""

    id: UUID
    commitment: bytes
    at: datetime
    by: UUID
    form: Form
    size: int
    asked: dict[str, Any]
    sandbox: bool

    def filter(self) -> Filter:
        """Return what is taken out: what was asked for, of the log as large as it was."""
        told = {name: _read(name, value) for name, value in self.asked.items() if name != "site"}
        before = told.pop("before", None)
        return Filter(**told, before=self.size if before is None else min(before, self.size))


async def begin(
    session: AsyncSession, actor: Actor, wanted: Filter, form: Form, *, site: str | None = None, entropy: Entropy
) -> Export:
    """Record that somebody takes these entries out; ``trail.not_found``, ``checkpoint.not_found``.

    `site` is the code by which `wanted` was narrowed to trades, told instead of their list.
    """
    permit(policy.may_search(actor))
    size = (await feed.checkpoint(session)).size
    asked = {**describe(wanted), **({} if site is None else {"site": site})}
    data = {"filter": asked, "form": form, "size": size}
    opening = await record(session, actor, EVENT, data, trade=wanted.trade, entropy=entropy)
    return _value(opening)


async def find(session: AsyncSession, actor: Actor, commitment: bytes) -> Export:
    """Return an export to who began it and may still read the trail; ``export.not_found``."""
    row = (await session.execute(select(EventRow).where(EventRow.commitment == commitment))).scalar_one_or_none()
    if row is None or (row.kind, row.actor) != (EVENT, actor.user_id) or policy.may_search(actor) is not None:
        raise not_found("export")
    return _value(Opening(row.body, row.salt, row.commitment))


async def pages(
    sessions: Sessions, actor: Actor, wanted: Filter, reading: Reading
) -> AsyncIterator[tuple[AsyncSession, list[Entry]]]:
    """Yield the entries page by page, each read by one query in a short session of its own."""
    after = -1
    while True:
        async with sessions() as session:
            page = await trail.search(session, actor, wanted, reading, after=after, limit=CHUNK)
            if page:
                yield session, page
        if len(page) < CHUNK:
            return
        after = page[-1].index


async def proven(session: AsyncSession, page: list[Entry], size: int) -> list[Proven]:
    """Return entries with their audit paths in the log of `size` leaves: one query for each level of tiles."""
    spans = [merkle.inclusion_spans(entry.index, size) for entry in page]
    nodes = await feed.nodes(session, [node for one in spans for node in merkle.nodes_of(one)], size)
    paths = (tuple(merkle.prove(one, nodes.__getitem__)) for one in spans)
    return list(zip(page, paths, strict=True))


async def checkpoint_of(session: AsyncSession, size: int) -> tuple[str, datetime]:
    """Return the log's own note over so many entries, and the time now, by which it is stamped."""
    row = await session.get(LogCheckpoint, size)
    if row is None:
        raise not_found("checkpoint")
    return row.note, await database.now(session)


def describe(wanted: Filter) -> dict[str, Any]:
    """Return what a filter asks for as canonical JSON can hold it; nothing for what it leaves open."""
    told = {
        "trade": wanted.trade and str(wanted.trade),
        "kind": wanted.kind,
        "actor": wanted.actor and str(wanted.actor),
        "since": wanted.since and isoformat(wanted.since),
        "until": wanted.until and isoformat(wanted.until),
        "first": wanted.first,
        "before": wanted.before,
    }
    return {name: value for name, value in told.items() if value is not None}


def _value(opening: Opening) -> Export:
    event = events.decode(opening.event)
    told = event.data
    return Export(
        id=event.id,
        commitment=opening.commitment,
        at=event.at,
        by=event.actor,
        form=told["form"],
        size=told["size"],
        asked=told["filter"],
        sandbox=event.sandbox,
    )


def _read(name: str, value: Any) -> Any:
    if name in ("trade", "actor"):
        return UUID(value)
    return parse(value) if name in ("since", "until") else value
