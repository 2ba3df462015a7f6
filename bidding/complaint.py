"""A custodian's complaint that a dealer sent it a share that does not fit, with evidence that anybody can check.

The evidence is the shared point of that one box with a proof that it belongs to the complaining device: whoever holds
the dealer's signed deal opens the box with it and sees for himself. A true complaint names the dealer and ends the key
making; a false one is refused. Specification: docs/spec/opening-key.md, "Complaints".
"""

import msgspec
from nacl.signing import SigningKey

from bidding import keybox, keymaking, keysetup, signed
from bidding.keysetup import Hex32, Hex64, Index, Setup
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/key-complaint/v1"
MAX_BYTES = 4 << 10


class Complaint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who complains about whose deal (its hex SHA-256), with the shared point of the box and its proof."""

    format: str
    setup: Hex32
    custodian: Index
    dealer: Index
    deal: Hex32
    shared: Hex32
    proof: Hex64


def write(setup: Setup, device: SigningKey, deal: bytes, entropy: Entropy) -> bytes:
    """Return the signed complaint about a deal.

    To be written after `keymaking.receive` raised ``keymaking.bad_share``.
    """
    accuser = setup.index_of(bytes(device.verify_key))
    checked = keymaking.check_deal(setup, deal)
    sides = keymaking.pair(setup, bytes.fromhex(checked.deal.ephemeral), checked.deal.dealer, accuser)
    shared, proof = keybox.reveal(sides, device, entropy)
    fields = Complaint(
        format=FORMAT,
        setup=keysetup.digest(setup).hex(),
        custodian=accuser,
        dealer=checked.deal.dealer,
        deal=checked.digest,
        shared=shared.hex(),
        proof=proof.hex(),
    )
    return signed.write(msgspec.to_builtins(fields), device)


def accused(data: bytes) -> int:
    """Return the number of the dealer whom a complaint names, unchecked; ``complaint.malformed``."""
    return _parse(data)[1].dealer


def check(setup: Setup, deal: bytes, data: bytes) -> Complaint:
    """Return the complaint if it proves that the dealer lied in this deal.

    Raises ``keymaking.wrong_setup``, ``complaint.malformed``, ``complaint.bad_signature`` or, when the evidence does
    not show a bad share, ``complaint.false`` naming the custodian who complained.
    """
    message, complaint = _parse(data)
    if complaint.setup != keysetup.digest(setup).hex():
        raise GgzyError("keymaking.wrong_setup", Kind.INTEGRITY)
    try:
        signed.verify(message, setup.device_key(complaint.custodian))
    except GgzyError as error:
        raise GgzyError("complaint.bad_signature", Kind.INTEGRITY, custodian=complaint.custodian) from error
    checked = keymaking.check_deal(setup, deal)
    if (checked.digest, checked.deal.dealer) != (complaint.deal, complaint.dealer):
        raise GgzyError("complaint.false", Kind.INTEGRITY, custodian=complaint.custodian)
    if not _proves(setup, checked.deal, complaint):
        raise GgzyError("complaint.false", Kind.INTEGRITY, custodian=complaint.custodian)
    return complaint


def _proves(setup: Setup, item: keymaking.Deal, complaint: Complaint) -> bool:
    sides = keymaking.pair(setup, bytes.fromhex(item.ephemeral), item.dealer, complaint.custodian)
    shared = bytes.fromhex(complaint.shared)
    try:
        keybox.check_revealed(sides, shared, bytes.fromhex(complaint.proof))
    except GgzyError:
        return False
    try:
        plaintext = keybox.open_with(sides, shared, bytes.fromhex(item.boxes[complaint.custodian - 1]))
    except GgzyError:
        return True
    return keymaking.misfit(item, complaint.custodian, plaintext)


def _parse(data: bytes) -> tuple[signed.Signed, Complaint]:
    try:
        message = signed.read(data, FORMAT, limit=MAX_BYTES)
        return message, msgspec.convert(message.fields, Complaint)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("complaint.malformed", Kind.INTEGRITY) from error
