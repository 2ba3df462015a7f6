"""What the log publishes, read from the database: checkpoint, tiles, entry bundles, and the feed by index."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import BigInteger, Select, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint as checkpoints
from archive import merkle, tiles
from archive import note as notes
from archive.checkpoint import Checkpoint
from archive.event import Entry, Opening
from archive.merkle import Node
from archive.tables import EventRow, LogCheckpoint, LogCosignature, LogEntry, LogNode
from archive.tiles import Tile
from kernel.errors import GgzyError, Kind, not_found

MAX_PAGE = 1000


async def newest(session: AsyncSession) -> LogCheckpoint | None:
    """Return the row of the newest checkpoint, if the log has begun."""
    return (await session.execute(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))).scalar()


async def signed_checkpoint(session: AsyncSession) -> str:
    """Return the newest signed checkpoint with the cosignatures it has so far; GgzyError ``checkpoint.not_found``."""
    row = await newest(session)
    if row is None:
        raise not_found("checkpoint")
    lines = select(LogCosignature.line).where(LogCosignature.size == row.size).order_by(LogCosignature.key)
    return row.note + "".join((await session.execute(lines)).scalars())


async def checkpoint(session: AsyncSession) -> Checkpoint:
    """Return the head of the log as last published; GgzyError ``checkpoint.not_found``."""
    return checkpoints.parse(notes.parse(await signed_checkpoint(session)).text)


async def hashes(session: AsyncSession, tile: Tile) -> list[bytes]:
    """Return the hashes of a published tile, or the commitments of an entry bundle; GgzyError ``tile.not_found``."""
    found = list((await session.execute(_rows(tile))).scalars())
    if len(found) != tile.width:
        raise not_found("tile")
    return [merkle.leaf_hash(entry) for entry in found] if tile.level == 0 else found


async def tile_bytes(session: AsyncSession, tile: Tile) -> bytes:
    """Return the bytes of a published tile or entry bundle, full or partial; GgzyError ``tile.not_found``.

    Every partial width below the published size is served: hashes once published never change.
    """
    found = await hashes(session, tile)
    return tiles.join_entries(found) if tile.level == tiles.ENTRIES else tiles.join(found)


async def nodes(session: AsyncSession, wanted: Sequence[Node], size: int) -> dict[Node, bytes]:
    """Return the hashes of complete subtrees of the tree of `size` leaves: one query for each level of tiles."""
    places = {node: tiles.tile_of(node, size) for node in wanted}
    found: dict[Tile, list[bytes]] = {}
    for level in {tile.level for tile in places.values()}:
        found |= await _tiles(session, level, {tile for tile in places.values() if tile.level == level})
    return {node: tiles.node_in(found[tile], node) for node, tile in places.items()}


async def feed(session: AsyncSession, after: int, limit: int) -> list[Entry]:
    """Return up to `limit` entries with an index above `after` (−1 for all), in index order.

    The index is the only cursor: entries that commit late get a later index, so a reader who follows it misses nothing.
    Raises GgzyError ``trail.wrong_page`` for a limit outside 1..1000.
    """
    check_page(after, limit)
    query = openings_query().where(LogEntry.index > after).limit(limit)
    return [entry_of(*row) for row in await session.execute(query)]


def check_page(after: int, limit: int) -> None:
    """Refuse a page that is too large or begins nowhere; GgzyError ``trail.wrong_page``."""
    if not 1 <= limit <= MAX_PAGE or not -1 <= after <= merkle.MAX_SIZE:
        raise GgzyError("trail.wrong_page", Kind.INVALID, limit=MAX_PAGE)


def openings_query() -> Select[int, bytes, bytes, bytes]:
    """Return the query of logged entries with their openings, in index order."""
    return (
        select(LogEntry.index, EventRow.body, EventRow.salt, EventRow.commitment)
        .join(EventRow, EventRow.number == LogEntry.event)
        .order_by(LogEntry.index)
    )


def entry_of(index: int, event: bytes, salt: bytes, commitment: bytes) -> Entry:
    """Return the entry of a row of `openings_query`."""
    return Entry(index, Opening(event, salt, commitment))


async def export_log(session: AsyncSession, folder: Path, vkey: str) -> Checkpoint:
    """Write ``vkey``, ``checkpoint`` and ``tile/…`` of the newest checkpoint into an empty folder.

    The checkpoint is verified against the key first; GgzyError ``checkpoint.not_found``, ``note.wrong_signature``.
    """
    note = await signed_checkpoint(session)
    head = checkpoints.verify(note, notes.parse_key(vkey))
    await asyncio.to_thread(_write, folder / "vkey", f"{vkey}\n".encode())
    await asyncio.to_thread(_write, folder / "checkpoint", note.encode())
    for tile in tiles.tiles_of(head.size):
        await asyncio.to_thread(_write, folder / tiles.path(tile), await tile_bytes(session, tile))
    return head


async def _tiles(session: AsyncSession, level: int, wanted: Collection[Tile]) -> dict[Tile, list[bytes]]:
    """Return the hashes of several tiles of one level (0 or above); GgzyError ``tile.not_found``."""
    begins = bindparam("begins", [tile.begin for tile in wanted], ARRAY(BigInteger))
    asked = func.unnest(begins).table_valued("begin").render_derived(name="asked")
    if level > 0:
        query = select(LogNode.index, LogNode.hash).where(LogNode.level == level)
        query = query.join(asked, and_(LogNode.index >= asked.c.begin, LogNode.index < asked.c.begin + tiles.WIDTH))
    else:
        query = select(LogEntry.index, EventRow.commitment).join(EventRow, EventRow.number == LogEntry.event)
        query = query.join(asked, and_(LogEntry.index >= asked.c.begin, LogEntry.index < asked.c.begin + tiles.WIDTH))
    hashed = merkle.leaf_hash if level == 0 else bytes
    rows = {index: hashed(value) for index, value in await session.execute(query)}
    if not all(index in rows for tile in wanted for index in range(tile.begin, tile.end)):
        raise not_found("tile")
    return {tile: [rows[index] for index in range(tile.begin, tile.end)] for tile in wanted}


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _rows(tile: Tile) -> Select[bytes]:
    if tile.level > 0:
        return (
            select(LogNode.hash)
            .where(LogNode.level == tile.level, LogNode.index >= tile.begin, LogNode.index < tile.end)
            .order_by(LogNode.index)
        )
    return (
        select(EventRow.commitment)
        .join(LogEntry, LogEntry.event == EventRow.number)
        .where(LogEntry.index >= tile.begin, LogEntry.index < tile.end)
        .order_by(LogEntry.index)
    )
