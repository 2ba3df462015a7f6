"""Receipts (docs/spec/receipt.md): the opening of one log entry, stamped by the time authority over its very bytes.

A receipt needs no signature of the platform: the time-stamping authority vouches for its time, the log's checkpoint for its
entry, and both are checked without the platform. The same form acknowledges a bid, a withdrawal and a confirmation.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from archive.timestamp import Authority
from archive.trail import Opening
from kernel import canonical
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/receipt/v1"
MAX_SIZE = 64 << 10
_FIELDS = {"event", "format", "log", "salt"}
_EVENT_CONTEXT = b"ggzy/event/v1\0"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a bidder takes home: canonical JSON, the DER token over its SHA-256, and the log entry to prove later."""

    content: bytes
    token: bytes
    digest: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What a receipt says: the event as a dict, its 32-byte commitment in the log of this origin."""

    event: dict[str, Any]
    commitment: bytes
    log: str


def compose(opening: Opening, log: str) -> bytes:
    """Return the canonical bytes of the receipt for an event in the log with the origin `log`."""
    return canonical.encode(
        {"event": canonical.decode(opening.event), "format": FORMAT, "log": log, "salt": opening.salt.hex()}
    )


def parse(content: bytes) -> Claim:
    """Read a receipt strictly; GgzyError ``receipt.malformed`` or ``canonical.malformed``."""
    if len(content) > MAX_SIZE:
        raise _malformed()
    value = canonical.decode(content)
    if not isinstance(value, dict) or set(value) != _FIELDS or value["format"] != FORMAT:
        raise _malformed()
    event, log, salt = value["event"], value["log"], value["salt"]
    if not isinstance(event, dict) or not isinstance(log, str) or not isinstance(salt, str) or len(salt) != 64:
        raise _malformed()
    try:
        raw = bytes.fromhex(salt)
    except ValueError as error:
        raise _malformed() from error
    if raw.hex() != salt:
        raise _malformed()
    commitment = hashlib.sha256(_EVENT_CONTEXT + raw + canonical.encode(event)).digest()
    return Claim(event, commitment, log)


def bid_of(claim: Claim) -> UUID:
    """Return the id of the bid that the receipt is about; GgzyError ``receipt.malformed`` if it is about none."""
    try:
        return UUID(claim.event["data"]["bid"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _malformed() from error


async def issue(opening: Opening, *, log: str, authority: Authority, at: datetime) -> Receipt:
    """Compose the receipt of an event and have it stamped; if the authority fails nothing is accepted (fail closed)."""
    content = compose(opening, log)
    digest = hashlib.sha256(content).digest()
    token = await authority.stamp(digest, at=at)
    return Receipt(content, token, digest, opening.commitment)


def _malformed() -> GgzyError:
    return GgzyError("receipt.malformed", Kind.INTEGRITY)
