"""Files brought in parts of 8 MiB, in any order, so that a broken connection loses one part and not the file.

A person's parts lie under ``incoming/<person>/<sha256>/<number>`` until the file is put together and goes the way of
every other (`trading.files`), or until they are a day old. Parts have no digests: that of the file decides in the end.
"""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive.store import ObjectStore
from kernel import database
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, permit
from trading import files, policy
from trading.tables import IncomingRow

PART_SIZE = 8 << 20
MOST_PARTS = files.MAX_SIZE // PART_SIZE
KEPT = timedelta(days=1)
MOST_FILES = 20  # that one person may have on their way; 40 GiB at the most


async def expect(session: AsyncSession, actor: Actor, sha256: bytes) -> None:
    """Let a person bring parts of a file from now on for a day; ``file.not_yours``, ``file.too_many``."""
    permit(policy.may_store_file(actor))
    await database.lock(session, f"incoming:{actor.user_id}")
    others = select(func.count()).where(IncomingRow.by == actor.user_id, IncomingRow.sha256 != sha256)
    if (await session.scalar(others) or 0) >= MOST_FILES:
        raise GgzyError("file.too_many", Kind.TOO_MANY, limit=MOST_FILES)
    row = {"by": actor.user_id, "sha256": sha256, "at": await database.now(session)}
    statement = insert(IncomingRow).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["by", "sha256"], set_={"at": row["at"]}))


async def take(
    store: ObjectStore, actor: Actor, sha256: bytes, number: int, chunks: AsyncIterable[bytes], *, size: int
) -> None:
    """Keep one part of `size` bytes, whole or not at all; sent again it replaces itself. Raises ``file.bad_part``."""
    if not (0 <= number < MOST_PARTS and 0 < size <= PART_SIZE):
        raise GgzyError("file.bad_part", parts=MOST_PARTS, size=PART_SIZE)
    await store.put(f"{_folder(actor.user_id, sha256)}{number:03}", chunks, size)


async def present(store: ObjectStore, actor: Actor, sha256: bytes) -> list[int]:
    """Return the numbers of one's own parts of a file that are there, in order; ``file.not_yours``."""
    permit(policy.may_store_file(actor))
    return [int(key.rpartition("/")[2]) async for key in store.keys(_folder(actor.user_id, sha256))]


async def join(store: ObjectStore, actor: Actor, sha256: bytes, parts: int) -> int:
    """Put a file together from its parts and return its size in bytes; the parts stay until `sweep`.

    Raises ``file.parts_missing``, and what `files.absorb` raises; parts of a wrong file are thrown away.
    """
    there = set(await present(store, actor, sha256))
    missing = sum(number not in there for number in range(parts))
    if missing:
        raise GgzyError("file.parts_missing", Kind.CONFLICT, missing=missing)
    try:
        return await files.absorb(store, actor, sha256, _joined(store, actor, sha256, parts))
    except GgzyError as error:
        if error.code == "file.wrong_digest":
            await sweep(store, actor.user_id, sha256)
        raise


async def sweep(store: ObjectStore, by: UUID, sha256: bytes) -> None:
    """Throw the parts of a file away."""
    for key in [key async for key in store.keys(_folder(by, sha256))]:
        await store.delete(key)


async def forget(session: AsyncSession, by: UUID, sha256: bytes) -> None:
    """Expect no more parts of a file whose parts were swept."""
    await session.execute(delete(IncomingRow).where(IncomingRow.by == by, IncomingRow.sha256 == sha256))


async def overdue(session: AsyncSession, limit: int = 100) -> list[tuple[UUID, bytes]]:
    """Return by whom and of which files parts have been waiting for longer than a day."""
    query = select(IncomingRow.by, IncomingRow.sha256).where(IncomingRow.at < await database.now(session) - KEPT)
    return [(row.by, row.sha256) for row in await session.execute(query.limit(limit))]


async def _joined(store: ObjectStore, actor: Actor, sha256: bytes, parts: int) -> AsyncIterator[bytes]:
    for number in range(parts):
        async for chunk in store.get(f"{_folder(actor.user_id, sha256)}{number:03}"):
            yield chunk


def _folder(by: UUID, sha256: bytes) -> str:
    return f"incoming/{by}/{sha256.hex()}/"
