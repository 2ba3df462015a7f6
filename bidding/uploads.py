"""Upload sessions: the bodies of a sealed bid arrive in parts of 8 MiB, in any order, each named by its tree root.

A part is stored in three steps so that no transaction is open while bytes stream: `place_part` (a short transaction)
says where it goes, `store_part` streams it into the object store and checks length and root on the way, `record_part`
writes its row once the object is durable. A crash between the last two leaves an object that nobody refers to, never
a row without its object. Objects lie under ``uploads/<session>/<root>``, so that sweeping a session cannot touch
another's parts.
"""

import hmac
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive.merkle import HASH_SIZE
from archive.store import ObjectStore
from bidding import policy
from bidding.segments import PART_SIZE, PartHasher
from bidding.tables import OPEN, SWEPT, PartRow, UploadRow
from kernel.actor import Actor
from kernel.database import now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload session as its bidder sees it; `present` maps each kind to the numbers of the parts that are stored."""

    id: UUID
    lot_id: UUID
    party: str
    state: str
    expires_at: datetime
    bodies: dict[str, int]
    present: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one part belongs: `length` in bytes is laid down by its number; `stored` if it is there already."""

    upload_id: UUID
    kind: str
    number: int
    length: int
    root: bytes
    stored: bool

    @property
    def key(self) -> str:
        """The object's key."""
        return part_key(self.upload_id, self.root)


def part_key(upload_id: UUID, root: bytes) -> str:
    """Return the store's key of the part with this root."""
    return f"{prefix(upload_id)}{root.hex()}"


def prefix(upload_id: UUID) -> str:
    """Return what the keys of all parts of a session begin with."""
    return f"uploads/{upload_id}/"


