"""What the platform publishes for a lot so that a bid can be sealed for it offline (``ggzy/seal-target/v1``).

docs/spec/sealing.md, section 2. Who distrusts the platform checks the opening key against the key transcript.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from bidding import group, transcript
from bidding.transcript import OpeningKey
from bidding.wire import Hash, Identifier, Moment, read
from kernel import canonical
from kernel.clock import isoformat
from kernel.clock import parse as parse_time
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind, OpeningPolicy

FORMAT = "ggzy/seal-target/v1"
MAX_SIZE = 16384

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class EnvelopeSlot:
    """One envelope that the lot asks for, and the stage (1, 2) at which it is opened."""

    kind: EnvelopeKind
    stage: int


@dataclass(frozen=True, slots=True)
class SealTarget:
    """A lot as the sealer sees it. `key` is the opening key's hash, `opening_key` is Y (32 bytes each)."""

    platform: str
    title: str
    tender: UUID
    lot: UUID
    deadline: datetime
    policy: OpeningPolicy
    envelopes: tuple[EnvelopeSlot, ...]
    key: bytes
    opening_key: bytes
    sandbox: bool

    @property
    def kinds(self) -> tuple[EnvelopeKind, ...]:
        """The kinds of envelope, in the order in which they stand in a bid."""
        return tuple(slot.kind for slot in self.envelopes)

    def encode(self) -> bytes:
        """Return the canonical JSON that the platform publishes."""
        return canonical.encode(
            {
                "format": FORMAT,
                "platform": self.platform,
                "title": self.title,
                "tender": str(self.tender),
                "lot": str(self.lot),
                "deadline": isoformat(self.deadline),
                "policy": self.policy.value,
                "envelopes": [{"kind": slot.kind.value, "stage": slot.stage} for slot in self.envelopes],
                "key": self.key.hex(),
                "opening_key": self.opening_key.hex(),
                "sandbox": self.sandbox,
            }
        )


class _Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EnvelopeKind
    stage: Annotated[int, msgspec.Meta(ge=1, le=2)]


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    platform: Name
    title: Name
    tender: Identifier
    lot: Identifier
    deadline: Moment
    policy: OpeningPolicy
    envelopes: Annotated[list[_Slot], msgspec.Meta(min_length=1, max_length=len(EnvelopeKind))]
    key: Hash
    opening_key: Hash
    sandbox: bool


def parse(data: bytes) -> SealTarget:
    """Read a target strictly; GgzyError ``bid.bad_target``."""
    if len(data) > MAX_SIZE:
        raise _bad()
    try:
        wire = read(data, _Wire, FORMAT)
        target = SealTarget(
            platform=wire.platform,
            title=wire.title,
            tender=UUID(wire.tender),
            lot=UUID(wire.lot),
            deadline=parse_time(wire.deadline),
            policy=wire.policy,
            envelopes=tuple(EnvelopeSlot(slot.kind, slot.stage) for slot in wire.envelopes),
            key=bytes.fromhex(wire.key),
            opening_key=group.check_point(bytes.fromhex(wire.opening_key)),
            sandbox=wire.sandbox,
        )
    except (ValueError, GgzyError) as error:
        raise _bad() from error
    if len(set(target.kinds)) != len(target.kinds):
        raise _bad()
    return target


def check_key(target: SealTarget, key_transcript: bytes) -> OpeningKey:
    """Return the opening key if the key transcript proves it to be the one that this lot's bids are sealed to.

    Without this the sealer believes the platform, which could give one bidder a key of its own. Raises
    ``seal.untrusted_key`` and what `transcript.verify_transcript` does.
    """
    for key in transcript.verify_transcript(key_transcript).keys:
        if hmac.compare_digest(key.key_hash, target.key):
            if hmac.compare_digest(key.public_key, target.opening_key):
                return key
            break
    raise GgzyError("seal.untrusted_key", Kind.INTEGRITY)


def _bad() -> GgzyError:
    return GgzyError("bid.bad_target", Kind.INVALID)
