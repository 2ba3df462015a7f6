"""The manifest of one bid (``ggzy/bid/v1``): all its envelopes, signed once by the bidder's device key.

docs/spec/bid-file.md, sections 1 to 3. The signature is Ed25519 over ``ggzy/bid/v1`` ‖ 0 ‖ SHA-256(manifest).
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from bidding import encapsulation
from bidding import header as headers
from bidding.encapsulation import Preamble
from bidding.header import HEADER_SIZE, Header
from bidding.stream import sealed_length
from bidding.wire import Hash, Identifier, Moment, Pair, read
from kernel import canonical
from kernel.clock import isoformat
from kernel.clock import parse as parse_time
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind, OpeningPolicy

FORMAT = "ggzy/bid/v1"
SIGNATURE_SIZE = 64
MAX_SIZE = 16384
_CONTEXT = b"ggzy/bid/v1\0"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope of a bid; `length` is the body's number of bytes, `root` the root of its segments' tree."""

    header: Header
    preamble: Preamble
    length: int
    root: bytes

    @property
    def kind(self) -> EnvelopeKind:
        """What it holds."""
        return self.header.kind


@dataclass(frozen=True, slots=True)
class Manifest:
    """One bid. `previous` is the digest of the receipt that this bid replaces, `signer` an Ed25519 public key."""

    tender: UUID
    lot: UUID
    bidder: str
    deadline: datetime
    previous: bytes | None
    signer: bytes
    envelopes: tuple[Envelope, ...]

    def encode(self) -> bytes:
        """Return the canonical JSON."""
        return canonical.encode(
            {
                "format": FORMAT,
                "tender": str(self.tender),
                "lot": str(self.lot),
                "bidder": self.bidder,
                "deadline": isoformat(self.deadline),
                "previous": _hex(self.previous),
                "signer": self.signer.hex(),
                "envelopes": [_encode(envelope) for envelope in self.envelopes],
            }
        )

    def digest(self) -> bytes:
        """Return SHA-256 of the canonical JSON: the number by which people name this bid."""
        return hashlib.sha256(self.encode()).digest()

    def envelope(self, kind: EnvelopeKind) -> Envelope:
        """Return the envelope of a kind; GgzyError ``bid.missing_envelope``."""
        for envelope in self.envelopes:
            if envelope.kind is kind:
                return envelope
        raise _refused("missing_envelope", envelope=kind.value)


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a bid must have been sealed for; `signer` is the device key enrolled by who hands it in."""

    tender: UUID
    lot: UUID
    bidder: str
    deadline: datetime
    policy: OpeningPolicy
    kinds: tuple[EnvelopeKind, ...]
    key: bytes
    signer: bytes


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EnvelopeKind
    header: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]+\Z", max_length=2 * HEADER_SIZE)]
    proof: Pair
    commitment: Hash
    wrap: Hash | None
    length: Annotated[int, msgspec.Meta(ge=1)]
    root: Hash


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    tender: Identifier
    lot: Identifier
    bidder: str
    deadline: Moment
    previous: Hash | None
    signer: Hash
    envelopes: Annotated[list[_Envelope], msgspec.Meta(min_length=1, max_length=8)]


def parse(data: bytes) -> Manifest:
    """Read a manifest strictly, without judging whom it is for.

    Raises GgzyError ``bid.not_sealed`` for bytes of any other sort, ``bid.bad_manifest``, ``bid.bad_header``,
    ``bid.bad_length`` (a body that is not as long as its header says).
    """
    if not data.startswith(b"{"):
        raise _refused("not_sealed")
    if len(data) > MAX_SIZE:
        raise _refused("bad_manifest")
    try:
        wire = read(data, _Wire, FORMAT)
        deadline = parse_time(wire.deadline)
    except (ValueError, GgzyError) as error:
        raise _refused("bad_manifest") from error
    manifest = Manifest(
        tender=UUID(wire.tender),
        lot=UUID(wire.lot),
        bidder=wire.bidder,
        deadline=deadline,
        previous=None if wire.previous is None else bytes.fromhex(wire.previous),
        signer=bytes.fromhex(wire.signer),
        envelopes=tuple(_decode(envelope) for envelope in wire.envelopes),
    )
    if manifest.encode() != data:
        raise _refused("bad_manifest")
    return manifest


def sign(manifest: Manifest, key: SigningKey) -> bytes:
    """Return the bidder's signature, 64 bytes."""
    return key.sign(_message(manifest)).signature


