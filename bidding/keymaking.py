"""Making opening keys together: what each custodian's device computes, as pure functions of the messages so far.

Distributed key generation after C2SP cocktail-dkg 0.2.1: Feldman commitments with proofs of possession and encrypted
shares (`deal`), checking what came (`receive`), and a transcript that every custodian certifies (`bidding.transcript`).
No state is kept between the rounds: a device that stops starts again from the messages. No private key ever exists
anywhere. Specification: docs/spec/opening-key.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Annotated, Any

import msgspec
from nacl.signing import SigningKey

from bidding import group, keybox, keysetup, polynomial, signed
from bidding.keysetup import Hex32, Hex64, Index, Setup
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/key-deal/v1"
MAX_BYTES = 512 << 10
_POSSESSION = b"ggzy/key-possession/v1\0"
_EPHEMERAL = b"ggzy/key-ephemeral/v1\0"


class KeyPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dealer's public part of one key.

    `threshold` commitments and the proof of possession of the first's logarithm.
    """

    commitments: tuple[Hex32, ...]
    proof: Hex64

    @property
    def points(self) -> tuple[bytes, ...]:
        """The commitments as points."""
        return tuple(bytes.fromhex(text) for text in self.commitments)


class Deal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dealer's only message: for each key its part, for each custodian a box with the shares of all keys."""

    format: str
    setup: Hex32
    dealer: Index
    ephemeral: Hex32
    ephemeral_proof: Hex64
    keys: tuple[KeyPart, ...]
    boxes: tuple[Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]*\Z")], ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A deal that passed every public check, with the hex SHA-256 of the whole message."""

    deal: Deal
    digest: str


@dataclass(frozen=True, slots=True)
class Received:
    """What a custodian holds after all deals fit: its shares x_i, one for each key of the batch, and the deals."""

    index: int
    deals: tuple[Checked, ...]
    shares: tuple[bytes, ...] = field(repr=False)


def deal(setup: Setup, device: SigningKey, entropy: Entropy) -> bytes:
    """Return this custodian's signed deal: random polynomials, their commitments, shares for every custodian."""
    index = setup.index_of(bytes(device.verify_key))
    ephemeral = group.random_scalar(entropy)
    public = group.base_mult(ephemeral)
    polynomials = [polynomial.draw(setup.threshold, entropy) for _ in range(setup.count)]
    known = group.prove_knowledge(ephemeral, public, _ephemeral_context(setup, index), entropy)
    fields = {
        "format": FORMAT,
        "setup": keysetup.digest(setup).hex(),
        "dealer": index,
        "ephemeral": public.hex(),
        "ephemeral_proof": known.hex(),
        "keys": _parts(setup, index, public, polynomials, entropy),
        "boxes": _boxes(setup, index, ephemeral, polynomials),
    }
    return signed.write(fields, device)


def check_deal(setup: Setup, data: bytes) -> Checked:
    """Check everything about a deal that anybody can: form, setup, signature, points, proofs.

    Raises ``keymaking.malformed``, ``keymaking.wrong_setup``, ``keymaking.not_a_custodian``, and naming the dealer
    ``keymaking.bad_signature``, ``keymaking.bad_deal`` or ``keymaking.bad_proof``.
    """
    message, parsed = _parse(data)
    if parsed.setup != keysetup.digest(setup).hex():
        raise GgzyError("keymaking.wrong_setup", Kind.INTEGRITY)
    device_key = setup.device_key(parsed.dealer)
    try:
        signed.verify(message, device_key)
    except GgzyError as error:
        raise GgzyError("keymaking.bad_signature", Kind.INTEGRITY, custodian=parsed.dealer) from error
    box = 2 * (setup.count * group.SCALAR_BYTES + keybox.TAG_BYTES)
    if (
        len(parsed.keys) != setup.count
        or any(len(part.commitments) != setup.threshold for part in parsed.keys)
        or [len(text) for text in parsed.boxes] != [box] * setup.size
    ):
        raise GgzyError("keymaking.bad_deal", Kind.INTEGRITY, dealer=parsed.dealer)
    check_proofs(setup, parsed.dealer, parsed.ephemeral, parsed.ephemeral_proof, parsed.keys)
    return Checked(parsed, hashlib.sha256(data).hexdigest())


def check_proofs(setup: Setup, dealer: int, ephemeral: str, proof: str, parts: Sequence[KeyPart]) -> None:
    """Check a dealer's points and its proofs of knowledge (hex); ``keymaking.bad_deal`` or ``keymaking.bad_proof``."""
    public = bytes.fromhex(ephemeral)
    try:
        for point in (public, *(point for part in parts for point in part.points)):
            group.check_point(point)
    except GgzyError as error:
        raise GgzyError("keymaking.bad_deal", Kind.INTEGRITY, dealer=dealer) from error
    try:
        group.verify_knowledge(public, bytes.fromhex(proof), _ephemeral_context(setup, dealer))
        for number, part in enumerate(parts):
            bound = _possession_context(setup, dealer, public, number, part.points)
            group.verify_knowledge(part.points[0], bytes.fromhex(part.proof), bound)
    except GgzyError as error:
        raise GgzyError("keymaking.bad_proof", Kind.INTEGRITY, dealer=dealer) from error


