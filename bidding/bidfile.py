"""The file form of a sealed bid: magic ‖ u32 length ‖ manifest ‖ signature ‖ bodies in the manifest's order.

docs/spec/bid-file.md, section 4. Only the sizes of the file are judged here; bodies are judged against their roots.
"""

import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bidding import manifest as manifests
from bidding.manifest import MAX_SIZE, SIGNATURE_SIZE, Envelope, Manifest
from bidding.segments import PART_SIZE, PartHasher, body_root
from bidding.stream import SEALED_BLOCK_SIZE
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind

MAGIC = b"ggzybid\x01"
_LENGTH_SIZE = 4
_FRAME = len(MAGIC) + _LENGTH_SIZE


@dataclass(frozen=True, slots=True)
class BidFile:
    """A sealed bid on disk: its manifest, the manifest's bytes and signature, and where its bodies begin."""

    path: Path
    manifest: Manifest
    encoded: bytes
    signature: bytes
    offset: int

    def body_offset(self, kind: EnvelopeKind) -> int:
        """Return where the body of this kind begins; GgzyError ``bid.missing_envelope``."""
        self.manifest.envelope(kind)
        offset = self.offset
        for envelope in self.manifest.envelopes:
            if envelope.kind is kind:
                break
            offset += envelope.length
        return offset


@dataclass(frozen=True, slots=True)
class Part:
    """One upload part: `number` within its envelope, `offset` and `size` in bytes within the file, its tree root."""

    kind: EnvelopeKind
    number: int
    offset: int
    size: int
    root: bytes


def head(manifest: Manifest, signature: bytes) -> bytes:
    """Return everything that stands before the bodies; its size depends on lengths only, not on roots or signature."""
    encoded = manifest.encode()
    return MAGIC + len(encoded).to_bytes(_LENGTH_SIZE, "big") + encoded + signature


def read(path: Path) -> BidFile:
    """Read manifest and signature and compare the file's size with them.

    Raises GgzyError ``bid.bad_manifest``, ``bid.not_sealed`` for any other file, ``bid.truncated``, ``bid.extended``,
    ``bid.no_file``, and what `manifest.parse` raises.
    """
    with _open(path) as file:
        frame = file.read(_FRAME)
        if len(frame) < _FRAME or frame[: len(MAGIC)] != MAGIC:
            raise GgzyError("bid.not_sealed", Kind.INTEGRITY)
        length = int.from_bytes(frame[len(MAGIC) :], "big")
        if length > MAX_SIZE:
            raise GgzyError("bid.bad_manifest", Kind.INTEGRITY)
        encoded, signature = file.read(length), file.read(SIGNATURE_SIZE)
        size = os.fstat(file.fileno()).st_size
    offset = _FRAME + length + SIGNATURE_SIZE
    if size < offset:
        raise GgzyError("bid.truncated", Kind.INTEGRITY)
    manifest = manifests.parse(encoded)
    expected = offset + sum(envelope.length for envelope in manifest.envelopes)
    if size != expected:
        raise GgzyError("bid.truncated" if size < expected else "bid.extended", Kind.INTEGRITY)
    return BidFile(path, manifest, encoded, signature, offset)


def parts(bid: BidFile, kind: EnvelopeKind, first: int = 0) -> Iterator[Part]:
    """Yield the upload parts of one body from number `first` on, hashing each when it is asked for."""
    envelope = bid.manifest.envelope(kind)
    start = bid.body_offset(kind)
    with _open(bid.path) as file:
        for number in range(first, -(-envelope.length // PART_SIZE)):
            place = number * PART_SIZE
            size = min(PART_SIZE, envelope.length - place)
            file.seek(start + place)
            yield Part(kind, number, start + place, size, _root(file, size))


def chunks(bid: BidFile, kind: EnvelopeKind) -> Iterator[memoryview]:
    """Yield the ciphertext of one body in whole records; each view is valid until the next one is asked for."""
    left = bid.manifest.envelope(kind).length
    buffer = memoryview(bytearray(SEALED_BLOCK_SIZE))
    with _open(bid.path) as file:
        file.seek(bid.body_offset(kind))
        while left:
            view = buffer[: min(left, len(buffer))]
            _fill(file, view)
            left -= len(view)
            yield view


def verify(bid: BidFile) -> None:
    """Hash every body and check signature and roots; GgzyError ``bid.bad_signature`` or ``bid.bad_root``."""
    manifests.verify_signature(bid.manifest, bid.signature)
    for envelope in bid.manifest.envelopes:
        _verify_body(bid, envelope)


def _verify_body(bid: BidFile, envelope: Envelope) -> None:
    root = body_root((part.root, part.size) for part in parts(bid, envelope.kind))
    if not hmac.compare_digest(root, envelope.root):
        raise GgzyError("bid.bad_root", Kind.INTEGRITY, envelope=envelope.kind.value)


def _root(file: BinaryIO, size: int) -> bytes:
    hasher = PartHasher()
    buffer = memoryview(bytearray(min(size, SEALED_BLOCK_SIZE)))
    while size:
        view = buffer[: min(size, len(buffer))]
        _fill(file, view)
        hasher.update(view)
        size -= len(view)
    return hasher.root()


def _fill(file: BinaryIO, view: memoryview) -> None:
    filled = 0
    while filled < len(view):
        count = file.readinto(view[filled:])  # type: ignore[attr-defined] # raw files have it, the protocol does not say
        if not count:
            raise GgzyError("bid.truncated", Kind.INTEGRITY)
        filled += count


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise GgzyError("bid.no_file", Kind.NOT_FOUND, name=path.name) from error
