"""The life of a lot as the public sees it: steps with dates, from what was published. Pure. `life` is the desks' own.

Nothing here comes from anywhere but the lot's state, its deadline, its public notices and the published opening record;
before the opening the steps say nothing of who bids or how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trading.lot import LotFacts, State
from trading.notices import Notice

ENDING = {"failure": State.FAILED, "termination": State.TERMINATED}
NAMES = ("announcement", "bidding", "opening", "evaluation", "publicity", "award", "contract", "archive")
# How many steps a state has behind it; the next one is under way.
BEHIND = {
    State.ANNOUNCED: 1,
    State.OPENING: 2,
    State.OPENED: 3,
    State.EVALUATING: 3,
    State.EVALUATED: 4,
    State.PUBLICIZED: 4,
    State.AWARDED: 6,
    State.CONTRACTED: 7,
    State.ARCHIVED: 8,
}


class Standing(StrEnum):
    """How a step stands."""

    DONE = "done"
    NOW = "now"
    HALTED = "halted"
    AHEAD = "ahead"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `name` is the last part of its words' code, `path` where to read more."""

    name: str
    standing: Standing
    at: datetime | None = None
    until: datetime | None = None
    path: str = ""


def steps(
    lot: LotFacts, told: Sequence[Notice], announced_at: datetime, opened_at: datetime | None, *, now: datetime
) -> list[Step]:
    """Return the steps of a lot in order; `told` are its notices and its tender's, `opened_at` the end of its record.

    A lot that failed or was terminated has the steps that are behind it, then the one that broke it, and its filing.
    """
    dated = {step.name: step for step in _dates(lot, told, announced_at, opened_at)}
    ended = next((notice for notice in reversed(told) if notice.kind in ENDING and notice.lot_id == lot.id), None)
    if ended is not None:
        return _broken(lot, ended, dated)
    behind = BEHIND[State(lot.state)]
    if lot.state == State.ANNOUNCED and lot.deadline is not None and lot.deadline <= now and not lot.suspended:
        behind += 1  # bids are closed, the opening is about to begin
    under_way = Standing.HALTED if lot.suspended else Standing.NOW
    standings = [Standing.DONE] * behind + [under_way] + [Standing.AHEAD] * len(NAMES)
    return [
        Step(name, standing, dated[name].at, dated[name].until, dated[name].path)
        for name, standing in zip(NAMES, standings, strict=False)
    ]


def _dates(lot: LotFacts, told: Sequence[Notice], announced_at: datetime, opened_at: datetime | None) -> list[Step]:
    by_kind = {notice.kind: notice for notice in told if notice.lot_id in (None, lot.id)}  # the newest of each kind
    found = {name: Step(name, Standing.AHEAD) for name in NAMES}
    call, publicity, award = (by_kind.get(kind) for kind in ("tender", "candidates", "award"))
    found["announcement"] = Step("announcement", Standing.AHEAD, announced_at, path=_path(call))
    found["bidding"] = Step("bidding", Standing.AHEAD, until=lot.deadline)
    found["opening"] = Step("opening", Standing.AHEAD, opened_at, path=f"#record-{lot.number}" if opened_at else "")
    if publicity is not None:
        found["publicity"] = Step(
            "publicity", Standing.AHEAD, publicity.published_at, publicity.ends_at, _path(publicity)
        )
    if award is not None:
        found["award"] = Step("award", Standing.AHEAD, award.published_at, path=_path(award))
    return list(found.values())


def _broken(lot: LotFacts, ended: Notice, dated: dict[str, Step]) -> list[Step]:
    done = ["announcement"]
    done += ["bidding"] if lot.deadline is not None and lot.deadline <= ended.published_at else []
    done += ["opening"] if dated["opening"].at else []
    done += [name for name in ("publicity", "award") if dated[name].at]
    if "publicity" in done:
        done.insert(done.index("publicity"), "evaluation")
    behind = [Step(name, Standing.DONE, dated[name].at, dated[name].until, dated[name].path) for name in done]
    filed = Standing.DONE if lot.state == State.ARCHIVED else Standing.AHEAD
    return [
        *behind,
        Step(str(ENDING[ended.kind]), Standing.BROKEN, ended.published_at, path=_path(ended)),
        Step("archive", filed),
    ]


def _path(notice: Notice | None) -> str:
    return "" if notice is None else f"/notices/{notice.id}"
