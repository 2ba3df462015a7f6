"""What follows from each answer of a called expert: a pure machine that the service and the replay share.

Who declines, lets the time pass or recuses themselves is gone; the next is the one whom the same draw, without those
who are gone, seats in addition. Everybody else stays. docs/spec/draw.md, "Calls".
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from experts.draw import Place
from kernel.errors import GgzyError, Kind

INVITED, ACCEPTED = "invited", "accepted"
GONE = frozenset({"declined", "timed_out", "recused"})

Redraw = Callable[[Collection[bytes]], tuple[Place, ...]]


@dataclass(frozen=True, slots=True)
class Consequence:
    """The event that follows an answer at once (``draw.called``, ``draw.exhausted``, ``draw.completed``), and its data.

    `place` is the newly called expert's.
    """

    kind: str
    data: dict[str, Any]
    place: Place | None = None


@dataclass(slots=True)
class Calls:
    """The calls of one draw. `redraw` returns the places without the codes given; `states` are by code."""

    redraw: Redraw
    states: dict[bytes, str] = field(default_factory=dict)
    tickets: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def gone(self) -> frozenset[bytes]:
        """Return the codes of those who will not come."""
        return frozenset(code for code, state in self.states.items() if state in GONE)

    @property
    def accepted(self) -> list[bytes]:
        """Return the codes of those who accepted, by rising ticket."""
        return sorted((c for c, s in self.states.items() if s == ACCEPTED), key=lambda code: self.tickets[code])

    def begin(self) -> tuple[Place, ...]:
        """Call the drawn committee."""
        places = self.redraw(())
        for place in places:
            self._call(place)
        return places

    def answer(self, code: bytes, outcome: str) -> Consequence | None:
        """Take one answer and return what follows from it.

        Raises ``draw.not_called``, ``draw.answered`` for an answer after an answer.
        """
        before = self.states.get(code)
        if before is None:
            raise GgzyError("draw.not_called", Kind.CONFLICT)
        if (before, outcome) != (ACCEPTED, "recused") and before != INVITED:
            raise GgzyError("draw.answered", Kind.CONFLICT, outcome=before)
        self.states[code] = outcome
        try:
            places = self.redraw(self.gone)
        except GgzyError as error:
            if error.code != "draw.pool_exhausted":
                raise
            return Consequence("draw.exhausted", dict(error.params)) if outcome in GONE else None
        called = [place for place in places if place.code not in self.states]
        if called:
            self._call(called[0])
            return Consequence("draw.called", seats(called)[0], called[0])
        complete = all(self.states[place.code] == ACCEPTED for place in places)
        return Consequence("draw.completed", {"members": seats(places)}) if complete else None

    def _call(self, place: Place) -> None:
        self.states[place.code] = INVITED
        self.tickets[place.code] = place.ticket


def seats(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return places as events state them."""
    return [{"expert": p.code.hex(), "quota": p.quota, "ticket": p.ticket.hex()} for p in places]