def collect(setup: Setup, messages: Sequence[bytes]) -> tuple[Checked, ...]:
    """Check one deal from each custodian and return them in order.

    Raises what `check_deal` does, and ``keymaking.deals_missing`` when one is missing or given twice.
    """
    deals = sorted((check_deal(setup, message) for message in messages), key=lambda item: item.deal.dealer)
    if [item.deal.dealer for item in deals] != list(range(1, setup.size + 1)):
        raise GgzyError("keymaking.deals_missing", Kind.CONFLICT)
    return tuple(deals)


def receive(setup: Setup, device: SigningKey, messages: Sequence[bytes]) -> Received:
    """Open and check this custodian's shares from all deals; their sums are its shares of the keys.

    Raises what `collect` does, and ``keymaking.bad_share`` naming the dealer whose box does not open or whose share
    does not fit; `bidding.complaint.write` then makes the evidence.
    """
    index = setup.index_of(bytes(device.verify_key))
    deals = collect(setup, messages)
    dealt = [_open_box(setup, device, index, item.deal) for item in deals]
    shares = tuple(reduce(group.scalar_add, column) for column in zip(*dealt, strict=True))
    return Received(index, deals, tuple(group.check_scalar(share) for share in shares))


def pair(setup: Setup, ephemeral: bytes, dealer: int, custodian: int) -> keybox.Pair:
    """Return the public sides of the box from a dealer to a custodian."""
    return keybox.Pair(keysetup.context(setup), ephemeral, setup.device_key(dealer), setup.device_key(custodian))


def misfit(item: Deal, custodian: int, plaintext: bytes) -> bool:
    """Tell whether an opened box holds a share that does not fit the dealer's commitments, whichever key it is of."""
    pairs = zip(_split(plaintext), item.keys, strict=True)
    return not all(polynomial.fits(share, part.points, custodian) for share, part in pairs)


def _open_box(setup: Setup, device: SigningKey, index: int, item: Deal) -> list[bytes]:
    sides = pair(setup, bytes.fromhex(item.ephemeral), item.dealer, index)
    try:
        plaintext = keybox.open_with(sides, keybox.shared_point(sides, device), bytes.fromhex(item.boxes[index - 1]))
    except GgzyError as error:
        raise GgzyError("keymaking.bad_share", Kind.INTEGRITY, dealer=item.dealer) from error
    if misfit(item, index, plaintext):
        raise GgzyError("keymaking.bad_share", Kind.INTEGRITY, dealer=item.dealer)
    return _split(plaintext)


def _parts(
    setup: Setup, dealer: int, ephemeral: bytes, polynomials: Sequence[Sequence[bytes]], entropy: Entropy
) -> list[dict[str, Any]]:
    parts = []
    for number, drawn in enumerate(polynomials):
        points = polynomial.commit(drawn)
        bound = _possession_context(setup, dealer, ephemeral, number, points)
        proof = group.prove_knowledge(drawn[0], points[0], bound, entropy)
        parts.append({"commitments": [point.hex() for point in points], "proof": proof.hex()})
    return parts


def _boxes(setup: Setup, dealer: int, ephemeral: bytes, polynomials: Sequence[Sequence[bytes]]) -> list[str]:
    """Seal the shares of every custodian, the dealer's own among them, so that no state is kept between the rounds."""
    boxes = []
    for to in range(1, setup.size + 1):
        shares = b"".join(polynomial.evaluate(drawn, to) for drawn in polynomials)
        boxes.append(keybox.seal(pair(setup, group.base_mult(ephemeral), dealer, to), ephemeral, shares).hex())
    return boxes


def _split(plaintext: bytes) -> list[bytes]:
    return [plaintext[i : i + group.SCALAR_BYTES] for i in range(0, len(plaintext), group.SCALAR_BYTES)]


def _possession_context(setup: Setup, dealer: int, ephemeral: bytes, number: int, points: Sequence[bytes]) -> bytes:
    place = dealer.to_bytes(4, "big") + number.to_bytes(4, "big")
    return b"".join((_POSSESSION, keysetup.context(setup), place, ephemeral, *points))


def _ephemeral_context(setup: Setup, dealer: int) -> bytes:
    return _EPHEMERAL + keysetup.context(setup) + dealer.to_bytes(4, "big")


def _parse(data: bytes) -> tuple[signed.Signed, Deal]:
    try:
        message = signed.read(data, FORMAT, limit=MAX_BYTES)
        return message, msgspec.convert(message.fields, Deal)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("keymaking.malformed", Kind.INTEGRITY) from error
