"""Any S3 through the `minio` SDK, in threads. Nothing relies on conditional requests, which servers disagree about.

Seen on Ceph RGW: a retention given with a multipart upload is silently dropped. So it is set after completion and read
back, and `probe_lock` tries the same way whether the server keeps its word.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, ParamSpec, Self, TypeVar, cast

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention

from archive.store.protocol import CHUNK, Lock, check_key, missing, retained, stream
from archive.store.pull import Pull
from kernel.clock import Clock, SystemClock
from kernel.errors import GgzyError, Kind

PART = 8 << 20
PROBE_KEY = "probe/lock"
_PROBE_TIME = timedelta(minutes=2)
_MISSING = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}  # the last is said of delete markers

P = ParamSpec("P")
T = TypeVar("T")


class S3Store:
    """Objects in one bucket with versioning and object lock."""

    def __init__(self, client: Minio, bucket: str, *, clock: Clock | None = None) -> None:
        """Use a client and a bucket that `prepare` may make; `clock` is only used to choose the probe's end."""
        self._client, self._bucket, self._clock = client, bucket, clock or SystemClock()

    @classmethod
    def connect(
        cls, endpoint: str, access_key: str, secret_key: str, bucket: str, *, region: str, secure: bool = True
    ) -> Self:
        """Return a store at ``host:port``; idle connections are kept, failed requests tried again three times."""
        retries = urllib3.Retry(3, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504])
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60), retries=retries, maxsize=16)
        return cls(Minio(endpoint, access_key, secret_key, region=region, secure=secure, http_client=pool), bucket)

    async def prepare(self) -> None:
        """Make the bucket, with object lock, where there is none; GgzyError ``store.unavailable``."""
        if not await _call(self._client.bucket_exists, self._bucket):
            try:
                await _ask(self._client.make_bucket, self._bucket, object_lock=True)
            except S3Error as error:
                if error.code != "BucketAlreadyOwnedByYou":  # another process made it at the same moment
                    raise GgzyError("store.unavailable", Kind.UNAVAILABLE) from error

    async def put(self, key: str, chunks: AsyncIterable[bytes], size: int | None = None) -> None:
        """Keep an object, whole or not at all; see `ObjectStore.put`. Streams in parts of 8 MiB."""
        check_key(key)
        if await self._held(key):
            raise retained(key)
        await self._add_version(key, chunks, size)

    async def get(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a part of it; see `ObjectStore.get`; GgzyError ``store.unavailable``."""
        whole = await self.size(key)
        if whole is None:
            raise missing(key)
        left = max(0, whole - offset if length is None else min(length, whole - offset))
        if left == 0:
            return
        answer = await _call(self._client.get_object, self._bucket, key, offset, left)
        try:
            while left > 0:
                chunk = await _call(answer.read, min(CHUNK, left))
                if not chunk:
                    raise GgzyError("store.unavailable", Kind.UNAVAILABLE)
                left -= len(chunk)
                yield chunk
        finally:
            answer.close()
            answer.release_conn()

    async def size(self, key: str) -> int | None:
        """Return the object's size, None when there is none."""
        found = await self._stat(check_key(key))
        return None if found is None else int(found.size)

    async def delete(self, key: str) -> None:
        """Remove the object in all its versions; see `ObjectStore.delete`."""
        check_key(key)
        versions = await _call(self._versions, key)
        for version in versions:
            if await self._held(key, version):
                raise retained(key)
        for version in versions:
            try:
                await _ask(self._client.remove_object, self._bucket, key, version)
            except S3Error as error:
                raise retained(key) from error

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Stream the keys that begin with `prefix`, in the order of S3 listings."""
        listing = self._client.list_objects(self._bucket, prefix or None, recursive=True)
        while (found := await _call(next, listing, None)) is not None:
            yield str(found.object_name)

    async def retain(self, key: str, until: datetime) -> None:
        """Hold the newest version until then, and read back that it is held; see `ObjectStore.retain`.

        Raises GgzyError ``store.retention_shortened``.
        """
        found = await self._stat(check_key(key))
        if found is None:
            raise missing(key)
        held = await self._held_until(key, found.version_id)
        if held is not None and until < held:
            raise GgzyError("store.retention_shortened", Kind.CONFLICT, key=key)
        await self._hold(key, found.version_id, until)

    async def probe_lock(self) -> Lock:
        """Store an object in several parts, hold it, try to delete it, and see whether it is still there."""
        await self._clear_probes()
        await self._add_version(PROBE_KEY, stream(bytes(PART + 1)))
        found = await self._stat(PROBE_KEY)
        if found is None or not found.version_id:
            return Lock(enforced=False, reason="store.lock_without_versions")
        try:
            await self._hold(PROBE_KEY, found.version_id, self._clock.now() + _PROBE_TIME)
        except GgzyError as error:
            return Lock(enforced=False, reason=error.code)
        with suppress(S3Error):
            await _ask(self._client.remove_object, self._bucket, PROBE_KEY, found.version_id)
        if found.version_id in await _call(self._versions, PROBE_KEY):
            return Lock(enforced=True)
        return Lock(enforced=False, reason="store.lock_broken")

    async def _add_version(self, key: str, chunks: AsyncIterable[bytes], size: int | None = None) -> None:
        pull = Pull(chunks, size)
        try:
            # With the size known in advance the SDK would stop reading early and not see that too much comes; with
            # several threads it leaves them behind when a stream breaks off.
            await _call(self._send, key, pull)
        finally:
            pull.stop()
        if await self.size(key) != pull.taken:
            raise GgzyError("store.unavailable", Kind.UNAVAILABLE)

    def _send(self, key: str, pull: Pull) -> None:
        data = cast("BinaryIO", pull)
        self._client.put_object(self._bucket, key, data, -1, part_size=PART, num_parallel_uploads=1)

    async def _clear_probes(self) -> None:
        """Delete what earlier probes left and no retention holds any more."""
        for version in await _call(self._versions, PROBE_KEY):
            with suppress(S3Error):
                await _ask(self._client.remove_object, self._bucket, PROBE_KEY, version)

    async def _hold(self, key: str, version: str | None, until: datetime) -> None:
        end = until.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)  # S3 keeps whole seconds
        retention = Retention(COMPLIANCE, end)
        try:
            await _ask(self._client.set_object_retention, self._bucket, key, retention, version_id=version)
        except S3Error as error:
            raise GgzyError("store.lock_not_held", Kind.UNAVAILABLE, key=key) from error
        held = await self._held_until(key, version)
        if held is None or held < until:
            raise GgzyError("store.lock_not_held", Kind.UNAVAILABLE, key=key)

    async def _held(self, key: str, version: str | None = None) -> bool:
        held = await self._held_until(key, version)
        return held is not None and held > self._clock.now()

    async def _held_until(self, key: str, version: str | None) -> datetime | None:
        found = await self._stat(key, version)
        return None if found is None else _retained_until(found.metadata)

    async def _stat(self, key: str, version: str | None = None) -> Any:
        try:
            return await _ask(self._client.stat_object, self._bucket, key, version_id=version)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise GgzyError("store.unavailable", Kind.UNAVAILABLE) from error

    def _versions(self, key: str) -> list[str | None]:
        listing = self._client.list_objects(self._bucket, key, recursive=True, include_version=True)
        return [found.version_id for found in listing if found.object_name == key]


def _retained_until(headers: Mapping[str, str]) -> datetime | None:
    """Read the moment from a HEAD's headers; the SDK's own reader fails on the fractions that Ceph writes."""
    text = headers.get("x-amz-object-lock-retain-until-date")
    if text is None or headers.get("x-amz-object-lock-mode") != COMPLIANCE:
        return None
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


async def _call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call of the SDK in a thread; whatever goes wrong there is unavailability."""
    try:
        return await _ask(function, *args, **kwargs)
    except S3Error as error:
        raise GgzyError("store.unavailable", Kind.UNAVAILABLE) from error


async def _ask(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the same, but let S3's own answers pass for callers who tell them apart."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except S3Error:
        raise
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise GgzyError("store.unavailable", Kind.UNAVAILABLE) from error
