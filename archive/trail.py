"""The trail, as the packages above use it: write an event down, prove that it is in the log, read it again in order.

`record` stands in `archive.recording`, `sequence` in `archive.sequencer`, `feed` in `archive.feed`.
"""

import operator
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint as checkpoints
from archive import feed as feeds
from archive import merkle, policy
from archive import note as notes
from archive import proof as proofs
from archive.event import HEARTBEAT, Entry, Opening
from archive.feed import feed
from archive.policy import Reading
from archive.proof import Proof
from archive.recording import record
from archive.sequencer import sequence
from archive.tables import EventRow, LogEntry
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, not_found, permit

__all__ = [
    "Entry",
    "Filter",
    "Opening",
    "Reading",
    "consistency",
    "entry",
    "feed",
    "openings",
    "proof",
    "prove",
    "record",
    "search",
    "sequence",
]

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """What a supervisor asks for; every field narrows. Times and indexes: from (inclusive) until (exclusive).

    `kind` is a kind, or the noun that several kinds begin with; `trades` are those of a site.
    """

    trade: UUID | None = None
    kind: str | None = None
    actor: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    first: int | None = None
    before: int | None = None
    trades: frozenset[UUID] | None = None


async def proof(session: AsyncSession, commitment: bytes) -> str:
    """Return the C2SP tlog-proof of a commitment under the newest checkpoint.

    Raises GgzyError ``trail.not_sequenced`` while it waits, ``commitment.not_found`` if it was never recorded.
    """
    query = (
        select(LogEntry.index)
        .select_from(EventRow)
        .outerjoin(LogEntry, LogEntry.event == EventRow.number)
        .where(EventRow.commitment == commitment)
    )
    found = (await session.execute(query)).scalars().all()
    if not found:
        raise not_found("commitment")
    if found[0] is None:
        raise GgzyError("trail.not_sequenced", Kind.CONFLICT)
    return (await prove(session, found))[0]


async def prove(session: AsyncSession, indexes: Iterable[int]) -> list[str]:
    """Return the tlog-proofs of several entries, all under one newest checkpoint; each tile is read once.

    Raises GgzyError ``checkpoint.not_found``, ``entry.not_found``.
    """
    note = await feeds.signed_checkpoint(session)
    size = checkpoints.parse(notes.parse(note).text).size
    wanted = list(indexes)
    if not all(0 <= index < size for index in wanted):
        raise not_found("entry")
    spans = {index: merkle.inclusion_spans(index, size) for index in wanted}
    nodes = await feeds.nodes(session, [n for s in spans.values() for n in merkle.nodes_of(s)], size)
    paths = (merkle.prove(spans[index], nodes.__getitem__) for index in wanted)
    return [proofs.encode(Proof(i, tuple(path), note)) for i, path in zip(wanted, paths, strict=True)]


async def consistency(session: AsyncSession, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove that the log of `new` leaves extends the log of `old` leaves (RFC 6962 2.1.2).

    Raises GgzyError ``merkle.malformed`` when old > new, ``checkpoint.not_found`` beyond the published size.
    """
    spans = merkle.consistency_spans(old, new)
    if new > (await feeds.checkpoint(session)).size:
        raise not_found("checkpoint")
    nodes = await feeds.nodes(session, merkle.nodes_of(spans), new)
    return merkle.prove(spans, nodes.__getitem__)


async def openings(session: AsyncSession, trade: UUID, *, kind: str | None = None) -> AsyncIterator[Entry]:
    """Yield the entries of a trade, all or of one kind, that are in the log, in index order."""
    query = feeds.openings_query().where(EventRow.trade == trade)
    if kind is not None:
        query = query.where(EventRow.kind == kind)
    after = -1
    while page := (await session.execute(query.where(LogEntry.index > after).limit(CHUNK))).all():
        for row in page:
            yield feeds.entry_of(*row)
        after = page[-1][0]


async def search(
    session: AsyncSession,
    actor: Actor,
    wanted: Filter,
    reading: Reading,
    *,
    after: int = -1,
    limit: int = 100,
    newest: bool = False,
) -> list[Entry]:
    """Return up to `limit` entries above index `after` that fit, for supervisors and the audit administrator.

    In the order of the log, or, with `newest`, backwards from its end (then `Filter.before` is the cursor). Left out is
    what `reading` closes: trades of others' sites, who bids where bids are taken, a committee's members before the
    result; and heartbeats always, so that a gap between indexes tells nothing. Raises GgzyError ``trail.not_found`` for
    everybody else, ``trail.wrong_page``, ``trail.wrong_time`` (no zone).
    """
    permit(policy.may_search(actor))
    feeds.check_page(after, limit)
    query = feeds.openings_query().where(LogEntry.index > after, _open(reading), *_conditions(wanted))
    if newest:
        query = query.order_by(None).order_by(LogEntry.index.desc())
    return [feeds.entry_of(*row) for row in await session.execute(query.limit(limit))]


async def entry(session: AsyncSession, index: int) -> Entry:
    """Return one entry of the log for whoever decides who may see it; GgzyError ``entry.not_found``."""
    found = await feeds.feed(session, index - 1, 1) if 0 <= index <= merkle.MAX_SIZE else []
    if not found or found[0].index != index:
        raise not_found("entry")
    return found[0]


def _open(reading: Reading) -> ColumnElement[bool]:
    """Return the condition that `policy.may_open` states for readers, for rows."""
    hidden = [_closed(policy.SEALED, reading.sealed), _closed(policy.NAMING, reading.unnamed)]
    shown = and_(EventRow.kind != HEARTBEAT, not_(or_(*hidden)))
    if reading.within is None:
        return shown
    return and_(shown, or_(EventRow.trade.in_(reading.within), EventRow.kind.in_(policy.PUBLIC)))


def _closed(nouns: Collection[str], trades: Collection[UUID]) -> ColumnElement[bool]:
    kinds = or_(*(EventRow.kind.startswith(f"{noun}.") for noun in nouns))
    return and_(kinds, or_(EventRow.trade.is_(None), EventRow.trade.in_(trades)))


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    if any(moment is not None and moment.tzinfo is None for moment in (wanted.since, wanted.until)):
        raise GgzyError("trail.wrong_time", Kind.INVALID)
    narrowing: tuple[tuple[Any, Any, Callable[[Any, Any], ColumnElement[bool]]], ...] = (
        (wanted.trade, EventRow.trade, operator.eq),
        (wanted.kind, EventRow.kind, _of_kind),
        (wanted.actor, EventRow.actor, operator.eq),
        (wanted.since, EventRow.at, operator.ge),
        (wanted.until, EventRow.at, operator.lt),
        (wanted.first, LogEntry.index, operator.ge),
        (wanted.before, LogEntry.index, operator.lt),
        (wanted.trades, EventRow.trade, lambda column, trades: column.in_(trades)),
    )
    return [compare(column, value) for value, column, compare in narrowing if value is not None]


def _of_kind(column: Any, kind: str) -> ColumnElement[bool]:
    matched: ColumnElement[bool] = column == kind if "." in kind else column.startswith(f"{kind}.", autoescape=True)
    return matched
