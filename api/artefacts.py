"""What `ggzy verify` can be shown: receipts, draws, key transcripts, packages, logs, found on disk and checked offline.

Needs no server, no database and no settings; each check is the package's own, which raises the first thing wrong.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from archive import bundle, package, proof, receipt
from archive import note as notes
from archive.note import Key
from archive.package import index, tar
from archive.recipe import Pins, Step
from kernel import disk
from kernel.errors import GgzyError, Kind

MAX_TRANSCRIPT = 64 << 20
MAX_DEPTH = 6
PARENTS = 4
_FORMATS = {"ggzy/draw/v1": "draw", "ggzy/key-transcript/v1": "key"}

Progress = Callable[[int], None]


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


def find(path: Path) -> list[Artefact]:
    """Return everything at or below a path that can be verified; GgzyError ``verify.nothing``."""
    found = list(_find(path, 0))
    if not found:
        raise GgzyError("verify.nothing", Kind.NOT_FOUND, path=str(path)[-200:])
    return found


def with_own_keys(pins: Pins, artefact: Artefact) -> Pins:
    """Fill in, for what is not pinned, the keys that came with the artefact or lie in a folder above it."""
    folders = [artefact.path, *artefact.path.absolute().parents[:PARENTS]]
    vkey, chain = pins.vkey, pins.chain_pem
    if vkey is None and (found := _first(folders, ("vkey", "log/vkey"))) is not None:
        vkey = found.decode("utf-8", "replace")
    if chain is None:
        chain = _first(folders, ("chain.pem", "tsa/chain.pem"))
    return Pins(vkey, chain)


def verify(artefact: Artefact, pins: Pins, progress: Progress | None = None) -> list[Step]:
    """Check one artefact and return the steps that held; raises GgzyError with the first thing wrong."""
    check: dict[Sort, Callable[[Path, Pins], list[Step]]] = {
        Sort.RECEIPT: _verify_receipt,
        Sort.DRAW: lambda path, pins: _verify_draw(_read(path), _key(pins)),
        Sort.KEY: lambda path, _: _verify_key(_read(path)),
        Sort.LOG: _verify_log,
    }
    if artefact.sort is Sort.PACKAGE:
        return verify_package(artefact.path, pins, progress)
    if artefact.sort is Sort.BUNDLE:
        return _verify_bundle(artefact.path, pins, progress)
    return check[artefact.sort](artefact.path, pins)


def verify_package(path: Path, pins: Pins, progress: Progress | None = None) -> list[Step]:
    """Check a bag, a folder or its tar, with the draws, key transcripts and sealed bids in it."""
    checks: dict[str, Callable[[bytes, Key], object]] = {
        "draw_transcript": _verify_draw,
        "key_transcript": lambda data, _: _verify_key(data),
    }
    if path.is_dir():
        steps = package.verify(path, pins, checks=checks, progress=progress)
        return [*steps, _check_bids(path / "data")]
    with tempfile.TemporaryDirectory(prefix="ggzy-") as folder:
        return verify_package(tar.unpack(path, Path(folder)), pins, progress)


def _check_bids(data: Path) -> Step:
    """10. Each sealed bid of a verified package is the one whose receipt lies beside it (docs/spec/package.md)."""
    bids = index.decode(_read(data / index.INDEX)).having("sealed_bid")
    for file in bids:
        folder = (data / file.path).parent
        _check_sealed(data / file.path, receipt.decode(receipt.Files.read(folder).content).event.data)
    return Step(10, "sealed", str(len(bids)))


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
        yield Artefact(Sort.BUNDLE, path)
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


def _verify_receipt(folder: Path, pins: Pins) -> list[Step]:
    if pins.chain_pem is None:
        raise GgzyError("verify.no_chain", Kind.NOT_FOUND)
    told, steps = receipt.verify(receipt.Files.read(folder), pins.chain_pem, pins.key())
    sealed = folder / "bid.sealed"
    if told.event.kind == "bid.received" and sealed.exists():
        steps.append(_check_sealed(sealed, told.event.data))
    return sorted(steps, key=lambda step: step.number)


def _check_sealed(path: Path, said: dict[str, object]) -> Step:
    """6. The sealed bid at hand is the one that the receipt is for (docs/spec/receipt.md)."""
    from bidding import bidfile  # noqa: PLC0415 - only this step needs libsodium

    bid = bidfile.read(path)
    if said.get("manifest") != bid.manifest.digest().hex() or said.get("signer") != bid.manifest.signer.hex():
        raise GgzyError("receipt.other_bid", Kind.INTEGRITY)
    bidfile.verify(bid)
    return Step(6, "sealed", str(len(bid.manifest.envelopes)))


def _verify_draw(data: bytes, key: Key) -> list[Step]:
    from experts.verification import verify_draw  # noqa: PLC0415 - heavy, and needed for draws only

    return [Step(step.number, step.name, step.detail) for step in verify_draw(data, key)]


def _verify_key(data: bytes) -> list[Step]:
    from bidding.transcript import verify_transcript  # noqa: PLC0415 - only this step needs libsodium

    return [Step(1, "transcript", verify_transcript(data).hash.hex())]


def _verify_bundle(path: Path, pins: Pins, progress: Progress | None) -> list[Step]:
    if path.is_dir():
        return bundle.verify(path, pins, progress=progress)
    with tempfile.TemporaryDirectory(prefix="ggzy-") as folder:
        return bundle.verify(bundle.unpack(path, Path(folder)), pins, progress=progress)


def _verify_log(folder: Path, pins: Pins) -> list[Step]:
    head = proof.verify_log(folder, None if pins.vkey is None else pins.vkey.strip())
    return [Step(6, "root", f"{head.origin} {head.size}")]


def _key(pins: Pins) -> Key:
    if pins.vkey is None:
        raise GgzyError("verify.no_vkey", Kind.NOT_FOUND)
    return notes.parse_key(pins.vkey.strip())


def _first(folders: list[Path], names: tuple[str, ...]) -> bytes | None:
    paths = (folder / name for folder in folders for name in names)
    return next((_read(path) for path in paths if path.is_file()), None)


def _read(path: Path) -> bytes:
    missing = GgzyError("verify.unreadable", Kind.NOT_FOUND, name=path.name)
    return disk.read(path, MAX_TRANSCRIPT, missing, GgzyError("verify.unreadable", Kind.TOO_LARGE, name=path.name))
