"""The steps of a member's work as a task list: what is done, what is next, what waits for others."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from experts import evaluations, reports
from experts.committees import Committee
from experts.seats import Seat
from kernel.actor import Actor
from kernel.errors import unless_missing
from trading.lot import State

AFTER = frozenset({State.EVALUATED, State.PUBLICIZED, State.AWARDED, State.CONTRACTED, State.ARCHIVED})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its code, its state (``done``, ``next``, ``waits``), what is told beside it, and where it is done."""

    code: str
    state: str
    told: dict[str, object]
    path: str | None = None


async def steps(session: AsyncSession, actor: Actor, seat: Seat, committee: Committee) -> list[Step]:
    """Return the steps in their order; only what can be done now has an address."""
    base, over = f"/expert/lots/{seat.lot.id}", seat.lot.state in AFTER
    declared = seat.declared_at is not None
    led = any(one.is_leader for one in committee.members)
    evaluating = seat.lot.state == State.EVALUATING and not seat.lot.suspended and actor.device_key is not None
    scored, owed = await _sheets(session, actor, seat) if declared and evaluating else (0, 0)
    all_scored = evaluating and 0 < owed <= scored
    closed = committee.technical_finished_at is not None
    opinion = await unless_missing(reports.own_opinion(session, actor, seat.lot.id)) if closed and evaluating else None
    all_declared = committee.declared == committee.size
    figures: dict[str, object] = {"declared": committee.declared, "size": committee.size}
    rows: list[tuple[str, bool, bool, dict[str, object], str]] = [
        ("declare", declared, not declared, {}, f"{base}/declaration"),
        ("leader", led or over, declared and not over, figures, "#leader-vote"),
        ("begin", evaluating or over, led and all_declared, figures, "#begin"),
        ("score", over or closed or all_scored, evaluating, {"scored": scored, "owed": owed}, f"{base}/desk"),
        ("close", over or closed, all_scored, {}, "#close"),
        ("report", over or opinion is not None, closed, {}, f"{base}/report"),
    ]
    return [_step(*row) for row in rows]


def _step(code: str, done: bool, possible: bool, told: dict[str, object], path: str) -> Step:  # noqa: FBT001 - a row of the table above
    state = "done" if done else "next" if possible else "waits"
    keeps = code in ("declare", "report") or (code in ("leader", "score") and possible)
    return Step(code, state, told, path if state == "next" or (done and keeps) else None)


async def _sheets(session: AsyncSession, actor: Actor, seat: Seat) -> tuple[int, int]:
    """Return how many sheets the member has handed in, and how many they owe."""
    papers = await evaluations.papers(session, actor, seat.lot.id)
    owed = {one.bid for one in papers.offers if one.refused is None} - {str(bid) for bid in papers.rejected}
    return len(owed & {str(bid) for bid in papers.scored}), len(owed)
