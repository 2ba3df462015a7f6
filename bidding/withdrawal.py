"""What a bidder signs about a bid it has handed in: its withdrawal, or that it stands under a moved deadline. Pure.

Specified in docs/spec/submission.md. The signature is Ed25519 by the device key over the context and the canonical bytes.
"""

from datetime import datetime
from uuid import UUID

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from bidding.tables import CONFIRMATION, WITHDRAWAL
from kernel import canonical
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind

_FORMATS = {WITHDRAWAL: "ggzy/withdrawal/v1", CONFIRMATION: "ggzy/confirmation/v1"}


def compose(kind: str, lot_id: UUID, bid_id: UUID, receipt_digest: bytes, deadline: datetime) -> bytes:
    """Return the canonical bytes of a statement; `deadline` is the one in force when it is made."""
    return canonical.encode(
        {
            "bid": str(bid_id),
            "deadline": isoformat(deadline),
            "format": _FORMATS[kind],
            "lot": str(lot_id),
            "receipt": receipt_digest.hex(),
        }
    )


def message(kind: str, content: bytes) -> bytes:
    """Return what is signed: the format's name ended by a zero byte, then the statement."""
    return _FORMATS[kind].encode() + b"\0" + content


def check(kind: str, content: bytes, signature: bytes, device_key: bytes | None) -> None:
    """Verify the signature by the person's enrolled device key; ``device.not_enrolled``, ``statement.bad_signature``."""
    if device_key is None:
        raise GgzyError("device.not_enrolled", Kind.FORBIDDEN)
    try:
        VerifyKey(device_key).verify(message(kind, content), signature)
    except (BadSignatureError, ValueError) as error:
        raise GgzyError("statement.bad_signature", Kind.INTEGRITY) from error
