"""The checks of `ggzy verify`, offline: each artefact by its own recipe, and against the packages at hand.

Needs no server, no database and no settings; each check is the package's own, which raises the first thing wrong.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api.artefacts import Artefact, Sort, read, with_own_keys
from archive import bundle, package, proof, receipt, receipt_code, receipt_zip
from archive.note import Key
from archive.package import Holding, index, tar
from archive.recipe import Pins, Step
from kernel.errors import GgzyError, Kind

Progress = Callable[[int], None]

# What is not at hand, so that nothing can be said: neither that it holds nor that it does not.
_LACKING = frozenset({"receipt.missing", "bundle.missing_file", "verify.no_chain", "verify.no_vkey"})


def is_incomplete(sort: Sort, refusal: GgzyError) -> bool:
    """Return whether files or keys lack that the person can still bring; a package says itself what belongs to it."""
    return sort is not Sort.PACKAGE and refusal.code in _LACKING


@dataclass(slots=True)
class Verifier:
    """Checks artefacts one after another; `packages` are those that held, against which later ones are held."""

    pins: Pins
    packages: list[Holding] = field(default_factory=list)

    def verify(self, artefact: Artefact, progress: Progress | None = None) -> list[Step]:
        """Check one artefact and return the steps that held; raises GgzyError with the first thing wrong.

        Keys that are not pinned are those that came with the artefact. `progress` is told the bytes read.
        """
        path, pins = artefact.path, with_own_keys(self.pins, artefact)
        check: dict[Sort, Callable[[], list[Step]]] = {
            Sort.RECEIPT: lambda: self._receipt(path, pins),
            Sort.PACKAGE: lambda: self._package(path, pins, progress),
            Sort.BUNDLE: lambda: self._bundle(path, pins, progress),
            Sort.DRAW: lambda: _draw(read(path), _key(pins)),
            Sort.KEY: lambda: _transcript(read(path)),
            Sort.LOG: lambda: _log(path, pins),
        }
        return check[artefact.sort]()

    def _receipt(self, path: Path, pins: Pins) -> list[Step]:
        """Check a receipt: a folder or a zip that holds its files, or the text of its QR code."""
        if pins.chain_pem is None:
            raise GgzyError("verify.no_chain", Kind.NOT_FOUND)
        given = _given(path)
        told, steps = receipt.verify(given, pins.chain_pem, pins.key())
        sealed = (path if path.is_dir() else path.parent) / "bid.sealed"
        if told.event.kind == "bid.received" and sealed.exists():
            steps.append(_check_sealed(sealed, told.event.data))
        steps += [one.check_receipt(told) for one in self.packages if one.trade == told.event.trade]  # 8
        return sorted(steps, key=lambda step: step.number)

    def _package(self, path: Path, pins: Pins, progress: Progress | None) -> list[Step]:
        """Check a bag, a folder or its tar, with the draws, key transcripts and sealed bids in it."""
        if not path.is_dir():
            with tempfile.TemporaryDirectory(prefix="ggzy-") as folder:
                return self._package(tar.unpack(path, Path(folder)), pins, progress)
        checks: dict[str, Callable[[bytes, Key], object]] = {
            "draw_transcript": _draw,
            "key_transcript": lambda data, _: _transcript(data),
        }
        holding, steps = package.verify(path, pins, checks=checks, progress=progress)
        steps.append(_check_bids(path / "data"))
        self.packages.append(holding)
        return steps

    def _bundle(self, path: Path, pins: Pins, progress: Progress | None) -> list[Step]:
        if path.is_dir():
            return bundle.verify(path, pins, packages=self.packages, progress=progress)
        with tempfile.TemporaryDirectory(prefix="ggzy-") as folder:
            return self._bundle(bundle.unpack(path, Path(folder)), pins, progress)


def _given(path: Path) -> receipt.Files:
    if path.is_dir():
        return receipt.Files.read(path)
    return receipt_zip.read(path) if path.suffix == ".zip" else receipt_code.scanned(read(path))


def _check_bids(data: Path) -> Step:
    """10. Each sealed bid of a verified package is the one whose receipt lies beside it (docs/spec/package.md)."""
    bids = index.decode(read(data / index.INDEX)).having("sealed_bid")
    for file in bids:
        folder = (data / file.path).parent
        _check_sealed(data / file.path, receipt.decode(receipt.Files.read(folder).content).event.data)
    return Step(10, "sealed", str(len(bids)))


def _check_sealed(path: Path, said: dict[str, object]) -> Step:
    """6. The sealed bid at hand is the one that the receipt is for (docs/spec/receipt.md)."""
    from bidding import bidfile  # noqa: PLC0415 - only this step needs libsodium

    bid = bidfile.read(path)
    if said.get("manifest") != bid.manifest.digest().hex() or said.get("signer") != bid.manifest.signer.hex():
        raise GgzyError("receipt.other_bid", Kind.INTEGRITY)
    bidfile.verify(bid)
    return Step(6, "sealed", str(len(bid.manifest.envelopes)))


def _draw(data: bytes, key: Key) -> list[Step]:
    from experts.verification import verify_draw  # noqa: PLC0415 - heavy, and needed for draws only

    return [Step(step.number, step.name, step.detail) for step in verify_draw(data, key)]


def _transcript(data: bytes) -> list[Step]:
    from bidding.transcript import verify_transcript  # noqa: PLC0415 - only this step needs libsodium

    return [Step(1, "transcript", verify_transcript(data).hash.hex())]


def _log(folder: Path, pins: Pins) -> list[Step]:
    head = proof.verify_log(folder, None if pins.vkey is None else pins.vkey.strip())
    return [Step(6, "root", f"{head.origin} {head.size}")]


def _key(pins: Pins) -> Key:
    key = pins.key()
    if key is None:
        raise GgzyError("verify.no_vkey", Kind.NOT_FOUND)
    return key
