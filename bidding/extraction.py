"""Taking the files out of opened envelopes: each into the store under its SHA-256, in flat memory.

Three steps like an upload: `next_task` (a short transaction) says what is to be done, `extract` streams without one,
`keep` writes the rows. The payload is read twice: once to hash it and to know that it is authentic to its last
record, once to store it, so that nothing of a body that was tampered with is ever kept.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.store import ObjectStore
from bidding import manifest as manifests
from bidding import opening as shares
from bidding import policy, uploads
from bidding.manifest import Envelope
from bidding.tables import OPENED, BidRow, EntryRow, ExtractionRow, OpenedFileRow, VerdictRow
from bidding.unsealing import EnvelopeReader, open_envelope
from bidding.verdict import Shares, stream
from kernel.actor import Actor
from kernel.database import now
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import files, lots
from trading.lot import EnvelopeKind


@dataclass(frozen=True, slots=True)
class Task:
    """An opened envelope whose files are still sealed; `keys` are its parts in the store, `shared` is K."""

    bid_id: UUID
    lot_id: UUID
    envelope: Envelope
    keys: tuple[str, ...]
    shared: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A file of an opened envelope; `size` in bytes."""

    bid_id: UUID
    kind: str
    position: int
    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came out of an envelope: its files, or the code of what is wrong behind its form."""

    files: tuple[File, ...]
    code: str | None


async def next_task(session: AsyncSession, given: Shares) -> Task | None:
    """Return the next opened envelope of an opening whose files are still sealed."""
    done = exists().where(ExtractionRow.bid_id == EntryRow.bid_id, ExtractionRow.kind == EntryRow.kind)
    query = (
        select(EntryRow, BidRow)
        .join(BidRow, BidRow.id == EntryRow.bid_id)
        .join(VerdictRow, (VerdictRow.bid_id == EntryRow.bid_id) & (VerdictRow.kind == EntryRow.kind))
        .where(EntryRow.opening_id == given.opening_id, VerdictRow.outcome == OPENED, ~done)
        .order_by(EntryRow.position)
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    entry, bid = found
    envelope = manifests.parse(bid.manifest).envelope(EnvelopeKind(entry.kind))
    keys = await uploads.keys(session, bid.upload_id, entry.kind)
    return Task(bid.id, bid.lot_id, envelope, keys, shares.combine(given.images[entry.position], given.threshold))


async def extract(store: ObjectStore, task: Task) -> Extracted:
    """Read an envelope to its end, then store its files; a store that fails raises, anything else is a code."""
    try:
        found = await _measure(store, task)
    except GgzyError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return Extracted((), error.code)
    wanted = iter(found)
    async with aclosing(_reader(store, task)) as opened:
        await opened.form()
        async for file in opened.files():
            listed = next(wanted)
            if await store.size(files.key(listed.sha256)) != listed.size:
                await store.put(files.key(listed.sha256), file.chunks, listed.size)
    return Extracted(tuple(found), None)


async def keep(session: AsyncSession, actor: Actor, task: Task, out: Extracted, *, entropy: Entropy) -> None:
    """Write down what was extracted and record ``bid.extracted``; whoever comes second changes nothing."""
    moment = await now(session)
    kind = task.envelope.kind.value
    values = {"bid_id": task.bid_id, "kind": kind, "code": out.code, "made_at": moment}
    first = insert(ExtractionRow).values(values).on_conflict_do_nothing().returning(ExtractionRow.kind)
    if (await session.execute(first)).first() is None:
        return
    for file in out.files:
        session.add(
            OpenedFileRow(
                bid_id=file.bid_id,
                kind=file.kind,
                position=file.position,
                name=file.name,
                size=file.size,
                sha256=file.sha256,
            )
        )
    lot = await lots.facts(session, task.lot_id)
    said = {
        "bid": str(task.bid_id),
        "lot": str(lot.id),
        "kind": kind,
        "code": out.code,
        "files": [{"sha256": file.sha256.hex(), "size": file.size} for file in out.files],
    }
    await trail.record(session, actor, "bid.extracted", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await session.flush()


async def lot_of(session: AsyncSession, bid_id: UUID) -> UUID:
    """Return the lot of a bid, so that its committee can be asked for; ``bid.not_found``."""
    bid = await session.get(BidRow, bid_id)
    if bid is None:
        raise not_found("bid")
    return bid.lot_id


async def list_files(
    session: AsyncSession, actor: Actor, bid_id: UUID, committee: frozenset[UUID] = frozenset()
) -> Sequence[File]:
    """Return the files of a bid to its bidder, the committee (user ids) and those who oversee the lot."""
    bid = await session.get(BidRow, bid_id)
    if bid is None:
        raise not_found("bid")
    lot = await lots.facts(session, bid.lot_id)
    permit(policy.may_read_files(actor, lot, bid.party, committee))
    query = select(OpenedFileRow).where(OpenedFileRow.bid_id == bid_id)
    rows = (await session.scalars(query.order_by(OpenedFileRow.kind, OpenedFileRow.position))).all()
    return [File(row.bid_id, row.kind, row.position, row.name, row.size, row.sha256) for row in rows]


def content(store: ObjectStore, file: File) -> AsyncIterator[bytes]:
    """Stream a file that `list_files` returned."""
    return store.get(files.key(file.sha256))


def _reader(store: ObjectStore, task: Task) -> EnvelopeReader:
    return open_envelope(task.envelope.header, task.envelope.preamble, task.shared, stream(store, task.keys))


async def _measure(store: ObjectStore, task: Task) -> list[File]:
    """Return the files with their digests after the whole body has proved authentic."""
    found: list[File] = []
    async with aclosing(_reader(store, task)) as opened:
        await opened.form()
        async for file in opened.files():
            hasher = hashlib.sha256()
            async for piece in file.chunks:
                hasher.update(piece)
            name, size = file.entry.name, file.entry.size
            found.append(File(task.bid_id, task.envelope.kind.value, len(found), name, size, hasher.digest()))
    return found
