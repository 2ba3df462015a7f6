"""What every object store offers, the form of keys, and the two conversions between bytes and streams."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kernel.errors import GgzyError, Kind

CHUNK = 1 << 20
MAX_KEY = 200
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lock:
    """Whether the store itself keeps retained objects from being deleted, and the code of the reason if not."""

    enforced: bool
    reason: str | None = None


class ObjectStore(Protocol):
    """Whole objects under keys: ASCII names of letters, digits and ``. _ = -``, joined by slashes, ≤ 200 characters.

    All methods raise GgzyError ``store.bad_key`` for another form of key and ``store.unavailable`` when the store
    cannot be reached.
    """

    async def put(self, key: str, chunks: AsyncIterable[bytes], size: int | None = None) -> None:
        """Keep an object, whole or not at all; it is durable when this returns. Replaces what was there.

        Raises ``store.wrong_size`` when `size` is given and another number of bytes came, ``store.retained`` when
        the key is held by a retention.
        """

    def get(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object, or `length` bytes of it from `offset`; raises ``store.missing``."""

    async def size(self, key: str) -> int | None:
        """Return the object's size in bytes, None when there is none."""

    async def delete(self, key: str) -> None:
        """Remove the object in all its versions; nothing happens where there is none. Raises ``store.retained``."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Stream the keys that begin with `prefix`, in ASCII order."""

    async def retain(self, key: str, until: datetime) -> None:
        """Keep the object from being replaced or deleted until then; what is set can only be lengthened.

        Raises ``store.missing``, ``store.retention_shortened``, or ``store.lock_not_held`` when the store does not
        answer with what it was told.
        """

    async def probe_lock(self) -> Lock:
        """Try in earnest to delete a retained object and tell whether the store let it happen."""


def check_key(key: str) -> str:
    """Return the key if it has the permitted form; nothing in it can leave the store's own space.

    Raises GgzyError ``store.bad_key``.
    """
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise GgzyError("store.bad_key", Kind.INVALID)
    return key


async def stream(data: bytes) -> AsyncIterator[bytes]:
    """Turn bytes into the stream that `put` takes."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


async def read(store: ObjectStore, key: str, *, limit: int) -> bytes:
    """Return a small object whole; raises ``store.too_large`` beyond `limit` bytes."""
    parts, total = [], 0
    async for chunk in store.get(key):
        total += len(chunk)
        if total > limit:
            raise GgzyError("store.too_large", Kind.TOO_LARGE, limit=limit)
        parts.append(chunk)
    return b"".join(parts)


def missing(key: str) -> GgzyError:
    """Return the refusal to read what is not there."""
    return GgzyError("store.missing", Kind.NOT_FOUND, key=key)


def retained(key: str) -> GgzyError:
    """Return the refusal to replace or delete what a retention holds."""
    return GgzyError("store.retained", Kind.CONFLICT, key=key)
