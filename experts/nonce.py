"""A participant's nonce: committed to, signed, and sealed to the lot's opening key so that nobody can hold it back.

The commitment message is signed canonical JSON (`bidding.signed`), ``ggzy/draw-commitment/v1``; in it the nonce is a
`bidding.sealed_secret`, whose context is the rest of the message. After the release time any k custodians open it; that
it is the right one shows its commitment. Format: docs/spec/draw.md.
"""

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
SHARE = "ggzy/draw-share/v1"
MAX_MESSAGE = 8192

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
    parsed, commitment = _parse(message, COMMITMENT, Commitment)
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
    sealed_secret.check_secret(sealed, transcript=key_hash, context=canonical.encode(fields), release=release)
    return sealed


def _same_key(commitment: Commitment, key: OpeningKey) -> None:
    if not hmac.compare_digest(bytes.fromhex(commitment.key), key.key_hash):
        raise GgzyError("draw.other_key", Kind.INTEGRITY)


def _parse(message: bytes, name: str, shape: type[Any]) -> tuple[signed.Signed, Any]:
    try:
        parsed = signed.read(message, name, limit=MAX_MESSAGE)
        return parsed, msgspec.convert(parsed.fields, shape)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("draw.bad_commitment", Kind.INTEGRITY) from error