def count(length: int) -> int:
    """Return how many parts a body of `length` bytes has."""
    return -(-length // PART_SIZE)


async def begin(
    session: AsyncSession, actor: Actor, lot_id: UUID, uscc: str, bodies: dict[str, int], *, entropy: Entropy
) -> Upload:
    """Open a session for a bidder's bid on a lot; `bodies` gives each envelope's sealed length in bytes."""
    lot = await lots.facts(session, lot_id)
    permit(await lots.enterable(session, actor, lot, uscc))
    moment = await now(session)
    open_uploads = select(func.count()).where(
        UploadRow.lot_id == lot_id, UploadRow.party == uscc, UploadRow.state == OPEN, UploadRow.expires_at > moment
    )
    permit(policy.may_upload(actor, uscc, lot, bodies, (await session.execute(open_uploads)).scalar_one()))
    permit(policy.is_in_time(lot, moment))
    row = UploadRow(
        id=new_id(entropy),
        lot_id=lot_id,
        party=uscc,
        user_id=actor.user_id,
        bodies=[[kind, length] for kind, length in sorted(bodies.items())],
        state=OPEN,
        made_at=moment,
        expires_at=moment + timedelta(hours=policy.UPLOAD_HOURS),
    )
    session.add(row)
    await session.flush()
    return _view(row, [])


async def find(session: AsyncSession, actor: Actor, upload_id: UUID) -> Upload:
    """Return the session with the parts that are stored, for resuming."""
    row = await _own(session, actor, upload_id)
    return _view(row, await parts(session, upload_id))


async def parts(session: AsyncSession, upload_id: UUID) -> list[PartRow]:
    """Return the stored parts of a session by kind and number."""
    query = select(PartRow).where(PartRow.upload_id == upload_id).order_by(PartRow.kind, PartRow.number)
    return list((await session.execute(query)).scalars())


async def keys(session: AsyncSession, upload_id: UUID, kind: str) -> tuple[str, ...]:
    """Return the store's keys of one body's parts, in order."""
    query = select(PartRow.root).where(PartRow.upload_id == upload_id, PartRow.kind == kind).order_by(PartRow.number)
    return tuple(part_key(upload_id, root) for root in (await session.scalars(query)).all())


async def place_part(
    session: AsyncSession, actor: Actor, upload_id: UUID, *, kind: str, number: int, root: bytes
) -> Place:
    """Say where a part goes, or refuse it: ``part.out_of_range``, ``part.conflict``, ``upload.closed``. One query."""
    here = and_(PartRow.upload_id == UploadRow.id, PartRow.kind == kind, PartRow.number == number)
    query = select(UploadRow, PartRow.root, func.ggzy_now()).outerjoin(PartRow, here).where(UploadRow.id == upload_id)
    found = (await session.execute(query)).one_or_none()
    if found is None or policy.may_bid(actor, found[0].party) is not None:
        raise not_found("upload")
    row, known, moment = found
    if row.state != OPEN or moment >= row.expires_at:
        raise GgzyError("upload.closed", Kind.CONFLICT)
    length = {str(k): int(n) for k, n in row.bodies}.get(kind, 0)
    if not 0 <= number < count(length) or len(root) != HASH_SIZE:
        raise GgzyError("part.out_of_range", envelope=kind, number=number, parts=count(length))
    if known is not None and not hmac.compare_digest(known, root):
        raise GgzyError("part.conflict", Kind.CONFLICT, envelope=kind, number=number)
    size = min(PART_SIZE, length - number * PART_SIZE)
    return Place(upload_id, kind, number, size, root, known is not None)


async def store_part(store: ObjectStore, place: Place, chunks: AsyncIterable[bytes]) -> None:
    """Stream a part into the store; a wrong length or root raises inside the stream, so that nothing is kept."""
    await store.put(place.key, _checked(place, chunks), place.length)


async def record_part(session: AsyncSession, place: Place) -> None:
    """Write the row of a placed part whose object is durable, in one statement that holds the session open meanwhile.

    Doing it again changes nothing. Raises ``part.conflict``, ``upload.closed`` when the session was finalised or swept
    since.
    """
    still_open = select(
        UploadRow.id, literal(place.kind), literal(place.number), literal(place.length), literal(place.root)
    ).where(UploadRow.id == place.upload_id, UploadRow.state == OPEN)
    columns = ["upload_id", "kind", "number", "length", "root"]
    row = insert(PartRow).from_select(columns, still_open.with_for_update(read=True)).on_conflict_do_nothing()
    if (await session.execute(row.returning(PartRow.root))).first() is not None:
        return
    present = await session.get(PartRow, (place.upload_id, place.kind, place.number), populate_existing=True)
    if present is None:
        raise GgzyError("upload.closed", Kind.CONFLICT)
    if not hmac.compare_digest(present.root, place.root):
        raise GgzyError("part.conflict", Kind.CONFLICT, envelope=place.kind, number=place.number)


async def expire(session: AsyncSession, limit: int = 100) -> list[UUID]:
    """Close sessions past their time and return their ids; their objects may be deleted after the commit (`sweep`)."""
    due = (
        select(UploadRow.id)
        .where(UploadRow.state == OPEN, UploadRow.expires_at <= await now(session))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    closed = update(UploadRow).where(UploadRow.id.in_(due)).values(state=SWEPT).returning(UploadRow.id)
    return list((await session.execute(closed)).scalars())


async def sweep(store: ObjectStore, upload_id: UUID) -> int:
    """Delete the objects of a session that `expire` closed; return how many. A used session is never given here."""
    left = [key async for key in store.keys(prefix(upload_id))]
    for key in left:
        await store.delete(key)
    return len(left)


async def _own(session: AsyncSession, actor: Actor, upload_id: UUID) -> UploadRow:
    row = await session.get(UploadRow, upload_id)
    if row is None or policy.may_bid(actor, row.party) is not None:
        raise not_found("upload")
    return row


async def _checked(place: Place, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    hasher = PartHasher()
    length = 0
    async for chunk in chunks:
        length += len(chunk)
        if length > place.length:
            raise GgzyError("part.wrong_length", expected=place.length, number=place.number)
        hasher.update(chunk)
        yield chunk
    if length != place.length:
        raise GgzyError("part.wrong_length", expected=place.length, number=place.number)
    if not hmac.compare_digest(hasher.root(), place.root):
        raise GgzyError("part.wrong_digest", Kind.INTEGRITY, envelope=place.kind, number=place.number)


def _view(row: UploadRow, stored: list[PartRow]) -> Upload:
    bodies = {str(kind): int(length) for kind, length in row.bodies}
    present = {kind: [part.number for part in stored if part.kind == kind] for kind in bodies}
    return Upload(row.id, row.lot_id, row.party, row.state, row.expires_at, bodies, present)
