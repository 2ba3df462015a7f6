"""One contract for both object stores: the folder, and S3 on a real server."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minio import Minio

from archive.store import FolderStore, ObjectStore, S3Store, folder, read, stream
from kernel.errors import GgzyError
from tests.s3 import Server, s3

__all__ = ["s3"]

PART = 8 << 20


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.debian)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Each store in turn, empty."""
    if request.param == "folder":
        return FolderStore(tmp_path / "objects")
    return await connect(request.getfixturevalue("s3"))


async def connect(server: Server) -> S3Store:
    """Return a store in a bucket of its own."""
    keys = (server.access_key, server.secret_key)
    opened = S3Store.connect(server.endpoint, *keys, server.new_bucket_name(), region=server.region, secure=False)
    await opened.prepare()
    return opened


async def fetch(store: ObjectStore, key: str, *args: Any) -> bytes:
    """Return what `get` streams, joined."""
    return b"".join([chunk async for chunk in store.get(key, *args)])


async def listing(store: ObjectStore, prefix: str = "") -> list[str]:
    """Return all keys under a prefix."""
    return [key async for key in store.keys(prefix)]


@pytest.mark.parametrize("size", [0, 1, 65537, PART - 1, PART, PART + 1, 2 * PART + 5])
async def test_what_is_put_comes_back(store: ObjectStore, size: int) -> None:
    """Objects of any size, smaller and larger than an upload part, come back byte for byte."""
    data = hashlib.shake_128(b"%d" % size).digest(size)
    await store.put("a/b.bin", stream(data), size)
    assert await store.size("a/b.bin") == size
    assert await fetch(store, "a/b.bin") == data


@pytest.mark.parametrize(("offset", "length"), [(0, 10), (5, None), (99, 1), (100, None), (90, 50), (200, 5), (0, 0)])
async def test_a_range_is_read(store: ObjectStore, offset: int, length: int | None) -> None:
    """A part of an object is what slicing gives; beyond its end there is nothing."""
    data = bytes(range(100))
    await store.put("ranges", stream(data))
    assert await fetch(store, "ranges", offset, length) == data[offset : None if length is None else offset + length]


async def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    """Reading or retaining a missing key is refused; its size is None; deleting it does nothing."""
    assert await store.size("none") is None
    await store.delete("none")
    for refused in (fetch(store, "none"), store.retain("none", datetime.now(UTC))):
        with pytest.raises(GgzyError, match=r"store\.missing"):
            await refused


async def test_put_replaces_and_delete_removes(store: ObjectStore) -> None:
    """The last put counts; after delete nothing of any version is left."""
    for data in (b"first", b"second"):
        await store.put("k", stream(data))
    assert await fetch(store, "k") == b"second"
    await store.delete("k")
    assert await store.size("k") is None
    assert await listing(store) == []


async def test_keys_are_listed_in_order(store: ObjectStore) -> None:
    """A listing holds the keys of a prefix, sorted, at any depth, and nothing half written."""
    for key in ("b/2", "a/1", "b/10", "b/1/x", "bc"):
        await store.put(key, stream(b"x"))
    assert await listing(store) == ["a/1", "b/1/x", "b/10", "b/2", "bc"]
    assert await listing(store, "b/") == ["b/1/x", "b/10", "b/2"]
    assert await listing(store, "b") == ["b/1/x", "b/10", "b/2", "bc"]
    assert await listing(store, "b/1") == ["b/1/x", "b/10"]
    assert await listing(store, "c/") == []


BAD_KEYS = ["", "/a", "a/", "a//b", "..", "a/../b", "a/./b", ".hidden", "a\\b", "a b", "中文", "a\0b", "a\n", "x" * 201]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_keys_cannot_leave_the_store(store: ObjectStore, key: str) -> None:
    """No method takes a key of another form than the permitted one."""
    for refused in (store.put(key, stream(b"")), fetch(store, key), store.size(key), store.delete(key)):
        with pytest.raises(GgzyError, match=r"store\.bad_key"):
            await refused
    with pytest.raises(GgzyError, match=r"store\.bad_key"):
        await store.retain(key, datetime.now(UTC))


@pytest.mark.parametrize("claimed", [0, 9, 11, PART + 3])
async def test_a_wrong_size_leaves_nothing(store: ObjectStore, claimed: int) -> None:
    """More or fewer bytes than announced: refused, and the key stays empty."""
    with pytest.raises(GgzyError, match=r"store\.wrong_size"):
        await store.put("k", stream(bytes(10)), claimed)
    assert await store.size("k") is None


@pytest.mark.parametrize("before", [10, PART + 10])
async def test_a_stream_that_breaks_leaves_the_old_object(store: ObjectStore, before: int) -> None:
    """When the sender's stream fails, its error comes out and what was there before still is."""
    await store.put("k", stream(b"old"))

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(before)
        raise ConnectionAbortedError

    with pytest.raises((ConnectionAbortedError, GgzyError)):
        await store.put("k", broken())
    assert await fetch(store, "k") == b"old"


