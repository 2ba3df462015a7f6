"""The embedded store: a folder on one file system. Written beside, synced, renamed: a crash leaves all or nothing.

`objects/<key>` holds the objects, `retention/<key>` the moments until which they are held, `incoming/` what is being
written. Retentions bind this program only: whoever may write to the disk can break them, and `probe_lock` says so.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path

from archive.store.protocol import CHUNK, Lock, check_key, missing, retained
from kernel.clock import Clock, SystemClock, isoformat, parse
from kernel.errors import GgzyError, Kind

_ABANDONED = 86400.0  # seconds after which a file being written belongs to a process that died
_BATCH = CHUNK  # larger ones fall out of the processor's cache and are slower
_MAX_PIECES = 1024  # what one writev takes (IOV_MAX)
_numbers = count()


class FolderStore:
    """Objects as files below `root`, which is made when it is not there. `clock` decides when a retention ends."""

    def __init__(self, root: Path, *, clock: Clock | None = None) -> None:
        """Make the folders, and clear away what a killed process left half written."""
        self._root, self._clock = root, clock or SystemClock()
        self._objects, self._retention, self._incoming = (root / n for n in ("objects", "retention", "incoming"))
        for folder in (self._objects, self._retention, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for left in self._incoming.iterdir():
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink(missing_ok=True)

    async def put(self, key: str, chunks: AsyncIterable[bytes], size: int | None = None) -> None:
        """Keep an object, whole or not at all; see `ObjectStore.put`; GgzyError ``store.wrong_size``."""
        target = self._objects / check_key(key)
        self._refuse_retained(key)
        descriptor, temporary = self._fresh()
        try:
            try:
                received, last = await _write(descriptor, chunks)
                if size is not None and received != size:
                    raise GgzyError("store.wrong_size", Kind.INVALID, expected=size, received=received)
                await asyncio.to_thread(self._publish, descriptor, last, temporary, target)
            finally:
                os.close(descriptor)
        finally:
            temporary.unlink(missing_ok=True)

    async def get(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a part of it; see `ObjectStore.get`; GgzyError ``store.unavailable``."""
        try:
            file = await asyncio.to_thread((self._objects / check_key(key)).open, "rb", 0)
        except OSError as error:
            raise missing(key) from error
        with file:
            left = os.fstat(file.fileno()).st_size - offset
            left = max(0, left if length is None else min(left, length))
            while left > 0:
                chunk = await asyncio.to_thread(os.pread, file.fileno(), min(CHUNK, left), offset)
                if not chunk:
                    raise GgzyError("store.unavailable", Kind.UNAVAILABLE)
                offset, left = offset + len(chunk), left - len(chunk)
                yield chunk

    async def size(self, key: str) -> int | None:
        """Return the object's size, None when there is none."""
        path = self._objects / check_key(key)
        return path.stat().st_size if path.is_file() else None

    async def delete(self, key: str) -> None:
        """Remove the object; see `ObjectStore.delete`."""
        path = self._objects / check_key(key)
        self._refuse_retained(key)
        path.unlink(missing_ok=True)
        (self._retention / key).unlink(missing_ok=True)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Stream the keys that begin with `prefix`, sorted."""
        for key in await asyncio.to_thread(self._list, prefix):
            yield key

    async def retain(self, key: str, until: datetime) -> None:
        """Hold the object until then; see `ObjectStore.retain`; GgzyError ``store.retention_shortened``."""
        if not (self._objects / check_key(key)).is_file():
            raise missing(key)
        held = self._held_until(key)
        if held is not None and until < held:
            raise GgzyError("store.retention_shortened", Kind.CONFLICT, key=key)
        descriptor, temporary = self._fresh()
        with os.fdopen(descriptor, "wb", buffering=0):
            self._publish(descriptor, [isoformat(until).encode()], temporary, self._retention / key)

    async def probe_lock(self) -> Lock:
        """A folder cannot keep its owner from deleting: this is the answer without trying."""
        return Lock(enforced=False, reason="store.lock_is_a_promise")

    def _fresh(self) -> tuple[int, Path]:
        """Open a new file to write into; a name may be taken by what a killed process of the same id left behind."""
        while True:
            temporary = self._incoming / f"{os.getpid()}-{next(_numbers)}"
            with contextlib.suppress(FileExistsError):
                return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), temporary

    def _refuse_retained(self, key: str) -> None:
        held = self._held_until(key)
        if held is not None and held > self._clock.now():
            raise retained(key)

    def _held_until(self, key: str) -> datetime | None:
        try:
            return parse((self._retention / key).read_text("ascii"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _publish(self, descriptor: int, last: list[bytes], temporary: Path, target: Path) -> None:
        """Write a file's last pieces, sync it, move it to its name, and sync the folders that learnt of it."""
        _write_all(descriptor, last)
        os.fsync(descriptor)
        try:
            fresh = [p for p in target.parents if not p.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
        except OSError as error:  # a key may not be both an object and the folder of others
            raise GgzyError("store.bad_key", Kind.INVALID) from error
        for folder in {target.parent, *(p.parent for p in fresh)}:
            _sync_folder(folder)

    def _list(self, prefix: str) -> list[str]:
        base = self._objects / (prefix.rpartition("/")[0] and check_key(prefix.rpartition("/")[0]))
        found = (
            (Path(folder) / name).relative_to(self._objects).as_posix()
            for folder, _, names in os.walk(base)
            for name in names
        )
        return sorted(key for key in found if key.startswith(prefix))


async def _write(descriptor: int, chunks: AsyncIterable[bytes]) -> tuple[int, list[bytes]]:
    """Write a stream in batches, the next being gathered while one is written; few, as turns between threads cost.

    Returns the bytes received, and the last pieces, which are not written yet.
    """
    received, size = 0, 0
    gathered: list[bytes] = []
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in chunks:
            if size >= _BATCH:
                if writing is not None:
                    await writing
                writing = asyncio.create_task(asyncio.to_thread(_write_all, descriptor, gathered))
                gathered, size = [], 0
            gathered.append(chunk)
            size += len(chunk)
            received += len(chunk)
    finally:
        if writing is not None:
            await writing
    return received, gathered


def _write_all(descriptor: int, pieces: list[bytes]) -> None:
    for start in range(0, len(pieces), _MAX_PIECES):
        group = pieces[start : start + _MAX_PIECES]
        written = os.writev(descriptor, group)
        if written < sum(map(len, group)):  # rare: the disk took a part
            data = memoryview(b"".join(group))[written:]
            while data:
                data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
