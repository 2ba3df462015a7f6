"""Signed canonical JSON: one self-contained message of a custodian's device.

The message is a canonical JSON object (RFC 8785) that names its ``format`` and ends in ``signature``: Ed25519 by the
device key over ``format ‖ 00 ‖ canonical JSON of the object without its signature``. Specification:
docs/spec/opening-key.md, "Messages".
"""

import re
from dataclasses import dataclass
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from kernel import canonical
from kernel.errors import GgzyError, Kind

_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z")


@dataclass(frozen=True, slots=True)
class Signed:
    """A parsed message: its fields without the signature, the bytes that were signed, and the 64-byte signature."""

    fields: dict[str, Any]
    message: bytes
    signature: bytes


def write(fields: dict[str, Any], device: SigningKey) -> bytes:
    """Return the canonical bytes of the fields with the device's signature; `fields` name their ``format``."""
    signature = device.sign(message_of(fields)).signature
    return canonical.encode({**fields, "signature": signature.hex()})


def message_of(fields: dict[str, Any]) -> bytes:
    """Return what is signed: format ‖ 00 ‖ canonical JSON of the fields."""
    return f"{fields['format']}\0".encode() + canonical.encode(fields)


def read(data: bytes, form: str, *, limit: int) -> Signed:
    """Parse a message of this format, of at most `limit` bytes; the signature is not checked yet.

    Raises GgzyError ``signed.malformed``.
    """
    fields = decode(data, form, limit=limit)
    signature = fields.pop("signature", None)
    if not isinstance(signature, str) or not _SIGNATURE.match(signature):
        raise GgzyError("signed.malformed", Kind.INTEGRITY, format=form)
    return Signed(fields, message_of(fields), bytes.fromhex(signature))


def decode(data: bytes, form: str, *, limit: int) -> dict[str, Any]:
    """Parse a canonical JSON object that names this format; ``signed.malformed`` for anything else."""
    try:
        fields = canonical.decode(data) if len(data) <= limit else None
    except GgzyError as error:
        raise GgzyError("signed.malformed", Kind.INTEGRITY, format=form) from error
    if not isinstance(fields, dict) or fields.get("format") != form:
        raise GgzyError("signed.malformed", Kind.INTEGRITY, format=form)
    return fields


def verify(signed: Signed, device_key: bytes) -> None:
    """Check the signature against a 32-byte Ed25519 device key; raises ``signed.bad_signature``."""
    check(signed.message, signed.signature, device_key)


def check(message: bytes, signature: bytes, device_key: bytes) -> None:
    """Check a bare signature over a message; raises ``signed.bad_signature``."""
    try:
        VerifyKey(device_key).verify(message, signature)
    except (BadSignatureError, ValueError, TypeError) as error:
        raise GgzyError("signed.bad_signature", Kind.INTEGRITY) from error
