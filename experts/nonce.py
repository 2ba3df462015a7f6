"""A participant's nonce: committed to, signed, and sealed to the lot's opening key so that nobody can hold it back.

The commitment message is signed canonical JSON (`bidding.signed`), ``ggzy/draw-commitment/v1``; in it the nonce is a
`bidding.sealed_secret`, whose context is the rest of the message. After the release time any k custodians open it; that
it is the right one shows its commitment. Reveals and shares are signed and name the seed, so that the seed cannot be
chosen again once a nonce is known. Format: docs/spec/draw.md.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from nacl.signing import SigningKey

from bidding import opening, sealed_secret, signed
from bidding.sealed_secret import SealedSecret
from bidding.transcript import OpeningKey
from bidding.wire import Hash, Identifier, Moment, Pair
from experts.draw import commit_nonce
from kernel import canonical
from kernel.clock import isoformat, parse
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

COMMITMENT = "ggzy/draw-commitment/v1"
REVEAL = "ggzy/draw-reveal/v1"
SHARE = "ggzy/draw-share/v1"
MAX_MESSAGE = 8192
_SEED = b"ggzy/draw-seed/v1\0"

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
    sealed: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+\Z")]

    def secret(self) -> SealedSecret:
        """Return the sealed nonce; GgzyError ``secret.malformed``."""
        return sealed_secret.parse_secret(bytes.fromhex(self.sealed))


class Reveal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A participant's nonce, given for one seed only."""

    format: Literal["ggzy/draw-reveal/v1"]
    draw: Identifier
    nonce: Hash
    seed: Hash


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian's answer for one sealed nonce and one seed: D = x·U and the proof of equal logarithms."""

    format: Literal["ggzy/draw-share/v1"]
    draw: Identifier
    seed: Hash
    role: Side
    custodian: int
    partial: Hash
    proof: Pair


def commit(plan: Plan, role: str, nonce: bytes, device: SigningKey, entropy: Entropy) -> bytes:
    """Return the signed commitment message of a 32-byte nonce."""
    fields = _fields(plan, role, commit_nonce(plan.draw, role, nonce))
    sealed = sealed_secret.seal_secret(
        nonce,
        plan.public_key,
        plan.key_hash,
        context=canonical.encode(fields),
        release=plan.release,
        entropy=entropy,
    )
    return signed.write({**fields, "sealed": sealed.hex()}, device)


def read(message: bytes, device_key: bytes) -> Commitment:
    """Parse a message, check its signature and the sealed nonce's proof and binding.

    Raises ``draw.bad_commitment``, ``signed.bad_signature`` and those of `sealed_secret.check_secret`.
    """
    parsed, commitment = _parse(message, COMMITMENT, Commitment, "draw.bad_commitment")
    signed.verify(parsed, device_key)
    _check_sealed(commitment)
    found: Commitment = commitment
    return found


def belongs(commitment: Commitment, plan: Plan) -> GgzyError | None:
    """Return None if the message is for exactly this draw, roster, release time and key, else ``draw.other_draw``."""
    expected = _fields(plan, commitment.role, bytes.fromhex(commitment.commitment))
    found = msgspec.to_builtins(commitment)
    for name, value in expected.items():
        if found[name] != value:
            return GgzyError("draw.other_draw", Kind.INTEGRITY, field=name)
    return None


def seed_digest(draw: UUID, checkpoint: str, beacon: bytes | None) -> bytes:
    """Return the 32 bytes that name a seed: the note of ``draw.fixed`` and the beacon's signature, if one was named."""
    told = {"beacon": None if beacon is None else beacon.hex(), "checkpoint": checkpoint, "draw": str(draw)}
    return hashlib.sha256(_SEED + canonical.encode(told)).digest()


def reveal(draw: UUID, nonce: bytes, seed: bytes, device: SigningKey) -> bytes:
    """Return the signed reveal of a nonce for a seed. A device must never sign a second seed for a draw."""
    return signed.write({"draw": str(draw), "format": REVEAL, "nonce": nonce.hex(), "seed": seed.hex()}, device)


