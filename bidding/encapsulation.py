"""From the opening key to the payload key: encapsulation, key schedule, key commitment.

The sealer knows r with U = rB and K = rY; the custodians find the same K from U by their shares. Everything derived is
bound to the hash of the header. `shared` is K, 32 bytes; a bidder's `secret` is the one of this envelope alone.
docs/spec/sealing.md, section 4.
"""

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from bidding import group
from bidding.header import Header
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading.lot import OpeningPolicy

SECRET_SIZE = 32

_PROOF = b"ggzy/encapsulation/v1\0"
_ENVELOPE = b"ggzy/envelope/v1\0"
_PAYLOAD = b"ggzy/payload/v1\0"
_BIDDER = b"ggzy/bidder-secret/v1\0"
_WRAP = b"ggzy/wrap/v1\0"


@dataclass(frozen=True, slots=True)
class Preamble:
    """What stands beside a header: the proof of knowledge of r (64), the key commitment (32), the wrap (32 or None)."""

    proof: bytes
    commitment: bytes
    wrap: bytes | None = None


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A fresh r for one envelope: `point` is U, `shared` is K. Kept only while sealing."""

    scalar: bytes = field(repr=False)
    point: bytes
    shared: bytes = field(repr=False)


def encapsulate(opening_key: bytes, entropy: Entropy) -> Encapsulation:
    """Draw r for the opening key Y; GgzyError ``bid.bad_opening_key`` for a point off the subgroup."""
    scalar = group.random_scalar(entropy)
    try:
        shared = group.mult(scalar, group.check_point(opening_key))
    except GgzyError as error:
        raise GgzyError("bid.bad_opening_key", Kind.INTEGRITY) from error
    return Encapsulation(scalar, group.base_mult(scalar), shared)


def bind(header: Header, sealed: Encapsulation, secret: bytes | None, entropy: Entropy) -> tuple[bytes, Preamble]:
    """Return the payload key of a header that carries U, and its preamble. `secret` as `bidder_secret` gives it."""
    header_hash = header.hash()
    envelope = _envelope_secret(header.policy, header_hash, sealed.shared, secret)
    key, commitment = payload_keys(envelope)
    wrap = None
    if header.policy is OpeningPolicy.QUORUM_OR_BIDDER:
        wrap = _xor(envelope, _expand_secret(_needed(secret), _WRAP + header_hash))
    return key, Preamble(prove(sealed, header_hash, entropy), commitment, wrap)


def prove(sealed: Encapsulation, header_hash: bytes, entropy: Entropy) -> bytes:
    """Return the proof (64 bytes) that the sealer of this header knows r."""
    return group.prove_knowledge(sealed.scalar, sealed.point, _PROOF + header_hash, entropy)


def verify(header: Header, preamble: Preamble) -> None:
    """Check U, its proof, and that there is a wrap where there must be; no share may be computed before this.

    Raises GgzyError ``bid.bad_point``, ``bid.bad_proof``, ``bid.bad_wrap``.
    """
    kind = header.kind.value
    if (preamble.wrap is None) == (header.policy is OpeningPolicy.QUORUM_OR_BIDDER):
        raise GgzyError("bid.bad_wrap", Kind.INTEGRITY, envelope=kind)
    verify_proof(header.point, preamble.proof, header.hash(), kind)


def verify_proof(point: bytes, proof: bytes, header_hash: bytes, envelope: str) -> None:
    """Check a point U and the proof of its r for the header of this hash; `envelope` is named in the refusal.

    Raises GgzyError ``bid.bad_point``, ``bid.bad_proof``.
    """
    try:
        group.check_point(point)
    except GgzyError as error:
        raise GgzyError("bid.bad_point", Kind.INTEGRITY, envelope=envelope) from error
    try:
        group.verify_knowledge(point, proof, _PROOF + header_hash)
    except GgzyError as error:
        raise GgzyError("bid.bad_proof", Kind.INTEGRITY, envelope=envelope) from error


def bidder_secret(master: bytes, header: Header) -> bytes:
    """Return the bidder's secret of one envelope (32 bytes), from the 32-byte secret of their key file.

    This is what a bidder hands over at the opening; it says nothing about their other envelopes.
    """
    return _expand_secret(master, _BIDDER + header.hash())


def unlock(header: Header, preamble: Preamble, shared: bytes, secret: bytes | None = None) -> bytes:
    """Return the payload key from K, with the bidder's secret if the policy is quorum_and_bidder.

    Raises GgzyError ``bid.bidder_secret_missing`` or ``bid.bad_commitment``: K, secret and header do not
    belong together.
    """
    return _committed(_envelope_secret(header.policy, header.hash(), shared, secret), header, preamble)


def unlock_alone(header: Header, preamble: Preamble, secret: bytes) -> bytes:
    """Return the payload key from the bidder's secret alone, where the policy is quorum_or_bidder.

    Raises GgzyError ``bid.needs_quorum`` under another policy, or ``bid.bad_commitment``.
    """
    if header.policy is not OpeningPolicy.QUORUM_OR_BIDDER or preamble.wrap is None:
        raise GgzyError("bid.needs_quorum", Kind.FORBIDDEN, envelope=header.kind.value)
    mask = _expand_secret(_needed(secret), _WRAP + header.hash())
    return _committed(_xor(preamble.wrap, mask), header, preamble)


def envelope_secret(material: bytes, header_hash: bytes) -> bytes:
    """Return the envelope secret E from K, or from K ‖ the bidder's secret."""
    return _expand_secret(material, _ENVELOPE + header_hash)


def payload_keys(envelope: bytes) -> tuple[bytes, bytes]:
    """Return payload key and key commitment from the envelope secret E, 32 bytes each."""
    both = HKDFExpand(SHA256(), 64, _PAYLOAD).derive(envelope)
    return both[:32], both[32:]


def _envelope_secret(policy: OpeningPolicy, header_hash: bytes, shared: bytes, secret: bytes | None) -> bytes:
    material = shared + _needed(secret) if policy is OpeningPolicy.QUORUM_AND_BIDDER else shared
    return envelope_secret(material, header_hash)


def _committed(envelope: bytes, header: Header, preamble: Preamble) -> bytes:
    key, commitment = payload_keys(envelope)
    if not hmac.compare_digest(commitment, preamble.commitment):
        raise GgzyError("bid.bad_commitment", Kind.INTEGRITY, envelope=header.kind.value)
    return key


def _expand_secret(material: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, 32 bytes."""
    return HKDF(SHA256(), 32, None, info).derive(material)


def _needed(secret: bytes | None) -> bytes:
    if secret is None or len(secret) != SECRET_SIZE:
        raise GgzyError("bid.bidder_secret_missing", Kind.INVALID)
    return secret


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
