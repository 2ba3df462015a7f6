"""Offline proofs: the C2SP tlog-proof of one leaf, and the check of a whole log that derives its tree again.

Needs no server and no database. The numbers are those of the recipes in docs/spec/trail.md.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive import checkpoint as checkpoints
from archive import merkle, tiles
from archive import note as notes
from archive.checkpoint import Checkpoint
from archive.note import Key
from archive.tiles import Tile
from kernel import disk
from kernel.errors import GgzyError, Kind

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
MAX_EXTRA = 1 << 16

_PROOF = re.compile(
    r"c2sp\.org/tlog-proof@v1\n(?:extra ([A-Za-z0-9+/]+=*)\n)?index (0|[1-9][0-9]{0,18})\n"
    rf"((?:[A-Za-z0-9+/]{{43}}=\n){{0,{MAX_HASHES}}})\n"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf's index, its audit path from the sibling upward, the signed checkpoint; `extra` is not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""


def encode(proof: Proof) -> str:
    """Return the proof as text."""
    extra = f"extra {b64encode(proof.extra).decode()}\n" if proof.extra else ""
    hashes = "".join(f"{b64encode(h).decode()}\n" for h in proof.hashes)
    return f"{HEADER}\n{extra}index {proof.index}\n{hashes}\n{proof.checkpoint}"


def parse(text: str | bytes) -> Proof:
    """Read a proof strictly, without verifying it; GgzyError ``proof.malformed``, ``note.malformed``."""
    try:
        whole = text if isinstance(text, str) else text.decode()
        match = _PROOF.match(whole)
        if match:
            hashes = tuple(b64decode(line) for line in match[3].split())
            proof = Proof(int(match[2]), hashes, whole[match.end() :], b64decode(match[1] or ""))
            if encode(proof) == whole and len(proof.extra) <= MAX_EXTRA:
                notes.parse(proof.checkpoint)
                return proof
    except ValueError as error:
        raise GgzyError("proof.malformed", Kind.INTEGRITY) from error
    raise GgzyError("proof.malformed", Kind.INTEGRITY)


def verify_proof(
    text: str | bytes, commitment: bytes, key: Key, witnesses: Iterable[Key] = (), quorum: int = 0
) -> tuple[int, Checkpoint]:
    """Check that the log with this key holds the 32-byte commitment; return its index and the checkpoint.

    Raises GgzyError ``proof.malformed``, ``merkle.not_included`` and those of `checkpoint.verify`.
    """
    # 1. Parse strictly.
    proof = parse(text)
    # 2. The checkpoint bears the log's signature (and those of enough witnesses).
    checkpoint = checkpoints.verify(proof.checkpoint, key, witnesses, quorum)
    # 3. and 4. The leaf hash of the commitment leads by the audit path to the checkpoint's root.
    leaf = merkle.leaf_hash(commitment)
    merkle.verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return proof.index, checkpoint


def verify_log(folder: Path, pinned_vkey: str | None = None) -> Checkpoint:
    """Check a log's folder (``vkey``, ``checkpoint``, ``tile/…``) by deriving every tile and the root from its entries.

    Raises GgzyError ``note.malformed``, ``log.missing_file``, ``log.unexpected_file``, ``log.wrong_key``,
    ``log.wrong_tile``, ``log.wrong_root`` and those of the formats, each naming the first file that is wrong.
    """
    # 1. The key is well formed and is the one that was pinned.
    vkey = _text(folder, "vkey")
    if pinned_vkey is not None and not hmac.compare_digest(vkey.encode(), f"{pinned_vkey}\n".encode()):
        raise GgzyError("log.wrong_key", Kind.INTEGRITY)
    key = notes.parse_key(vkey.removesuffix("\n"))
    if vkey != f"{key.vkey}\n":
        raise GgzyError("note.malformed", Kind.INTEGRITY, file="vkey")
    # 2. The checkpoint bears its signature and names the log.
    checkpoint = checkpoints.verify(_read(folder, "checkpoint", notes.MAX_NOTE), key)
    # 3. The files are exactly those of a tree of this size.
    _check_names(folder, checkpoint.size)
    # 4. and 5. Every tile follows from the entries.
    root = _derive(folder, checkpoint.size)
    # 6. So does the root.
    if not hmac.compare_digest(root, checkpoint.root):
        raise GgzyError("log.wrong_root", Kind.INTEGRITY, file="checkpoint")
    return checkpoint


def read_commitments(folder: Path, size: int) -> Iterator[bytes]:
    """Yield the commitments of a log's folder in index order; GgzyError ``log.missing_file``, ``tile.malformed``."""
    for tile in _level(tiles.ENTRIES, size):
        yield from _entries(folder, tile)


def _derive(folder: Path, size: int) -> bytes:
    frontier = merkle.Frontier()
    rows: list[list[bytes]] = [[] for _ in range(tiles.LEVELS)]
    counts = [0] * tiles.LEVELS
    for bundle in _level(tiles.ENTRIES, size):
        rows[0] = [merkle.leaf_hash(entry) for entry in _entries(folder, bundle)]
        for leaf in rows[0]:
            frontier.append(leaf)
        level = 0
        while level < tiles.LEVELS and len(rows[level]) == tiles.WIDTH:
            _compare(folder, Tile(level, counts[level]), rows[level])
            counts[level] += 1
            if level + 1 < tiles.LEVELS:
                rows[level + 1].append(merkle.root(rows[level]))
            rows[level] = []
            level += 1
    for level, row in enumerate(rows):
        if row:
            _compare(folder, Tile(level, counts[level], len(row)), row)
    return frontier.root()


def _compare(folder: Path, tile: Tile, hashes: list[bytes]) -> None:
    name = tiles.path(tile)
    if not hmac.compare_digest(_read(folder, name, tiles.MAX_BUNDLE), tiles.join(hashes)):
        raise GgzyError("log.wrong_tile", Kind.INTEGRITY, file=name)


def _entries(folder: Path, tile: Tile) -> list[bytes]:
    name = tiles.path(tile)
    try:
        return tiles.split_entries(_read(folder, name, tiles.MAX_BUNDLE), tile.width)
    except GgzyError as error:
        raise GgzyError(error.code, error.kind, **{"file": name, **error.params}) from error


def _level(level: int, size: int) -> Iterator[Tile]:
    return (tile for tile in tiles.tiles_of(size) if tile.level == level)


def _check_names(folder: Path, size: int) -> None:
    found = sum(1 for file in (folder / "tile").rglob("*") if not file.is_dir())
    for tile in tiles.tiles_of(size):
        if not (folder / tiles.path(tile)).is_file():
            raise GgzyError("log.missing_file", Kind.INTEGRITY, file=tiles.path(tile))
        found -= 1
    if found:
        names = {tiles.path(tile) for tile in tiles.tiles_of(size)}
        files = (f.relative_to(folder).as_posix() for f in (folder / "tile").rglob("*") if not f.is_dir())
        raise GgzyError("log.unexpected_file", Kind.INTEGRITY, file=min(set(files) - names))


def _text(folder: Path, name: str) -> str:
    try:
        return _read(folder, name, notes.MAX_NOTE).decode()
    except UnicodeDecodeError as error:
        raise GgzyError("note.malformed", Kind.INTEGRITY, file=name) from error


def _read(folder: Path, name: str, limit: int) -> bytes:
    missing = GgzyError("log.missing_file", Kind.INTEGRITY, file=name)
    return disk.read(folder / name, limit, missing, GgzyError("log.unexpected_file", Kind.INTEGRITY, file=name))
