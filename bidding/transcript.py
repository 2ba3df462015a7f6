"""The transcript of a key making: what every custodian certifies, what everybody derives the opening keys from.

`verify_transcript` needs no trust in the server: from the public parts alone it checks every proof and every
custodian's signature and derives public keys and verification shares. A key of the batch is named by its key hash,
which stands in sealed headers. Specification: docs/spec/opening-key.md, "Transcript".
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from nacl.signing import SigningKey

from bidding import group, keymaking, keysetup, polynomial, signed
from bidding.keymaking import Checked, KeyPart, Received
from bidding.keysetup import Custodian, Hex32, Hex64, Index, Setup
from kernel import canonical
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/key-transcript/v1"
CERTIFICATE = "ggzy/key-certificate/v1"
MAX_BYTES = 2 << 20
MAX_CERTIFICATE = 4 << 10
_KEY = b"ggzy/opening-key/v1\0"


class Dealing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dealer's public part as the transcript keeps it: no boxes, but the SHA-256 of the whole message."""

    dealer: Index
    digest: Hex32
    ephemeral: Hex32
    ephemeral_proof: Hex64
    keys: tuple[KeyPart, ...]


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    setup: Hex32
    custodian: Index
    transcript: Hex32


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    setup: dict[str, Any]
    deals: tuple[Dealing, ...]
    signatures: tuple[Hex64, ...]


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """One key of a batch: what bids are sealed to and what shares are checked against.

    `public_key` Y and `verification_shares` X_1 … X_n are points; `key_hash` (32 bytes) names the key in headers;
    `index` is its number in the batch, from 0.
    """

    public_key: bytes
    key_hash: bytes
    transcript: bytes
    index: int
    verification_shares: tuple[bytes, ...]
    threshold: int
    custodians: tuple[Custodian, ...]

    @property
    def devices(self) -> frozenset[bytes]:
        """Return the custodians' device keys."""
        return frozenset(bytes.fromhex(one.device_key) for one in self.custodians)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A verified transcript: its 32-byte hash, the setup, and the keys that follow from it."""

    hash: bytes
    setup: Setup
    keys: tuple[OpeningKey, ...]


def certify(setup: Setup, received: Received, device: SigningKey) -> bytes:
    """Return this custodian's signed certificate: the hash of the transcript as its device has seen it."""
    setup.index_of(bytes(device.verify_key))
    return signed.write(_certificate(setup, received.index, body_hash(setup, received.deals)), device)


def finish(setup: Setup, deals: Sequence[Checked], certificates: Sequence[bytes]) -> bytes:
    """Return the transcript with all signatures, after checking one certificate from each custodian.

    Raises what `check_certificate` does, and ``keymaking.certificates_missing``.
    """
    expected = body_hash(setup, deals)
    signatures = dict(check_certificate(setup, expected, data) for data in certificates)
    if len(signatures) != len(certificates) or sorted(signatures) != list(range(1, setup.size + 1)):
        raise GgzyError("keymaking.certificates_missing", Kind.CONFLICT)
    ordered = [signatures[index].hex() for index in sorted(signatures)]
    return canonical.encode({**_body(setup, deals), "signatures": ordered})


def check_certificate(setup: Setup, transcript_hash: bytes, data: bytes) -> tuple[int, bytes]:
    """Check one certificate and return its custodian's number and signature.

    Raises ``keymaking.malformed``, ``keymaking.wrong_setup``, ``keymaking.not_a_custodian``, and naming the custodian
    ``keymaking.bad_signature`` or ``keymaking.transcripts_differ``: the certificate is then the evidence that two
    custodians were shown different messages.
    """
    try:
        message = signed.read(data, CERTIFICATE, limit=MAX_CERTIFICATE)
        certificate = msgspec.convert(message.fields, _Certificate)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("keymaking.malformed", Kind.INTEGRITY) from error
    if certificate.setup != keysetup.digest(setup).hex():
        raise GgzyError("keymaking.wrong_setup", Kind.INTEGRITY)
    index = certificate.custodian
    _check_signature(setup, index, message.message, message.signature)
    if certificate.transcript != transcript_hash.hex():
        raise GgzyError("keymaking.transcripts_differ", Kind.INTEGRITY, custodian=index)
    return index, message.signature


