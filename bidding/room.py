"""The opening room as a small pure state machine: which step it is at, how long bidders may speak, when it may close.

The steps are those that people in the hall see: 名单 → 解密 → 唱标 → 记录 → 结束. Bidders confirm what was read out or
object on the spot, and are answered on the spot (实施条例 第四十四条); only then does the witness close, and the record
is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind
from trading.lot import ENDED, State


class Phase(StrEnum):
    """Where an opening stands."""

    WAITING = "waiting"  # before it begins
    FAILED = "failed"  # too few bids: nothing was opened
    ENDED = "ended"  # the trade went on or ended without this opening, or in the middle of it
    LIST = "list"  # 名单
    DECRYPTION = "decryption"  # 解密
    READING = "reading"  # 唱标
    RECORD = "record"  # 记录
    CLOSED = "closed"  # 结束


STEPS = (Phase.LIST, Phase.DECRYPTION, Phase.READING, Phase.RECORD, Phase.CLOSED)
_AHEAD = frozenset({State.ANNOUNCED, State.OPENING, State.OPENED, State.EVALUATING})


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides the phase. `state` is the opening's (None: not begun), `read_at` when the last verdict was made.

    `silent` are the bidders who have said nothing about what was read out, `unanswered` the objections without answer;
    `pauses` from when until when it was paused, None for a pause that lasts; `pause_asked`: a pause that was ordered
    waits for its second person.
    """

    lot_state: str
    state: str | None = None
    listed: int = 0
    decided: int = 0
    given: int = 0
    minutes: int = 0
    read_at: datetime | None = None
    silent: int = 0
    unanswered: int = 0
    closed: bool = False
    pauses: Sequence[tuple[datetime, datetime | None]] = ()
    pause_asked: bool = False

    @property
    def paused(self) -> bool:
        """Tell whether a pause lasts."""
        return any(until is None for _, until in self.pauses)

    @property
    def running(self) -> bool:
        """Tell whether it has begun, is not closed, and its lot has neither failed nor been terminated meanwhile."""
        return self.state == "began" and not self.closed and self.lot_state not in ENDED


def phase(standing: Standing, at: datetime) -> Phase:
    """Return the phase at a moment."""
    if standing.state == "finished":
        return Phase.CLOSED
    if standing.state is None:
        return _unbegun(standing.lot_state)
    if standing.lot_state in ENDED:
        return Phase.ENDED
    if standing.decided < standing.listed:
        return Phase.DECRYPTION if standing.given or standing.decided else Phase.LIST
    return Phase.RECORD if standing.closed or may_close(standing, at) is None else Phase.READING


def hearing_ends(standing: Standing) -> datetime | None:
    """Return until when bidders may speak: the minutes laid down after the last verdict, and what pauses took of them.

    None while not everything is read out, or while a pause lasts: nobody knows yet; and once it will not go on.
    """
    if not standing.running or standing.read_at is None or standing.decided < standing.listed or standing.paused:
        return None
    ends = standing.read_at + timedelta(minutes=standing.minutes)
    for since, until in sorted(standing.pauses):
        if until is not None and until > standing.read_at and since < ends:
            ends += until - max(since, standing.read_at)
    return ends


def may_close(standing: Standing, at: datetime) -> GgzyError | None:
    """An opening closes when everything is read out, every objection answered, and every bidder heard or in time.

    While somebody has ordered a pause nobody closes past it: the second person decides first.
    """
    if not standing.running:
        return GgzyError("opening.closed", Kind.CONFLICT)
    if standing.paused or standing.pause_asked:
        return GgzyError("opening.paused" if standing.paused else "opening.pause_asked", Kind.CONFLICT)
    if standing.decided < standing.listed:
        return GgzyError("opening.not_read_out", Kind.CONFLICT, missing=standing.listed - standing.decided)
    if standing.unanswered:
        return GgzyError("opening.unanswered", Kind.CONFLICT, count=standing.unanswered)
    ends = hearing_ends(standing)
    if standing.silent and ends is not None and at < ends:
        return GgzyError("opening.bidders_unheard", Kind.CONFLICT, count=standing.silent, until=isoformat(ends))
    return None


def may_speak(standing: Standing, kind: str) -> GgzyError | None:
    """Bidders object from the beginning until the close, and confirm what was read out."""
    if not standing.running:
        return GgzyError("opening.closed", Kind.CONFLICT)
    if kind == "confirmed" and standing.decided < standing.listed:
        return GgzyError("opening.not_read_out", Kind.CONFLICT, missing=standing.listed - standing.decided)
    return None


def may_order(standing: Standing, kind: str) -> GgzyError | None:
    """A running opening is paused, a paused one resumed; neither once it is closed."""
    if not standing.running:
        return GgzyError("opening.closed", Kind.CONFLICT)
    if standing.paused != (kind == "resume"):
        return GgzyError("opening.paused" if standing.paused else "opening.not_paused", Kind.CONFLICT)
    return None


def _unbegun(lot_state: str) -> Phase:
    if lot_state == State.FAILED:
        return Phase.FAILED
    return Phase.WAITING if lot_state in _AHEAD else Phase.ENDED