async def test_a_cancelled_put_leaves_nothing(store: ObjectStore) -> None:
    """A client that goes away in the middle leaves no object and no waiting thread."""
    started = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            started.set()
            yield bytes(1024)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(store.put("k", endless()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.size("k") is None


async def test_a_retained_object_stays(store: ObjectStore) -> None:
    """What is retained is neither deleted nor replaced, and its retention is never shortened."""
    until = datetime.now(UTC) + timedelta(hours=1)
    await store.put("k", stream(bytes(PART + 1)))
    await store.retain("k", until)
    await store.retain("k", until + timedelta(hours=1))
    for refused in (store.delete("k"), store.put("k", stream(b"new"))):
        with pytest.raises(GgzyError, match=r"store\.retained"):
            await refused
    with pytest.raises(GgzyError, match=r"store\.retention_shortened"):
        await store.retain("k", until)
    assert await store.size("k") == PART + 1


async def test_a_retention_ends(store: ObjectStore) -> None:
    """After its time an object can be deleted."""
    await store.put("k", stream(b"x"))
    await store.retain("k", datetime.now(UTC) + timedelta(seconds=0.5))
    await asyncio.sleep(2.5)
    await store.delete("k")
    assert await listing(store) == []


async def test_puts_at_once_do_not_mix(store: ObjectStore) -> None:
    """Many writers of one key leave one of the objects, whole; writers of many keys leave all."""
    bodies = [bytes((n,)) * 300_000 for n in range(12)]
    await asyncio.gather(*(store.put("same", stream(body)) for body in bodies))
    assert await fetch(store, "same") in bodies
    await asyncio.gather(*(store.put(f"own/{n}", stream(body)) for n, body in enumerate(bodies)))
    assert [await fetch(store, f"own/{n}") for n in range(12)] == bodies


async def test_a_small_object_is_read_whole_up_to_a_limit(store: ObjectStore) -> None:
    """`read` refuses what is larger than its caller allows."""
    await store.put("k", stream(b"12345"))
    assert await read(store, "k", limit=5) == b"12345"
    with pytest.raises(GgzyError, match=r"store\.too_large"):
        await read(store, "k", limit=4)


async def test_names_taken_by_a_killed_process_are_passed_over(tmp_path: Path) -> None:
    """In a container processes get the same ids again: what one left half written is in nobody's way."""
    store = FolderStore(tmp_path)
    used = next(folder._numbers)
    for number in range(used + 1, used + 3):
        (tmp_path / "incoming" / f"{os.getpid()}-{number}").write_bytes(b"half")
    await store.put("a", stream(b"whole"))
    await store.retain("a", datetime.now(UTC) + timedelta(seconds=1))
    assert await fetch(store, "a") == b"whole"
    assert len(list((tmp_path / "incoming").iterdir())) == 2


async def test_a_folder_says_that_its_lock_is_a_promise(tmp_path: Path) -> None:
    """The folder store does not claim a lock that it cannot keep."""
    lock = await FolderStore(tmp_path).probe_lock()
    assert (lock.enforced, lock.reason) == (False, "store.lock_is_a_promise")


@pytest.mark.debian
async def test_a_real_lock_holds(s3: Server) -> None:
    """On a bucket with object lock the probe fails to delete, again and again."""
    store = await connect(s3)
    for _ in range(2):
        assert (await store.probe_lock()).enforced


@pytest.mark.debian
async def test_a_missing_lock_is_told(s3: Server) -> None:
    """A bucket without object lock, and one that versions only, are both found out by the probe and by `retain`."""
    client = Minio(s3.endpoint, s3.access_key, s3.secret_key, secure=False, region=s3.region)
    plain = s3.new_bucket_name()
    await asyncio.to_thread(client.make_bucket, plain)
    store = S3Store(client, plain)
    lock = await store.probe_lock()
    assert (lock.enforced, lock.reason) == (False, "store.lock_without_versions")
    await store.put("k", stream(b"x"))
    with pytest.raises(GgzyError, match=r"store\.lock_not_held"):
        await store.retain("k", datetime.now(UTC) + timedelta(hours=1))
    await store.delete("k")
    assert await store.size("k") is None


async def test_an_s3_that_is_away_is_unavailable() -> None:
    """No connection: one stable code, no exception of a library."""
    store = S3Store.connect("127.0.0.1:9", "a", "b", "bucket", region="default", secure=False)
    for refused in (store.size("k"), store.put("k", stream(b"x")), fetch(store, "k"), store.delete("k")):
        with pytest.raises(GgzyError, match=r"store\.unavailable"):
            await refused


def test_a_killed_writer_leaves_no_object(tmp_path: Path) -> None:
    """Kill -9 in the middle of a put: the key stays empty, and the rest is cleared away when it is old."""
    script = (
        "import asyncio, os, sys; from pathlib import Path; from archive.store import FolderStore\n"
        "async def chunks():\n"
        "    for _ in range(4): yield bytes(1 << 20)\n"
        "    os.kill(os.getpid(), 9)\n"
        "    yield b''\n"
        "asyncio.run(FolderStore(Path(sys.argv[1])).put('k', chunks()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    (left,) = (tmp_path / "incoming").iterdir()
    store = FolderStore(tmp_path)
    assert asyncio.run(store.size("k")) is None
    os.utime(left, (0, 0))
    FolderStore(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []
