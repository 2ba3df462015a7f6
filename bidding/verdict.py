"""One verdict per envelope: the custodians' shares combined, the first records opened, the form read; or the reason why not.

A bad bid is a verdict and stops nobody; a store or database that fails is no verdict, the opening waits and goes on later.
The row that is locked is the envelope's own, so that several who open share the work and none does it twice.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.store import ObjectStore
from bidding import manifest as manifests
from bidding import opening as shares
from bidding import uploads
from bidding.form import Form
from bidding.header import EnvelopeKind
from bidding.manifest import Envelope
from bidding.stream import SEALED_SIZE
from bidding.tables import OPENED, REJECTED, BidRow, EntryRow, VerdictRow
from bidding.unsealing import EnvelopeReader, open_envelope
from kernel.database import now
from kernel.errors import GgzyError, Kind


@dataclass(frozen=True, slots=True)
class Shares:
    """The checked shares of an opening: by position in its list, by custodian, the 32-byte images D."""

    opening_id: UUID
    threshold: int
    images: Sequence[Mapping[int, bytes]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one envelope; `form` as its JSON, `code` why it was rejected."""

    bid_id: UUID
    kind: str
    outcome: str
    code: str | None
    form: dict[str, object] | None
    made_at: datetime


async def decide_next(session: AsyncSession, store: ObjectStore, given: Shares) -> bool:
    """Open the next envelope that nobody is opening, and write its verdict; False when none is left to take."""
    query = (
        select(EntryRow, BidRow)
        .join(BidRow, BidRow.id == EntryRow.bid_id)
        .where(
            EntryRow.opening_id == given.opening_id,
            ~exists().where(VerdictRow.bid_id == EntryRow.bid_id, VerdictRow.kind == EntryRow.kind),
        )
        .order_by(EntryRow.position)
        .limit(1)
        .with_for_update(of=EntryRow, skip_locked=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return False
    entry, bid = found
    outcome, code, form = await _open(session, store, bid, entry, given)
    session.add(
        VerdictRow(
            opening_id=given.opening_id,
            bid_id=bid.id,
            kind=entry.kind,
            outcome=outcome,
            code=code,
            form=None if form is None else msgspec.json.decode(form.encode()),
            made_at=await now(session),
        )
    )
    await session.flush()
    return True


async def list_all(session: AsyncSession, opening_id: UUID) -> dict[tuple[UUID, str], Verdict]:
    """Return the verdicts of an opening by bid and kind."""
    rows = (await session.scalars(select(VerdictRow).where(VerdictRow.opening_id == opening_id))).all()
    return {
        (row.bid_id, row.kind): Verdict(row.bid_id, row.kind, row.outcome, row.code, row.form, row.made_at)
        for row in rows
    }


async def reader(
    session: AsyncSession, store: ObjectStore, bid: BidRow, kind: str, position: int, given: Shares
) -> EnvelopeReader:
    """Return the reader of an envelope whose shares are there; nothing of its body is fetched yet."""
    envelope = manifests.parse(bid.manifest).envelope(EnvelopeKind(kind))
    shared = shares.combine(given.images[position], given.threshold)
    parts = [part for part in await uploads.parts(session, bid.upload_id) if part.kind == kind]
    keys = [uploads.part_key(bid.upload_id, part.root) for part in parts]
    return _reader(envelope, shared, stream(store, keys))


async def stream(store: ObjectStore, keys: Sequence[str]) -> AsyncIterator[bytes]:
    """Stream a body from its parts; the first piece is one record, enough for most forms."""
    for number, key in enumerate(keys):
        if number == 0:
            async for chunk in store.get(key, 0, SEALED_SIZE):
                yield chunk
        async for chunk in store.get(key, SEALED_SIZE if number == 0 else 0):
            yield chunk


def _reader(envelope: Envelope, shared: bytes, body: AsyncIterator[bytes]) -> EnvelopeReader:
    return open_envelope(envelope.header, envelope.preamble, shared, body)


async def _open(
    session: AsyncSession, store: ObjectStore, bid: BidRow, entry: EntryRow, given: Shares
) -> tuple[str, str | None, Form | None]:
    try:
        opened = await reader(session, store, bid, entry.kind, entry.position, given)
        try:
            form = await opened.form()
        finally:
            await opened.aclose()
    except GgzyError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return REJECTED, error.code, None
    return OPENED, None, form
