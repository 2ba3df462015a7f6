"""A custodian's signed answer to an opening request: one share with proof for each envelope, or why there is none.

Format ``ggzy/opening-shares/v1``. The answer has exactly the envelopes of the request in its order; a custodian's
device refuses single envelopes whose proof fails, so that one bad bid never stops the others. Specification:
docs/spec/opening.md, "Answer".
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from nacl.signing import SigningKey

from bidding import encapsulation, opening, signed
from bidding.keysetup import Index
from bidding.manifest import Envelope
from bidding.transcript import OpeningKey
from bidding.wire import Hash, Pair
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/opening-shares/v1"
MAX_BYTES = 8 << 20

_Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z_.]{1,80}\Z")]


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One envelope by its header's hash: D and its proof, or the code for which the device gave none."""

    header: Hash
    image: Hash | None
    proof: Pair | None
    refused: _Code | None


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    request: Hash
    key: Hash
    custodian: Index
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: D by the hash of the header, and the codes of the envelopes that the device refused."""

    custodian: int
    images: Mapping[bytes, bytes] = field(repr=False)
    refused: Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class Question:
    """What is answered: the digest of the request, the opening key, the envelopes to open in their order."""

    request: bytes
    key: OpeningKey
    envelopes: Sequence[Envelope]


def write(question: Question, custodian: int, share: bytes, device: SigningKey, entropy: Entropy) -> bytes:
    """Return the signed answer of a custodian whose share of the key is x_i; each U's proof is checked first."""
    fields = _Wire(
        format=FORMAT,
        request=question.request.hex(),
        key=question.key.key_hash.hex(),
        custodian=custodian,
        shares=tuple(_share(question.key, envelope, custodian, share, entropy) for envelope in question.envelopes),
    )
    return signed.write(msgspec.to_builtins(fields), device)


def check(data: bytes, question: Question) -> Answer:
    """Check an answer: form, request, key, signature, every share.

    Raises ``shares.malformed``, ``shares.other_request``, ``shares.other_key``, ``shares.not_a_custodian`` and, naming
    the custodian, ``shares.bad_signature``, ``shares.other_envelopes`` or ``shares.bad_share`` with the header's hash.
    """
    message, wire = _parse(data)
    if not hmac.compare_digest(wire.request, question.request.hex()):
        raise GgzyError("shares.other_request", Kind.CONFLICT)
    if not hmac.compare_digest(wire.key, question.key.key_hash.hex()):
        raise GgzyError("shares.other_key", Kind.CONFLICT)
    index = wire.custodian
    if index > len(question.key.custodians):
        raise GgzyError("shares.not_a_custodian", Kind.INTEGRITY)
    try:
        signed.verify(message, bytes.fromhex(question.key.custodians[index - 1].device_key))
    except GgzyError as error:
        raise GgzyError("shares.bad_signature", Kind.INTEGRITY, custodian=index) from error
    hashes = [envelope.header.hash() for envelope in question.envelopes]
    if [share.header for share in wire.shares] != [found.hex() for found in hashes]:
        raise GgzyError("shares.other_envelopes", Kind.INTEGRITY, custodian=index)
    images, refused = {}, {}
    for envelope, share, found in zip(question.envelopes, wire.shares, hashes, strict=True):
        if share.refused is None:
            images[found] = _checked(question.key, envelope, index, share)
        else:
            refused[found] = share.refused
    return Answer(index, images, refused)


def _share(key: OpeningKey, envelope: Envelope, custodian: int, share: bytes, entropy: Entropy) -> Share:
    header_hash = envelope.header.hash()
    try:
        encapsulation.verify(envelope.header, envelope.preamble)
    except GgzyError as error:
        return Share(header_hash.hex(), None, None, error.code)
    context = opening.share_context(key.key_hash, header_hash, custodian)
    image, proof = opening.partial(share, envelope.header.point, context, entropy)
    return Share(header_hash.hex(), image.hex(), proof.hex(), None)


def _checked(key: OpeningKey, envelope: Envelope, index: int, share: Share) -> bytes:
    """Return a share's D, or blame its custodian."""
    header_hash = envelope.header.hash()
    context = opening.share_context(key.key_hash, header_hash, index)
    image, proof = bytes.fromhex(share.image or ""), bytes.fromhex(share.proof or "")
    try:
        opening.check_partial(key.verification_shares[index - 1], envelope.header.point, image, proof, context)
    except GgzyError as error:
        raise GgzyError("shares.bad_share", Kind.INTEGRITY, custodian=index, header=header_hash.hex()) from error
    return image


def _parse(data: bytes) -> tuple[signed.Signed, _Wire]:
    try:
        message = signed.read(data, FORMAT, limit=MAX_BYTES)
        wire = msgspec.convert(message.fields, _Wire)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("shares.malformed", Kind.INTEGRITY) from error
    for share in wire.shares:
        if (share.image is None) != (share.proof is None) or (share.image is None) == (share.refused is None):
            raise GgzyError("shares.malformed", Kind.INTEGRITY)
    return message, wire
