"""A participant's nonce: committed to, signed, and sealed to the lot's opening key so that nobody can hold it back.

The commitment message is signed canonical JSON (`bidding.signed`), ``ggzy/draw-commitment/v1``. U = rB with a proof of
knowledge of r bound to the message's header; the box is the nonce under a mask from K = rY. After the release time any
k custodians find K and with it the nonce; that it is the right one shows its commitment. Format: docs/spec/draw.md.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.signing import SigningKey

from bidding import group, opening, signed
from bidding.transcript import OpeningKey
from bidding.wire import Hash, Identifier, Moment, Pair
from experts.draw import NONCE_SIZE, commit_nonce
from kernel import canonical
from kernel.clock import isoformat, parse
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

COMMITMENT = "ggzy/draw-commitment/v1"
SHARE = "ggzy/draw-share/v1"
MAX_MESSAGE = 8192

_HEADER = b"ggzy/draw-header/v1\0"
_KNOWLEDGE = b"ggzy/draw-encapsulation/v1\0"
_MASK = b"ggzy/draw-mask/v1\0"
_OUTSIDE = ("proof", "box")

Side = Literal["centre", "purchaser", "supervisor"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a participant needs to know of a draw before committing; `key` is the lot's opening key."""

    draw: UUID
    tender: UUID
    lot: UUID
    round: int
    roster: bytes
    release: datetime
    key_hash: bytes
    public_key: bytes


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a commitment message, binary values in hex."""

    format: Literal["ggzy/draw-commitment/v1"]
    draw: Identifier
    tender: Identifier
    lot: Identifier
    round: int
    role: Side
    roster: Hash
    release: Moment
    key: Hash
    commitment: Hash
    point: Hash
    proof: Pair
    box: Hash


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian's answer for one sealed nonce: D = x·U and the proof of equal logarithms."""

    format: Literal["ggzy/draw-share/v1"]
    draw: Identifier
    role: Side
    custodian: int
    partial: Hash
    proof: Pair


def commit(plan: Plan, role: str, nonce: bytes, device: SigningKey, entropy: Entropy) -> bytes:
    """Return the signed commitment message of a 32-byte nonce."""
    scalar = group.random_scalar(entropy)
    point = group.base_mult(scalar)
    header = _header_fields(plan, role, commit_nonce(plan.draw, role, nonce), point)
    hashed = _header_hash(header)
    shared = group.mult(scalar, group.check_point(plan.public_key))
    proof = group.prove_knowledge(scalar, point, _KNOWLEDGE + hashed, entropy)
    fields = {**header, "box": _mask(nonce, shared, hashed).hex(), "proof": proof.hex()}
    return signed.write(fields, device)


def read(message: bytes, device_key: bytes) -> Commitment:
    """Parse a message, check its signature and the proof of knowledge.

    Raises ``draw.bad_commitment``, ``signed.bad_signature``, ``group.bad_point``, ``group.bad_proof``.
    """
    parsed = _parse(message, COMMITMENT, Commitment)
    signed.verify(parsed[0], device_key)
    point = group.check_point(bytes.fromhex(parsed[1].point))
    group.verify_knowledge(point, bytes.fromhex(parsed[1].proof), _KNOWLEDGE + header_hash(parsed[1]))
    return parsed[1]


def belongs(commitment: Commitment, plan: Plan) -> GgzyError | None:
    """Return None if the message is for exactly this draw, roster, release time and key, else ``draw.other_draw``."""
    expected = _header_fields(
        plan, commitment.role, bytes.fromhex(commitment.commitment), bytes.fromhex(commitment.point)
    )
    found = {name: value for name, value in msgspec.to_builtins(commitment).items() if name not in _OUTSIDE}
    for name, value in expected.items():
        if found[name] != value:
            return GgzyError("draw.other_draw", Kind.INTEGRITY, field=name)
    return None


def check_reveal(commitment: Commitment, nonce: bytes) -> None:
    """Check a nonce against its commitment; ``draw.wrong_nonce`` names the role."""
    found = commit_nonce(UUID(commitment.draw), commitment.role, nonce)
    if not hmac.compare_digest(found, bytes.fromhex(commitment.commitment)):
        raise GgzyError("draw.wrong_nonce", Kind.INTEGRITY, role=commitment.role)