def check(manifest: Manifest, signature: bytes, expected: Expectations) -> None:
    """Accept a bid only if it was sealed for exactly this lot, deadline and opening key, by this bidder's device.

    Raises GgzyError with the first thing wrong: ``bid.bad_signature``, ``bid.other_bidder``, ``bid.other_tender``,
    ``bid.other_lot``, ``bid.other_deadline``, ``bid.other_signer``, ``bid.repeated_envelope``,
    ``bid.unexpected_envelope``, ``bid.missing_envelope``, ``bid.other_policy``, ``bid.other_key``, ``bid.bad_wrap``,
    ``bid.bad_point``, ``bid.bad_proof``.
    """
    verify_signature(manifest, signature)
    _check_place(manifest, expected, None)
    if not hmac.compare_digest(manifest.signer, expected.signer):
        raise _refused("other_signer")
    _check_kinds([envelope.kind for envelope in manifest.envelopes], expected.kinds)
    for envelope in manifest.envelopes:
        _check_envelope(envelope, expected)


def verify_signature(manifest: Manifest, signature: bytes) -> None:
    """Check the signature under the manifest's own signer; GgzyError ``bid.bad_signature``."""
    try:
        VerifyKey(manifest.signer).verify(_message(manifest), signature)
    except (BadSignatureError, ValueError, TypeError) as error:
        raise _refused("bad_signature") from error


def _check_envelope(envelope: Envelope, expected: Expectations) -> None:
    kind = envelope.kind.value
    _check_place(envelope.header, expected, kind)
    if envelope.header.policy is not expected.policy:
        raise _refused("other_policy", envelope=kind)
    if not hmac.compare_digest(envelope.header.key, expected.key):
        raise _refused("other_key", envelope=kind)
    encapsulation.verify(envelope.header, envelope.preamble)


def _check_place(place: Manifest | Header, expected: Expectations, kind: str | None) -> None:
    """Compare what manifest and header both say; `kind` names the envelope, None the bid itself."""
    for noun in ("bidder", "tender", "lot", "deadline"):
        if getattr(place, noun) != getattr(expected, noun):
            raise _refused(f"other_{noun}", envelope=kind)


def _check_kinds(found: list[EnvelopeKind], expected: tuple[EnvelopeKind, ...]) -> None:
    for kind in found:
        if found.count(kind) > 1:
            raise _refused("repeated_envelope", envelope=kind.value)
        if kind not in expected:
            raise _refused("unexpected_envelope", envelope=kind.value)
    for kind in expected:
        if kind not in found:
            raise _refused("missing_envelope", envelope=kind.value)


def _encode(envelope: Envelope) -> dict[str, object]:
    return {
        "kind": envelope.kind.value,
        "header": envelope.header.encode().hex(),
        "proof": envelope.preamble.proof.hex(),
        "commitment": envelope.preamble.commitment.hex(),
        "wrap": _hex(envelope.preamble.wrap),
        "length": envelope.length,
        "root": envelope.root.hex(),
    }


def _decode(wire: _Envelope) -> Envelope:
    try:
        header = headers.parse(bytes.fromhex(wire.header))
    except ValueError as error:
        raise _refused("bad_header", field="size") from error
    if wire.length != sealed_length(header.padded_length):
        raise _refused("bad_length", envelope=header.kind.value)
    wrap = None if wire.wrap is None else bytes.fromhex(wire.wrap)
    preamble = Preamble(bytes.fromhex(wire.proof), bytes.fromhex(wire.commitment), wrap)
    return Envelope(header, preamble, wire.length, bytes.fromhex(wire.root))


def _message(manifest: Manifest) -> bytes:
    return _CONTEXT + manifest.digest()


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _refused(code: str, **params: object) -> GgzyError:
    return GgzyError(f"bid.{code}", Kind.INTEGRITY, **params)
