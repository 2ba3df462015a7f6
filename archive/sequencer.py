"""The sequencer: gives waiting events their indexes, grows the tree, signs. One batch is one transaction.

Whoever dies in the middle leaves nothing behind; what was published is what was committed. The batch takes the events
that it can see: one that commits late stays in the queue for a later batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint as checkpoints
from archive import event as events
from archive import feed, merkle, recording, tiles
from archive import note as notes
from archive.checkpoint import Checkpoint
from archive.merkle import Frontier
from archive.note import Key, Signer
from archive.tables import EventRow, LogCheckpoint, LogCosignature, LogNode, LogStamp, PendingRow
from archive.timestamp import Authority
from kernel import database
from kernel.actor import SYSTEM
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found

LOCK = "archive.sequencer"
BATCH = 1 << 16
IDLE_ODDS = 64  # an idle batch beats once in so many: at four batches a second, about every 16 s

_APPEND = text(
    'INSERT INTO log_entry ("index", event) SELECT :begin + place - 1, number '
    "FROM unnest(:numbers) WITH ORDINALITY AS batch (number, place)"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger)), bindparam("begin", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event on its way into the log."""

    number: int
    commitment: bytes


async def sequence(session: AsyncSession, signer: Signer, *, entropy: Entropy) -> Checkpoint | None:
    """Run one batch in the caller's transaction; the caller commits, and only then is anything published.

    Returns the new checkpoint, or None when there was nothing to do or another sequencer is at work.
    Raises GgzyError ``note.wrong_signature`` or ``checkpoint.wrong_origin`` when the log was signed by another key.
    """
    if not await database.try_lock(session, LOCK):
        return None
    last = await feed.newest(session)
    frontier = _resume(last, signer)
    waiting = await _waiting(session)
    beats = await _beat(session, beats_among(len(waiting), entropy, first=last is None), entropy)
    if not waiting and not beats:
        return None
    batch = mingle(waiting, beats, entropy)
    begin = frontier.size
    nodes = grow(frontier, batch)
    await session.execute(_APPEND, {"begin": begin, "numbers": [w.number for w in batch]})
    if waiting:
        taken = [w.number for w in waiting]
        await session.execute(
            delete(PendingRow).where(PendingRow.number == func.any(bindparam("taken", taken, ARRAY(BigInteger))))
        )
    if nodes:
        await session.execute(insert(LogNode), nodes)
    return await _publish(session, signer, frontier)


async def stamp(session: AsyncSession, authority: Authority) -> int | None:
    """Have the newest checkpoint stamped (RFC 3161 over SHA-256 of its note), unless it is; return its size."""
    last = await feed.newest(session)
    if last is None or await session.get(LogStamp, last.size) is not None:
        return None
    digest = stamped_digest(last.note)
    response = await authority.stamp(digest, at=await database.now(session))
    await session.execute(insert(LogStamp), [{"size": last.size, "response": response}])
    return last.size


async def cosign(session: AsyncSession, line: str, witness: Key) -> int:
    """Keep a witness's cosignature line under the newest checkpoint, once it is verified; return the checkpoint's size.

    A second line of the same witness changes nothing. Raises GgzyError ``note.malformed``, ``checkpoint.stale`` when
    the line is not a signature of this witness over the newest checkpoint, ``checkpoint.not_found``.
    """
    last = await feed.newest(session)
    if last is None:
        raise not_found("checkpoint")
    try:
        notes.verify(notes.parse(_with_line(last.note, line)), [witness])
    except GgzyError as error:
        code = "checkpoint.stale" if error.code == "note.wrong_signature" else error.code
        raise GgzyError(code, error.kind) from error
    row = {"size": last.size, "key": f"{witness.name} {witness.id.hex()}", "line": line}
    await session.execute(upsert(LogCosignature).values(row).on_conflict_do_nothing())
    return last.size