def verify_transcript(data: bytes) -> Transcript:
    """Check a whole transcript and derive its keys; needs nothing but these bytes.

    Raises ``keymaking.bad_deal``, ``transcript.malformed``, or what the first wrong part raises under ``keymaking.``
    (see docs/spec/opening-key.md). Whether it is *the* transcript is decided by its hash in the trail.
    """
    form = _parse(data)
    setup = keysetup.convert(form.setup)
    numbers = list(range(1, setup.size + 1))
    if [item.dealer for item in form.deals] != numbers or len(form.signatures) != setup.size:
        raise GgzyError("transcript.malformed", Kind.INTEGRITY)
    for item in form.deals:
        if len(item.keys) != setup.count or any(len(part.commitments) != setup.threshold for part in item.keys):
            raise GgzyError("keymaking.bad_deal", Kind.INTEGRITY, dealer=item.dealer)
        keymaking.check_proofs(setup, item.dealer, item.ephemeral, item.ephemeral_proof, item.keys)
    hashed = _hash(_fields(form.setup, form.deals))
    for index, signature in zip(numbers, form.signatures, strict=True):
        message = signed.message_of(_certificate(setup, index, hashed))
        _check_signature(setup, index, message, bytes.fromhex(signature))
    return Transcript(hashed, setup, derive(setup, form.deals, hashed))


def body_hash(setup: Setup, deals: Sequence[Checked]) -> bytes:
    """Return the transcript's hash: SHA-256(format ‖ 00 ‖ canonical transcript without signatures)."""
    return _hash(_body(setup, deals))


def key_hash(transcript_hash: bytes, index: int) -> bytes:
    """Return the name of one key of a batch: SHA-256("ggzy/opening-key/v1" ‖ 00 ‖ transcript hash ‖ u32 index)."""
    return hashlib.sha256(_KEY + transcript_hash + index.to_bytes(4, "big")).digest()


def derive(setup: Setup, deals: Sequence[Dealing], transcript_hash: bytes) -> tuple[OpeningKey, ...]:
    """Derive the batch's keys: Y = ΣC_0 and X_i, the sum of the commitments evaluated at each custodian's number.

    Raises ``group.bad_point`` when one of them is the identity.
    """
    return tuple(_derive(setup, deals, transcript_hash, number) for number in range(setup.count))


def _derive(setup: Setup, deals: Sequence[Dealing], transcript_hash: bytes, number: int) -> OpeningKey:
    total = polynomial.sum_commitments([item.keys[number].points for item in deals])
    shares = tuple(polynomial.evaluate_commitments(total, index) for index in range(1, setup.size + 1))
    return OpeningKey(
        public_key=group.check_point(total[0]),
        key_hash=key_hash(transcript_hash, number),
        transcript=transcript_hash,
        index=number,
        verification_shares=shares,
        threshold=setup.threshold,
        custodians=setup.custodians,
    )


def _parse(data: bytes) -> _Form:
    try:
        fields = signed.decode(data, FORMAT, limit=MAX_BYTES)
        return msgspec.convert(fields, _Form)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("transcript.malformed", Kind.INTEGRITY) from error


def _body(setup: Setup, deals: Sequence[Checked]) -> dict[str, Any]:
    dealings = [
        Dealing(item.deal.dealer, item.digest, item.deal.ephemeral, item.deal.ephemeral_proof, item.deal.keys)
        for item in deals
    ]
    return _fields(msgspec.to_builtins(setup), dealings)


def _fields(setup: dict[str, Any], deals: Sequence[Dealing]) -> dict[str, Any]:
    return {"format": FORMAT, "setup": setup, "deals": msgspec.to_builtins(list(deals))}


def _hash(body: dict[str, Any]) -> bytes:
    return hashlib.sha256(signed.message_of(body)).digest()


def _certificate(setup: Setup, index: int, transcript_hash: bytes) -> dict[str, Any]:
    return {
        "format": CERTIFICATE,
        "setup": keysetup.digest(setup).hex(),
        "custodian": index,
        "transcript": transcript_hash.hex(),
    }


def _check_signature(setup: Setup, index: int, message: bytes, signature: bytes) -> None:
    try:
        signed.check(message, signature, setup.device_key(index))
    except GgzyError as error:
        if error.code != "signed.bad_signature":
            raise
        raise GgzyError("keymaking.bad_signature", Kind.INTEGRITY, custodian=index) from error
