"""Building a package: items are streamed into a folder beside the target, hashed on the way; it is renamed last.

The same items give the same bytes: no clock is read, nothing is random. What a killed build left is thrown away.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path

from archive import checkpoint as checkpoints
from archive import note as notes
from archive.note import Signer
from archive.package import bag, entries, evidence, properties
from archive.package.holding import Logged
from archive.package.index import FORMAT, INDEX, METADATA, File, Index, describe, encode
from archive.package.item import Item, Stored, Trade, check
from archive.store import ObjectStore, stream
from kernel.errors import GgzyError, Kind

_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Bag:
    """A finished bag: where it is, SHA-256 of its payload manifest, number and bytes of its payload files, its log."""

    path: Path
    digest: bytes
    files: int
    size: int
    logged: Logged


async def build(
    items: AsyncIterable[Item], out: Path, trade: Trade, *, store: ObjectStore, signer: Signer, required: Sequence[str]
) -> Bag:
    """Build the bag of a trade at `out`, which must not exist.

    `items` must hold those of `collection.collect`. Memory stays within a few chunks, whatever the files' sizes. Raises
    GgzyError ``package.exists``, ``package.bad_item``, ``package.duplicate_path``, ``package.wrong_content``,
    ``package.incomplete`` (naming the roles), ``package.check_failed`` (naming the first four-property check that
    failed), and those of the store.
    """
    if await asyncio.to_thread(out.exists):
        raise GgzyError("package.exists", Kind.CONFLICT)
    partial = out.with_name(f"{out.name}.partial")
    await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
    files = await _write_items(items, partial / "data", store)
    missing = sorted(set(required) - {file.role for file in files})
    if missing:
        await asyncio.to_thread(shutil.rmtree, partial)
        raise GgzyError("package.incomplete", Kind.CONFLICT, missing="、".join(missing))
    try:
        return await asyncio.to_thread(_finish, partial, out, trade, files, signer)
    except GgzyError:
        await asyncio.to_thread(shutil.rmtree, partial)
        raise


def reopen(path: Path) -> Bag:
    """Return a bag that `build` finished, by what its own files say."""
    data, manifest = path / "data", bag.read_tag(path, bag.MANIFEST)
    size, files = bag.read_info(bag.read_tag(path, "bag-info.txt"))["Payload-Oxum"].split(".")
    head = checkpoints.parse(notes.parse(evidence.small(data, entries.CHECKPOINT)).text)
    lines = evidence.small(data, entries.ENTRIES, limit=evidence.MAX_ENTRIES)
    logged = Logged.of(entries.commitments(lines), head.size)
    return Bag(path, hashlib.sha256(manifest).digest(), int(files), int(size), logged)


async def _write_items(items: AsyncIterable[Item], data: Path, store: ObjectStore) -> list[File]:
    files: dict[str, File] = {}
    async for item in items:
        if check(item).path in files:
            raise GgzyError("package.duplicate_path", Kind.INVALID, path=item.path)
        files[item.path] = await _write_item(item, data, store)
    return list(files.values())


async def _write_item(item: Item, data: Path, store: ObjectStore) -> File:
    path, digest, size = data / item.path, hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        async for chunk in _chunks(item.source, store):
            await asyncio.to_thread(_absorb, file.fileno(), digest, chunk)
            size += len(chunk)
        await asyncio.to_thread(os.fsync, file.fileno())
    written = File(item.path, item.role, item.title, size, digest.hexdigest())
    if isinstance(item.source, Stored):
        told = item.source
        if told.size not in (None, size) or told.sha256 not in (None, written.sha256):
            raise GgzyError("package.wrong_content", Kind.INTEGRITY, path=item.path)
    return written


async def _chunks(source: bytes | Stored, store: ObjectStore) -> AsyncIterator[bytes]:
    for piece in (source,) if isinstance(source, bytes) else source.pieces:
        async for chunk in stream(piece) if isinstance(piece, bytes) else store.get(piece):
            yield chunk


def _absorb(descriptor: int, digest: "hashlib._Hash", chunk: bytes) -> None:
    digest.update(chunk)
    data = memoryview(chunk)
    while data:
        data = data[os.write(descriptor, data) :]


def _finish(partial: Path, out: Path, trade: Trade, files: list[File], signer: Signer) -> Bag:
    """Write metadata, report, index and the bag's own files; then give the folder its name."""
    files = [*files, _add(partial, METADATA, "metadata", "归档元数据", describe(trade, files, log=signer.name))]
    report = properties.examine(partial / "data", Index(trade.id, trade.sandbox, tuple(files)), signer.key)
    if report.failed:
        raise GgzyError("package.check_failed", Kind.INTEGRITY, check=report.failed[0].name, path=report.failed[0].path)
    files.append(_add(partial, "report/four-properties.json", "report", "四性检测报告（数据）", report.encode(trade)))
    files.append(_add(partial, "report/four-properties.pdf", "report", "四性检测报告", report.print(trade)))
    listed = [*files, _add(partial, INDEX, "index", "目录", encode(Index(trade.id, trade.sandbox, tuple(files))))]
    manifest = bag.write_manifest({f"data/{file.path}": file.sha256 for file in listed})
    size = sum(file.size for file in listed)
    tags = {
        "bagit.txt": bag.DECLARATION,
        "bag-info.txt": _info(trade, f"{size}.{len(listed)}"),
        bag.MANIFEST: manifest,
        bag.SIGNED: signer.sign(bag.statement(trade.id, manifest)).encode(),
    }
    for name, content in tags.items():
        _write(partial / name, content)
    _write(partial / bag.TAG_MANIFEST, bag.write_manifest({n: hashlib.sha256(c).hexdigest() for n, c in tags.items()}))
    partial.rename(out)
    _sync_folder(out.parent)
    return reopen(out)


def _info(trade: Trade, oxum: str) -> bytes:
    values = (
        trade.organization,
        trade.closed_at.astimezone(_CHINA).date().isoformat(),
        trade.code,
        str(trade.id),
        trade.title,
        oxum,
        FORMAT,
    )
    return bag.write_info(dict(zip(bag.LABELS, values, strict=True)))


def _add(partial: Path, path: str, role: str, title: str, content: bytes) -> File:
    _write(partial / "data" / path, content)
    return File(path, role, title, len(content), hashlib.sha256(content).hexdigest())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