async def newest_stamp(session: AsyncSession) -> tuple[str, bytes]:
    """Return the newest stamped checkpoint's note and its RFC 3161 response; GgzyError ``stamp.not_found``."""
    query = (
        select(LogCheckpoint.note, LogStamp.response)
        .join(LogStamp, LogStamp.size == LogCheckpoint.size)
        .order_by(LogCheckpoint.size.desc())
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("stamp")
    return found[0], found[1]


def stamped_digest(note: str) -> bytes:
    """Return what the token of a checkpoint stamps: SHA-256 of the note as the log signed it, without cosignatures."""
    return sha256(note.encode()).digest()


def beats_among(waiting: int, entropy: Entropy, *, first: bool) -> int:
    """Draw the number of heartbeats of a batch: geometric with mean 1, and in idle batches mostly none.

    So the number of leaves says nothing certain about the number of events, and a lone leaf nothing at all.
    """
    if not waiting and not first and entropy.token(1)[0] % IDLE_ODDS:
        return 0
    bits = int.from_bytes(entropy.token(2), "big") | 1 << 16
    geometric = (bits & -bits).bit_length() - 1
    return geometric if waiting else geometric + 1


def mingle(waiting: Sequence[Waiting], beats: Sequence[Waiting], entropy: Entropy) -> list[Waiting]:
    """Return the batch in the order of arrival with the heartbeats at random places in it."""
    batch = list(waiting)
    for beat in beats:
        batch.insert(int.from_bytes(entropy.token(8), "big") % (len(batch) + 1), beat)
    return batch


def grow(frontier: Frontier, batch: Sequence[Waiting]) -> list[dict[str, object]]:
    """Append the batch to the tree; return the rows of the tile nodes (levels 1 and up) that became complete."""
    nodes: list[dict[str, object]] = []
    for waiting in batch:
        for (level, index), node in frontier.append(merkle.leaf_hash(waiting.commitment)):
            if level % tiles.HEIGHT == 0:
                nodes.append({"level": level // tiles.HEIGHT, "index": index, "hash": node})
    return nodes


def _with_line(note: str, line: str) -> str:
    if line.count("\n") != 1:
        raise GgzyError("note.malformed", Kind.INTEGRITY)
    return note + line


def _resume(last: LogCheckpoint | None, signer: Signer) -> Frontier:
    if last is None:
        return Frontier()
    head = checkpoints.verify(last.note, signer.key)
    size = merkle.HASH_SIZE
    frontier = Frontier(head.size, [last.peaks[i : i + size] for i in range(0, len(last.peaks), size)])
    if frontier.root() != head.root:
        raise merkle.malformed()
    return frontier


async def _waiting(session: AsyncSession) -> list[Waiting]:
    query = select(PendingRow.number, PendingRow.commitment).order_by(PendingRow.number).limit(BATCH)
    return [Waiting(*row) for row in await session.execute(query)]


async def _beat(session: AsyncSession, count: int, entropy: Entropy) -> list[Waiting]:
    if not count:
        return []
    at, sandbox = await database.now(session), await recording.in_sandbox(session)
    rows = []
    for _ in range(count):
        opening = events.seal(SYSTEM, events.HEARTBEAT, {}, trade=None, at=at, sandbox=sandbox, entropy=entropy)
        rows.append(recording.row(opening, SYSTEM, events.HEARTBEAT, None, at))
    returning = insert(EventRow).returning(EventRow.number, EventRow.commitment)
    return [Waiting(*row) for row in await session.execute(returning, rows)]


async def _publish(session: AsyncSession, signer: Signer, frontier: Frontier) -> Checkpoint:
    head = Checkpoint(signer.name, frontier.size, frontier.root())
    row = {
        "size": head.size,
        "at": await database.now(session),
        "peaks": b"".join(frontier.peaks),
        "note": checkpoints.sign(head, signer),
    }
    await session.execute(insert(LogCheckpoint), [row])
    return head
