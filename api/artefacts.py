"""What `ggzy verify` can be shown, found on disk: receipts, draws, key transcripts, packages, logs, trail bundles."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from archive import bundle, receipt_code, receipt_zip
from archive.recipe import Pins
from kernel import disk
from kernel.errors import GgzyError, Kind

MAX_TRANSCRIPT = 64 << 20
MAX_CODE = 1 << 14  # a QR code holds 4,296 characters
MAX_DEPTH = 6
PARENTS = 4
_FORMATS = {"ggzy/draw/v1": "draw", "ggzy/key-transcript/v1": "key"}


class Sort(StrEnum):
    """The sorts of things that can be verified."""

    RECEIPT = "receipt"
    DRAW = "draw"
    KEY = "key"
    PACKAGE = "package"
    LOG = "log"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One thing to verify: its sort, and its folder or file."""

    sort: Sort
    path: Path


def find(*paths: Path) -> list[Artefact]:
    """Return everything at or below some paths that can be verified, packages first; GgzyError ``verify.nothing``."""
    found: dict[Artefact, None] = {}
    for path in paths:
        below = list(_find(path, 0))
        if not below:
            raise GgzyError("verify.nothing", Kind.NOT_FOUND, path=str(path)[-200:])
        found |= dict.fromkeys(below)
    return sorted(found, key=lambda artefact: artefact.sort is not Sort.PACKAGE)


def with_own_keys(pins: Pins, artefact: Artefact) -> Pins:
    """Fill in, for what is not pinned, the keys that came with the artefact or lie in a folder above it."""
    folders = [artefact.path, *artefact.path.absolute().parents[:PARENTS]]
    vkey, chain = pins.vkey, pins.chain_pem
    if vkey is None and (found := _first(folders, ("vkey", "log/vkey"))) is not None:
        vkey = found.decode("utf-8", "replace")
    if chain is None:
        chain = _first(folders, ("chain.pem", "tsa/chain.pem"))
    return Pins(vkey, chain)


def read(path: Path) -> bytes:
    """Return a transcript or a key; GgzyError ``verify.unreadable``."""
    missing = GgzyError("verify.unreadable", Kind.NOT_FOUND, name=path.name)
    return disk.read(path, MAX_TRANSCRIPT, missing, GgzyError("verify.unreadable", Kind.TOO_LARGE, name=path.name))


def _find(path: Path, depth: int) -> Iterator[Artefact]:
    if path.is_symlink() or not path.exists():
        return
    if path.is_file():
        yield from _file(path)
    elif (path / "bagit.txt").exists():
        yield Artefact(Sort.PACKAGE, path)
    elif (path / bundle.INDEX).exists():
        yield Artefact(Sort.BUNDLE, path)
    elif (path / "checkpoint").exists() and (path / "vkey").exists():
        yield Artefact(Sort.LOG, path)
    elif depth < MAX_DEPTH:
        for child in sorted(path.iterdir()):
            yield from _find(child, depth + 1)


def _file(path: Path) -> Iterator[Artefact]:
    if path.name == "receipt.json":
        yield Artefact(Sort.RECEIPT, path.parent)
    elif path.suffix == ".tar":
        yield Artefact(Sort.PACKAGE, path)
    elif path.suffix == ".zip":
        yield Artefact(Sort.RECEIPT if receipt_zip.is_receipt(path) else Sort.BUNDLE, path)
    elif path.suffix == ".txt" and path.stat().st_size <= MAX_CODE and receipt_code.is_code(read(path)):
        yield Artefact(Sort.RECEIPT, path)
    elif path.suffix == ".json" and path.stat().st_size <= MAX_TRANSCRIPT:
        try:
            value = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            value = None
        # A transcript that was tampered with must not pass by being overlooked: its name counts as well.
        sort = _FORMATS.get(str(value.get("format"))) if isinstance(value, dict) else None
        if sort is None and path.name == "transcript.json":
            sort = "draw" if path.parent.name == "draw" else "key"
        if sort is not None:
            yield Artefact(Sort(sort), path)


def _first(folders: list[Path], names: tuple[str, ...]) -> bytes | None:
    paths = (folder / name for folder in folders for name in names)
    return next((read(path) for path in paths if path.is_file()), None)
