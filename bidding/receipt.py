"""Issuing receipts (docs/spec/receipt.md): the opening of one log entry, stamped by the time authority.

A receipt needs no signature of the platform: the time-stamping authority vouches for its time, the log's checkpoint
for its entry, and `archive.receipt` checks both without the platform. The same form acknowledges a bid, a withdrawal,
a confirmation.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from archive.event import Opening
from archive.receipt import FORMAT
from archive.timestamp import Authority
from kernel import canonical


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a bidder takes home: canonical JSON, the DER token over its SHA-256, and the log entry to prove later."""

    content: bytes
    token: bytes
    digest: bytes
    commitment: bytes


def compose(opening: Opening, log: str) -> bytes:
    """Return the canonical bytes of the receipt for an event in the log with the origin `log`."""
    event = canonical.decode(opening.event)
    return canonical.encode({"event": event, "format": FORMAT, "log": log, "salt": opening.salt.hex()})


async def issue(opening: Opening, *, log: str, authority: Authority, at: datetime) -> Receipt:
    """Compose the receipt of an event and have it stamped; if the authority fails nothing is accepted (fail closed)."""
    content = compose(opening, log)
    digest = hashlib.sha256(content).digest()
    return Receipt(content, await authority.stamp(digest, at=at), digest, opening.commitment)
