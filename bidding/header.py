"""The header of one sealed envelope: 146 bytes, fixed layout, big-endian (docs/spec/sealing.md, section 3).

Everything that an envelope must not be moved away from stands here: tender, lot, kind, bidder, deadline, opening key.
The payload key is derived from the header's hash, so that a header changed by one bit opens nothing.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from bidding.padding import is_padded
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind, OpeningPolicy

MAGIC = b"ggzy/env"
VERSION = 1
HEADER_SIZE = 146
HASH_SIZE = 32
RECORD_SIZE = 65536
MAX_LENGTH = 1 << 40

_LAYOUT = struct.Struct(">8sBBBB16s16s18sQ32s32sIQ")
_CONTEXT = b"ggzy/header/v1\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}\Z")


class Suite(IntEnum):
    """The cipher of the payload's records."""

    AES_256_GCM = 1
    XCHACHA20_POLY1305 = 2


_POLICIES = {1: OpeningPolicy.QUORUM, 2: OpeningPolicy.QUORUM_AND_BIDDER, 3: OpeningPolicy.QUORUM_OR_BIDDER}
_KINDS = {1: EnvelopeKind.QUALIFICATION, 2: EnvelopeKind.TECHNICAL, 3: EnvelopeKind.PRICE}
_POLICY_CODES = {policy: code for code, policy in _POLICIES.items()}
_KIND_CODES = {kind: code for code, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Header:
    """One envelope's header.

    `bidder` is the 18-character 统一社会信用代码, `key` the hash of the opening key, `point` is U,
    `padded_length` the number of plaintext bytes (a Padmé length).
    """

    suite: Suite
    policy: OpeningPolicy
    kind: EnvelopeKind
    tender: UUID
    lot: UUID
    bidder: str
    deadline: datetime
    key: bytes
    point: bytes
    padded_length: int

    def encode(self) -> bytes:
        """Return the 146 bytes; GgzyError ``bid.bad_header`` if a field does not fit."""
        _require(_USCC.match(self.bidder) is not None, "bidder")
        _require(len(self.key) == len(self.point) == HASH_SIZE, "size")
        _require(is_padded(self.padded_length) and self.padded_length <= MAX_LENGTH, "length")
        return _LAYOUT.pack(
            MAGIC,
            VERSION,
            self.suite,
            _POLICY_CODES[self.policy],
            _KIND_CODES[self.kind],
            self.tender.bytes,
            self.lot.bytes,
            self.bidder.encode("ascii"),
            microseconds(self.deadline),
            self.key,
            self.point,
            RECORD_SIZE,
            self.padded_length,
        )

    def hash(self) -> bytes:
        """Return SHA-256(``ggzy/header/v1`` ‖ 0 ‖ header): what proof, keys and commitment are bound to."""
        return hashlib.sha256(_CONTEXT + self.encode()).digest()


def parse(data: bytes) -> Header:
    """Read 146 bytes strictly; GgzyError ``bid.bad_header`` names the first field that is wrong."""
    _require(len(data) == HEADER_SIZE, "size")
    magic, version, suite, policy, kind, tender, lot, bidder, deadline, key, point, record, padded = _LAYOUT.unpack(
        data
    )
    _require(magic == MAGIC, "magic")
    _require(version == VERSION, "version")
    _require(suite in set(Suite), "suite")
    _require(policy in _POLICIES, "policy")
    _require(kind in _KINDS, "kind")
    _require(record == RECORD_SIZE, "record")
    header = Header(
        suite=Suite(suite),
        policy=_POLICIES[policy],
        kind=_KINDS[kind],
        tender=UUID(bytes=tender),
        lot=UUID(bytes=lot),
        bidder=bidder.decode("ascii", "replace"),
        deadline=moment(deadline),
        key=key,
        point=point,
        padded_length=padded,
    )
    _require(header.encode() == data, "encoding")
    return header


def microseconds(time: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00:00Z; GgzyError ``bid.bad_header`` before that."""
    count = (time - _EPOCH) // _MICROSECOND
    _require(count >= 0, "deadline")
    return count


def moment(count: int) -> datetime:
    """Return the aware UTC time of a count of microseconds; GgzyError ``bid.bad_header`` past the year 9999."""
    try:
        return _EPOCH + count * _MICROSECOND
    except OverflowError as error:
        raise GgzyError("bid.bad_header", Kind.INTEGRITY, field="deadline") from error


def _require(condition: bool, field: str) -> None:  # noqa: FBT001 - a guard reads best with the condition first
    if not condition:
        raise GgzyError("bid.bad_header", Kind.INTEGRITY, field=field)
