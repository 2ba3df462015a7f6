"""Verifying a package of 1 GiB against nothing but SHA-256 over the same files."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from archive.package import Item, Stored, verify
from archive.package.builder import build
from archive.recipe import Pins
from archive.store import FolderStore, stream
from archive.timestamp import LocalAuthority
from kernel.entropy import SeededEntropy
from tests.archive.filing import FACTS, REQUIRED, SIGNER, give, play, whole

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "package.json"
FILES, SIZE = 16, 64 << 20
ROUNDS = 5
TARGET = 0.7


@pytest.mark.bench
@pytest.mark.parametrize("files", [FILES, 1], ids=["many files", "one file"])
async def test_verification(
    files: int, session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """1 GiB in 16 files and in one; the files are in the page cache for both sides."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    await store.put("big", stream(os.urandom(SIZE)))
    for number in range(files):
        source = Stored(("big",) * (FILES // files))
        items.append(Item(f"documents/{number}.dwg", "tender_documents", "图纸", source))
    begun = time.perf_counter()
    built = await build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)
    spent = time.perf_counter() - begun
    paths = [path for path in (tmp_path / "bag" / "data").rglob("*") if path.is_file()]
    pins = Pins(SIGNER.vkey, authority.chain_pem)
    bare, ours = in_turns(lambda: [hash_file(path) for path in paths], lambda: verify(built.path, pins))
    line = {
        "what": f"verify a package of 1 GiB, {'one large file' if files == 1 else f'{files} large files'}, 2 threads",
        "peer": "hashlib SHA-256 over the same files, 1 thread",
        "ratio": round(bare / ours, 2),
        "target": TARGET,
        "value": f"{built.size / ours / 1e6:.0f} MB/s (built at {built.size / spent / 1e6:.0f} MB/s)",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    keep(line)
    print(line)  # noqa: T201 - that is what a benchmark is for


def hash_file(path: Path) -> str:
    """Hash one file, as the peer does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Return the shortest run of each in seconds; they take turns, so that both meet the same disturbances."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for spent, work in zip(times, (first, second), strict=True):
            begun = time.perf_counter()
            work()
            spent.append(time.perf_counter() - begun)
    return min(times[0]), min(times[1])


def keep(line: dict[str, object]) -> None:
    """Replace the result of the same name, keep the others."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    others = [one for one in map(json.loads, lines) if one["what"] != line["what"]]
    RESULTS.write_text("".join(json.dumps(one) + "\n" for one in [*others, line]))
