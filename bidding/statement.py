"""What a bidder signs about a bid it has handed in: its withdrawal, or that it stands under a moved deadline. Pure.

Both are signed messages (`bidding.signed`) that name lot, bid, the bid's receipt and the deadline in force, so that
none can be used for another bid or again after the deadline has moved once more. Specified in
docs/spec/submission.md.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from nacl.signing import SigningKey

from bidding import signed
from bidding.tables import CONFIRMATION, WITHDRAWAL
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind

FORMATS = {WITHDRAWAL: "ggzy/withdrawal/v1", CONFIRMATION: "ggzy/confirmation/v1"}
MAX_SIZE = 4096


def fields(kind: str, *, lot: UUID, bid: UUID, receipt: bytes, deadline: datetime) -> dict[str, str]:
    """Return what a statement says; `receipt` is the digest of the bid's receipt, `deadline` the one in force."""
    return {
        "bid": str(bid),
        "deadline": isoformat(deadline),
        "format": FORMATS[kind],
        "lot": str(lot),
        "receipt": receipt.hex(),
    }


def write(kind: str, device: SigningKey, *, lot: UUID, bid: UUID, receipt: bytes, deadline: datetime) -> bytes:
    """Return the canonical bytes of a statement signed by a device."""
    said = fields(kind, lot=lot, bid=bid, receipt=receipt, deadline=deadline)
    return signed.write(dict(said), device)


def check(kind: str, statement: bytes, expected: dict[str, str], device_key: bytes | None) -> bytes:
    """Check that a statement says exactly what is expected and that this device signed it; return its SHA-256.

    Raises ``signed.malformed``, ``statement.not_this``, ``device.not_enrolled``, ``signed.bad_signature``.
    """
    message = signed.read(statement, FORMATS[kind], limit=MAX_SIZE)
    if message.fields != expected:
        raise GgzyError("statement.not_this", Kind.CONFLICT, deadline=expected["deadline"])
    if device_key is None:
        raise GgzyError("device.not_enrolled", Kind.FORBIDDEN)
    signed.verify(message, device_key)
    return hashlib.sha256(statement).digest()
