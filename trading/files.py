"""Files by their content: the bytes under `sha256/ab/<hex>` in the object store, a row that they are there.

Two steps, so that no transaction is open while bytes flow: `absorb` streams and checks, then `keep` writes the row.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.store import ObjectStore
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import policy
from trading.tables import FileRow

MAX_SIZE = 2 << 30


@dataclass(frozen=True, slots=True)
class File:
    """A stored file; `size` in bytes."""

    sha256: bytes
    size: int
    at: datetime


def key(sha256: bytes) -> str:
    """Return where the bytes lie in the object store."""
    text = sha256.hex()
    return f"sha256/{text[:2]}/{text}"


async def absorb(
    store: ObjectStore, actor: Actor, sha256: bytes, chunks: AsyncIterable[bytes], *, limit: int = MAX_SIZE
) -> int:
    """Stream bytes into the store while hashing them, and return their number. Nothing is kept of a wrong file.

    Raises ``file.wrong_digest``, ``file.too_large``, ``file.empty``, ``file.not_yours``.
    """
    permit(policy.may_store_file(actor))
    passed = _Passed(sha256, chunks, limit)
    if await store.size(key(sha256)) is None:
        await store.put(key(sha256), passed.through())
    else:
        async for _ in passed.through():
            pass
    return passed.size


async def keep(session: AsyncSession, actor: Actor, sha256: bytes, size: int, *, entropy: Entropy) -> File:
    """Write down that a file was absorbed and record ``file.stored``; a file known already stays as it is."""
    permit(policy.may_store_file(actor))
    now = await database.now(session)
    statement = insert(FileRow).values(sha256=sha256, size=size, by=actor.user_id, at=now)
    if await session.scalar(statement.on_conflict_do_nothing().returning(FileRow.size)) is not None:
        await trail.record(session, actor, "file.stored", {"sha256": sha256.hex(), "size": size}, entropy=entropy)
    return await get(session, sha256)


async def get(session: AsyncSession, sha256: bytes) -> File:
    """Return what is known of a file; ``file.not_found``."""
    row = await session.get(FileRow, sha256)
    if row is None:
        raise not_found("file")
    return File(row.sha256, row.size, row.at)


class _Passed:
    """Chunks on their way into the store, counted and hashed; the last one is let go only if the digest is right."""

    def __init__(self, expected: bytes, chunks: AsyncIterable[bytes], limit: int) -> None:
        self.size = 0
        self._expected, self._chunks, self._limit = expected, chunks, limit

    async def through(self) -> AsyncIterator[bytes]:
        digest = hashlib.sha256()
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._limit:
                raise GgzyError("file.too_large", Kind.TOO_LARGE, limit=self._limit)
            digest.update(chunk)
            yield chunk
        if self.size == 0:
            raise GgzyError("file.empty")
        if digest.digest() != self._expected:
            raise GgzyError(
                "file.wrong_digest", Kind.INTEGRITY, expected=self._expected.hex(), received=digest.hexdigest()
            )