def read_reveal(message: bytes, commitment: Commitment, device_key: bytes, seed: bytes) -> bytes:
    """Return the nonce of a reveal by the device that committed, for this seed.

    Raises ``draw.bad_reveal``, ``signed.bad_signature``, ``draw.other_seed``, ``draw.wrong_nonce``.
    """
    parsed, found = _parse(message, REVEAL, Reveal, "draw.bad_reveal")
    signed.verify(parsed, device_key)
    if found.draw != commitment.draw:
        raise GgzyError("draw.bad_reveal", Kind.INTEGRITY)
    _same_seed(found.seed, seed)
    nonce = bytes.fromhex(found.nonce)
    check_reveal(commitment, nonce)
    return nonce


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
    seed: bytes,
    now: datetime,
    entropy: Entropy,
) -> bytes:
    """Return a custodian's signed share for a sealed nonce, made on their device for one seed only.

    Raises ``draw.not_released`` before the release time, ``draw.other_key`` when it was sealed to another key.
    """
    if now < parse(commitment.release):
        raise GgzyError("draw.not_released", Kind.CONFLICT, release=commitment.release)
    _same_key(commitment, key)
    sealed = _check_sealed(commitment)
    context = opening.share_context(key.key_hash, sealed.hash(), custodian)
    image, proof = opening.partial(share, sealed.point, context, entropy)
    fields = {
        "custodian": custodian,
        "draw": commitment.draw,
        "format": SHARE,
        "partial": image.hex(),
        "proof": proof.hex(),
        "role": commitment.role,
        "seed": seed.hex(),
    }
    return signed.write(fields, device)


def check_share(message: bytes, commitment: Commitment, key: OpeningKey, seed: bytes) -> tuple[int, bytes]:
    """Check a custodian's answer and return their number and D.

    Raises ``draw.bad_share`` naming the custodian, ``draw.other_key``, ``draw.other_seed``, ``signed.bad_signature``.
    """
    _same_key(commitment, key)
    parsed, share = _parse(message, SHARE, Share, "draw.bad_commitment")
    number = share.custodian
    if (share.draw, share.role) != (commitment.draw, commitment.role) or not 1 <= number <= len(key.custodians):
        raise GgzyError("draw.bad_share", Kind.INTEGRITY, custodian=number)
    signed.verify(parsed, bytes.fromhex(key.custodians[number - 1].device_key))
    _same_seed(share.seed, seed)
    image = bytes.fromhex(share.partial)
    sealed = commitment.secret()
    context = opening.share_context(key.key_hash, sealed.hash(), number)
    verification = key.verification_shares[number - 1]
    try:
        opening.check_partial(verification, sealed.point, image, bytes.fromhex(share.proof), context)
    except GgzyError as error:
        raise GgzyError("draw.bad_share", Kind.INTEGRITY, custodian=number) from error
    return number, image


def recover(commitment: Commitment, images: Mapping[int, bytes], key: OpeningKey) -> bytes:
    """Return the nonce from the quorum's checked D; raises when it was sealed wrongly or is another."""
    shared = opening.combine(images, key.threshold)
    nonce = sealed_secret.open_secret(commitment.secret(), shared)
    check_reveal(commitment, nonce)
    return nonce


def _fields(plan: Plan, role: str, committed: bytes) -> dict[str, Any]:
    return {
        "commitment": committed.hex(),
        "draw": str(plan.draw),
        "format": COMMITMENT,
        "key": plan.key_hash.hex(),
        "lot": str(plan.lot),
        "release": isoformat(plan.release),
        "role": role,
        "roster": plan.roster.hex(),
        "round": plan.round,
        "tender": str(plan.tender),
    }


def _check_sealed(commitment: Commitment) -> SealedSecret:
    fields = {name: value for name, value in msgspec.to_builtins(commitment).items() if name != "sealed"}
    sealed = commitment.secret()
    try:
        release = parse(commitment.release)
    except ValueError as error:
        raise GgzyError("draw.bad_commitment", Kind.INTEGRITY) from error
    key_hash = bytes.fromhex(commitment.key)
    sealed_secret.check_secret(sealed, key=key_hash, context=canonical.encode(fields), release=release)
    return sealed


def _same_key(commitment: Commitment, key: OpeningKey) -> None:
    if not hmac.compare_digest(bytes.fromhex(commitment.key), key.key_hash):
        raise GgzyError("draw.other_key", Kind.INTEGRITY)


def _same_seed(named: str, seed: bytes) -> None:
    if not hmac.compare_digest(named, seed.hex()):
        raise GgzyError("draw.other_seed", Kind.INTEGRITY)


def _parse(message: bytes, name: str, shape: type[Any], code: str) -> tuple[signed.Signed, Any]:
    try:
        parsed = signed.read(message, name, limit=MAX_MESSAGE)
        return parsed, msgspec.convert(parsed.fields, shape)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError(code, Kind.INTEGRITY) from error
