"""What the platform publishes for a lot so that a bid can be sealed for it offline (``ggzy/seal-target/v1``).

docs/spec/sealing.md, section 2. Who distrusts the platform checks the opening key against the key transcript.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from bidding import group
from bidding.header import EnvelopeKind, Policy
from bidding.wire import Hash, Identifier, Moment, read
from kernel import canonical
from kernel.clock import isoformat
from kernel.clock import parse as parse_time
from kernel.errors import GgzyError, Kind

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
    """A lot as the sealer sees it. `transcript` is the key transcript's SHA-256, `opening_key` is Y (32 bytes each)."""

    platform: str
    title: str
    tender: UUID
    lot: UUID
    deadline: datetime
    policy: Policy
    envelopes: tuple[EnvelopeSlot, ...]
    transcript: bytes
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
                "transcript": self.transcript.hex(),
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
    policy: Policy
    envelopes: Annotated[list[_Slot], msgspec.Meta(min_length=1, max_length=len(EnvelopeKind))]
    transcript: Hash
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
            transcript=bytes.fromhex(wire.transcript),
            opening_key=group.check_point(bytes.fromhex(wire.opening_key)),
            sandbox=wire.sandbox,
        )
    except (ValueError, GgzyError) as error:
        raise _bad() from error
    if len(set(target.kinds)) != len(target.kinds):
        raise _bad()
    return target


def _bad() -> GgzyError:
    return GgzyError("bid.bad_target", Kind.INVALID)
