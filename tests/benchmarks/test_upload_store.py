"""512 MiB in parts of 8 MiB into the folder store, against a bare writer that hashes and syncs the same parts."""

import asyncio
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archive.store import FolderStore

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "upload_store.json"
PART, PARTS, PIECE = 8 << 20, 64, 64 << 10
ROUNDS = 7
TARGET = 0.6


@pytest.mark.bench
def test_parts_into_the_folder_store(tmp_path: Path) -> None:
    """Pieces of 64 KiB, as a server hands them over; both hash by SHA-256 and sync each part; rounds take turns."""
    data = os.urandom(PART)
    stored, bare = [], []
    for number in range(ROUNDS):
        bare.append(timed(write_bare, tmp_path / f"bare{number}", data))
        stored.append(timed(lambda folder, part: asyncio.run(put_parts(folder, part)), tmp_path / f"s{number}", data))
    ratio = round(min(bare) / min(stored), 2)
    rate = round(PART * PARTS / min(stored) / 1e6)
    line = {
        "what": "512 MiB in parts into the folder store, hashed and durable",
        "peer": "bare writer with SHA-256 and fsync",
        "ratio": ratio,
        "target": TARGET,
        "value": f"{rate} MB/s",
        "machine": machine(),
    }
    RESULTS.write_text(json.dumps(line) + "\n")
    print(line)  # noqa: T201 - that is what a benchmark is for


def machine() -> str:
    """Return what figures depend on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def timed(work: object, folder: Path, data: bytes) -> float:
    """Return the seconds of one run in a new folder, which is removed after it."""
    folder.mkdir()
    begun = time.perf_counter()
    work(folder, data)  # type: ignore[operator]
    spent = time.perf_counter() - begun
    shutil.rmtree(folder)
    return spent


def write_bare(folder: Path, data: bytes) -> None:
    """Write the parts with nothing but hashing and syncing."""
    for number in range(PARTS):
        digest = hashlib.sha256()
        with (folder / str(number)).open("wb") as file:
            for start in range(0, PART, PIECE):
                piece = data[start : start + PIECE]
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())


async def put_parts(folder: Path, data: bytes) -> None:
    """Put the parts one after another, hashing as they pass."""
    store = FolderStore(folder)
    for number in range(PARTS):
        digest = hashlib.sha256()

        async def pieces(digest: "hashlib._Hash" = digest) -> AsyncIterator[bytes]:
            for start in range(0, PART, PIECE):
                piece = data[start : start + PIECE]
                digest.update(piece)
                yield piece

        await store.put(f"parts/{number}", pieces(), PART)