def answer(
    commitment: Commitment,
    key: OpeningKey,
    custodian: int,
    share: bytes,
    device: SigningKey,
    *,
    now: datetime,
    entropy: Entropy,
) -> bytes:
    """Return a custodian's signed share for a sealed nonce, made on their device.

    Raises ``draw.not_released`` before the release time, ``draw.other_key`` when it was sealed to another key.
    """
    if now < parse(commitment.release):
        raise GgzyError("draw.not_released", Kind.CONFLICT, release=commitment.release)
    _same_key(commitment, key)
    point = group.check_point(bytes.fromhex(commitment.point))
    hashed = header_hash(commitment)
    group.verify_knowledge(point, bytes.fromhex(commitment.proof), _KNOWLEDGE + hashed)
    context = opening.share_context(key.key_hash, hashed, custodian)
    image, proof = opening.partial(share, point, context, entropy)
    fields = {
        "custodian": custodian,
        "draw": commitment.draw,
        "format": SHARE,
        "partial": image.hex(),
        "proof": proof.hex(),
        "role": commitment.role,
    }
    return signed.write(fields, device)


def check_share(message: bytes, commitment: Commitment, key: OpeningKey) -> tuple[int, bytes]:
    """Check a custodian's answer and return their number and D.

    Raises ``draw.bad_share`` naming the custodian, ``draw.other_key``, ``signed.bad_signature``.
    """
    _same_key(commitment, key)
    parsed, share = _parse(message, SHARE, Share)
    number = share.custodian
    if (share.draw, share.role) != (commitment.draw, commitment.role) or not 1 <= number <= len(key.custodians):
        raise GgzyError("draw.bad_share", Kind.INTEGRITY, custodian=number)
    signed.verify(parsed, bytes.fromhex(key.custodians[number - 1].device_key))
    image = bytes.fromhex(share.partial)
    context = opening.share_context(key.key_hash, header_hash(commitment), number)
    try:
        opening.check_partial(
            key.verification_shares[number - 1],
            bytes.fromhex(commitment.point),
            image,
            bytes.fromhex(share.proof),
            context,
        )
    except GgzyError as error:
        raise GgzyError("draw.bad_share", Kind.INTEGRITY, custodian=number) from error
    return number, image


def recover(commitment: Commitment, images: Mapping[int, bytes], key: OpeningKey) -> bytes:
    """Return the nonce from the quorum's checked D; raises ``draw.wrong_nonce`` when the box holds something else."""
    shared = opening.combine(images, key.threshold)
    nonce = _mask(bytes.fromhex(commitment.box), shared, header_hash(commitment))
    check_reveal(commitment, nonce)
    return nonce


def header_hash(commitment: Commitment) -> bytes:
    """Return SHA-256 of the context and the canonical fields without proof and box: what the sealing is bound to."""
    fields = msgspec.to_builtins(commitment)
    return _header_hash({name: value for name, value in fields.items() if name not in _OUTSIDE})


def _header_fields(plan: Plan, role: str, committed: bytes, point: bytes) -> dict[str, Any]:
    return {
        "commitment": committed.hex(),
        "draw": str(plan.draw),
        "format": COMMITMENT,
        "key": plan.key_hash.hex(),
        "lot": str(plan.lot),
        "point": point.hex(),
        "release": isoformat(plan.release),
        "role": role,
        "roster": plan.roster.hex(),
        "round": plan.round,
        "tender": str(plan.tender),
    }


def _header_hash(fields: dict[str, Any]) -> bytes:
    return hashlib.sha256(_HEADER + canonical.encode(fields)).digest()


def _mask(data: bytes, shared: bytes, hashed: bytes) -> bytes:
    mask = HKDF(SHA256(), NONCE_SIZE, None, _MASK + hashed).derive(shared)
    return bytes(a ^ b for a, b in zip(data, mask, strict=True))


def _same_key(commitment: Commitment, key: OpeningKey) -> None:
    if not hmac.compare_digest(bytes.fromhex(commitment.key), key.key_hash):
        raise GgzyError("draw.other_key", Kind.INTEGRITY)


def _parse(message: bytes, name: str, shape: type[Any]) -> tuple[signed.Signed, Any]:
    try:
        parsed = signed.read(message, name, limit=MAX_MESSAGE)
        return parsed, msgspec.convert(parsed.fields, shape)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("draw.bad_commitment", Kind.INTEGRITY) from error
