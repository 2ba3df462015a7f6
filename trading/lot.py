"""What the other packages know of a lot: frozen facts, read once under the lot's lock. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID


class State(StrEnum):
    """Where a lot stands in its life; `trading.lifecycle` holds the ways between. Suspension is a flag beside it."""

    DRAFT = "draft"
    ENTERED = "entered"
    ACCEPTED = "accepted"
    ANNOUNCED = "announced"
    OPENING = "opening"
    OPENED = "opened"
    EVALUATING = "evaluating"
    EVALUATED = "evaluated"
    PUBLICIZED = "publicized"
    AWARDED = "awarded"
    CONTRACTED = "contracted"
    ARCHIVED = "archived"
    TERMINATED = "terminated"
    FAILED = "failed"


class EnvelopeKind(StrEnum):
    """What an envelope of a bid holds."""

    QUALIFICATION = "qualification"
    TECHNICAL = "technical"
    PRICE = "price"


class OpeningPolicy(StrEnum):
    """Whose keys open a bid: the custodians' quorum alone, with the bidder's own, or either."""

    QUORUM = "quorum"
    QUORUM_AND_BIDDER = "quorum_and_bidder"
    QUORUM_OR_BIDDER = "quorum_or_bidder"


UNANNOUNCED = frozenset({State.DRAFT, State.ENTERED, State.ACCEPTED})
UNDECIDED = frozenset({State.ANNOUNCED, State.OPENING, State.OPENED, State.EVALUATING, State.EVALUATED})
ENDED = frozenset({State.ARCHIVED, State.TERMINATED, State.FAILED})
_NUMBER = r"[0-9一二三四五六七八九十]+"
_NUMBERING = re.compile(rf"\s*(第?\s*{_NUMBER}\s*标段|标段\s*{_NUMBER})\s*[：:、，—-]*\s*")


def own_title(title: str) -> str:
    """Return what a lot's title says beside its number: 第一标段：给水管网改造 is 给水管网改造, 第一标段 nothing."""
    numbering = _NUMBERING.match(title)
    return title[numbering.end() :] if numbering else title


@dataclass(frozen=True, slots=True)
class EnvelopeRule:
    """One envelope that every bid must have. Stage 1 opens at the opening, stage 2 after the technical scores."""

    kind: str
    stage: int


@dataclass(frozen=True, slots=True)
class LotFacts:
    """A lot as it stands. Amounts are yuan with two places, times aware UTC, parties 统一社会信用代码."""

    id: UUID
    tender_id: UUID
    tender_code: str
    tender_title: str
    number: int
    title: str
    state: str
    site: str
    purchaser: str
    agency: str | None
    region: str
    trade_type: str
    deadline: datetime | None
    envelopes: tuple[EnvelopeRule, ...]
    opening_policy: OpeningPolicy
    threshold: int
    custodians: int
    estimate: Decimal
    ceiling: Decimal | None
    opening_key_hash: bytes | None
    evaluation: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    suspended: bool = False
    bond: Decimal = Decimal(0)

    @property
    def stages(self) -> int:
        """The number of stages in which its envelopes are opened."""
        return len({rule.stage for rule in self.envelopes})

    def takes_bids(self, now: datetime) -> bool:
        """Tell whether bids are taken at this moment; `bidding.submissions` decides again, under the lot's lock."""
        on = self.state == State.ANNOUNCED and not self.suspended
        return on and self.deadline is not None and now < self.deadline
