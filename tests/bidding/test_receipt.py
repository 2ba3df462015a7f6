"""Receipts: canonical, stamped over their very bytes, and any changed byte is noticed."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from archive import event as events
from archive import receipt as reading
from archive import timestamp
from archive.timestamp import LocalAuthority
from bidding import receipt
from kernel.actor import SYSTEM
from kernel.clock import isoformat
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def opening() -> events.Opening:
    """The opening of a received bid."""
    data = {"bid": str(UUID(int=1)), "lot": str(UUID(int=2)), "deadline": isoformat(AT.replace(hour=10))}
    return events.seal(
        SYSTEM, "bid.received", data, trade=UUID(int=3), at=AT, sandbox=False, entropy=SeededEntropy(b"r")
    )


def test_a_receipt_opens_its_log_entry() -> None:
    """Read again by the offline checker, the receipt gives the same commitment, event and log."""
    made = opening()
    seen = reading.decode(receipt.compose(made, "test/log"))
    assert (seen.commitment, seen.log, seen.event.at) == (made.commitment, "test/log", AT)


async def test_the_token_stamps_the_very_bytes(authority: LocalAuthority) -> None:
    """The token verifies over SHA-256 of receipt.json and over nothing else."""
    now = datetime.now(UTC)
    issued = await receipt.issue(opening(), log="test/log", authority=authority, at=now)
    timestamp.verify(issued.token, issued.digest, authority.chain_pem)
    with pytest.raises(GgzyError):
        timestamp.verify(issued.token, bytes(32), authority.chain_pem)


def test_any_flipped_byte_is_noticed() -> None:
    """A receipt with one byte changed is malformed or opens another commitment; it never raises anything else."""
    made = opening()
    content = receipt.compose(made, "test/log")
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        try:
            seen = reading.decode(bytes(changed))
        except GgzyError:
            continue
        assert (seen.commitment, seen.log) != (made.commitment, "test/log")
