"""The life of a lot for those who work on it: its states, done, now and to come. `public_life` is the public's."""

from dataclasses import dataclass

from trading.lot import UNANNOUNCED, LotFacts, State

ORDER = tuple(state for state in State if state not in (State.TERMINATED, State.FAILED))
TAGS = {
    State.DRAFT: "plain",
    State.ARCHIVED: "off",
    State.TERMINATED: "bad",
    State.FAILED: "bad",
    State.CONTRACTED: "good",
    State.AWARDED: "good",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A state on the way; `when` is ``past``, ``now`` or ``later``."""

    state: str
    when: str


def stages(lot: LotFacts) -> list[Stage]:
    """Return the way of a lot; one that ended on the side shows its announcement, if it came so far, and its end."""
    state = State(lot.state)
    if state not in ORDER:
        begun = [Stage(str(one), "past") for one in ORDER if one in UNANNOUNCED]
        return [*begun, Stage(str(state), "now"), Stage(str(State.ARCHIVED), "later")]
    here = ORDER.index(state)
    return [
        Stage(str(one), "past" if place < here else "now" if place == here else "later")
        for place, one in enumerate(ORDER)
    ]


def tag_of(lot: LotFacts) -> str:
    """Return with which tag a lot's state is shown."""
    return "wait" if lot.suspended else TAGS.get(State(lot.state), "wait")
