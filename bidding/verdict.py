"""One verdict per envelope: shares combined, the first records opened, the form read; or the reason why not.

A bad bid is a verdict and stops nobody; a store or database that fails is no verdict, the opening waits and goes on
later. The row that is locked is the envelope's own, so that several who open share the work and none does it twice.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.store import ObjectStore
from bidding import manifest as manifests
from bidding import opening as shares
from bidding import standing, uploads
from bidding.form import Form
from bidding.stream import SEALED_SIZE
from bidding.tables import OPENED, REJECTED, BidRow, EntryRow, VerdictRow
from bidding.unsealing import open_envelope
from kernel.database import notify, now
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind


@dataclass(frozen=True, slots=True)
class Shares:
    """The checked shares of an opening: by position in its list, by custodian, the 32-byte images D.

    `complete` when every custodian has answered, so that an envelope whose shares are too few stays closed for ever.
    """

    opening_id: UUID
    stage: int
    threshold: int
    complete: bool
    images: Sequence[Mapping[int, bytes]] = field(repr=False)

    @property
    def decidable(self) -> frozenset[int]:
        """The positions for which nothing more needs to come."""
        return frozenset(n for n, given in enumerate(self.images) if self.complete or len(given) >= self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one envelope; `form` as its JSON, `code` why it was rejected."""

    bid_id: UUID
    kind: str
    outcome: str
    code: str | None
    form: dict[str, object] | None
    made_at: datetime


async def undecided(session: AsyncSession, given: Shares) -> list[int]:
    """Return the positions that can be decided now and have no verdict yet, in order."""
    decided = exists().where(VerdictRow.bid_id == EntryRow.bid_id, VerdictRow.kind == EntryRow.kind)
    query = select(EntryRow.position).where(EntryRow.opening_id == given.opening_id, ~decided)
    decidable = given.decidable
    return [position for position in await session.scalars(query.order_by(EntryRow.position)) if position in decidable]


async def decide(session: AsyncSession, store: ObjectStore, given: Shares, position: int) -> None:
    """Open one envelope and write its verdict; nothing happens in a pause, or if another is at it or has done it."""
    query = (
        select(EntryRow, BidRow)
        .join(BidRow, BidRow.id == EntryRow.bid_id)
        .where(EntryRow.opening_id == given.opening_id, EntryRow.position == position)
        .with_for_update(of=EntryRow, skip_locked=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None or await standing.paused(session, given.opening_id):
        return
    entry, bid = found
    if await session.get(VerdictRow, (given.opening_id, bid.id, entry.kind)) is not None:
        return
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
    await notify(session, "opening", f"{bid.lot_id}/{given.stage}")


async def list_all(session: AsyncSession, opening_id: UUID) -> dict[tuple[UUID, str], Verdict]:
    """Return the verdicts of an opening by bid and kind."""
    rows = (await session.scalars(select(VerdictRow).where(VerdictRow.opening_id == opening_id))).all()
    return {
        (row.bid_id, row.kind): Verdict(row.bid_id, row.kind, row.outcome, row.code, row.form, row.made_at)
        for row in rows
    }


async def stream(store: ObjectStore, keys: Sequence[str]) -> AsyncIterator[bytes]:
    """Stream a body from its parts; the first piece is one record, enough for most forms."""
    for number, key in enumerate(keys):
        if number == 0:
            async for chunk in store.get(key, 0, SEALED_SIZE):
                yield chunk
        async for chunk in store.get(key, SEALED_SIZE if number == 0 else 0):
            yield chunk


async def _open(
    session: AsyncSession, store: ObjectStore, bid: BidRow, entry: EntryRow, given: Shares
) -> tuple[str, str | None, Form | None]:
    """Read the form; a refusal is the verdict's code, unless the store itself does not answer."""
    try:
        envelope = manifests.parse(bid.manifest).envelope(EnvelopeKind(entry.kind))
        shared = shares.combine(given.images[entry.position], given.threshold)
        body = stream(store, await uploads.keys(session, bid.upload_id, entry.kind))
        async with aclosing(open_envelope(envelope.header, envelope.preamble, shared, body)) as opened:
            return OPENED, None, await opened.form()
    except GgzyError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return REJECTED, error.code, None
