"""The life of a lot as a pure state machine: one table holds every step, who may take it, and its guard.

A guard is a pure function of the lot, the circumstances, the rule pack and the time; it returns the refusal or None.
The same table stands in docs/spec/lifecycle.md, and a test compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind
from trading.lot import ENDED, UNANNOUNCED, LotFacts, State
from trading.rulepack import Pack


class By(StrEnum):
    """In what quality somebody takes a step; `trading.policy` tells who has it."""

    TENDERER = "tenderer"  # purchaser or agency of the tender
    ACCEPTANCE = "acceptance"
    WITNESS = "witness"
    EXPERT = "expert"
    ARCHIVIST = "archivist"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a guard may know beyond the lot itself; whoever moves the lot passes what the step needs.

    `documents` are the kinds attached, `candidates` the 统一社会信用代码 by rank, public until `publicity_ends`.
    `by` are the qualities of who takes the step; `by_order` tells that a supervisor suspended the lot.
    """

    documents: frozenset[str] = frozenset()
    bids: int | None = None
    candidates: tuple[str, ...] = ()
    publicity_ends: datetime | None = None
    winner: str | None = None
    missing: tuple[str, ...] = ()
    reason: str = ""
    by: frozenset[By] = frozenset()
    by_order: bool = False


Guard = Callable[[LotFacts, Circumstances, Pack, datetime], GgzyError | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One way from states to a state (None: the state stays). `together` steps move all lots of a tender at once."""

    name: str
    sources: frozenset[State]
    target: State | None
    by: frozenset[By]
    guard: Guard
    event: str
    together: bool = False


def decide(lot: LotFacts, name: str, told: Circumstances, pack: Pack, now: datetime) -> LotFacts:
    """Return the lot after the step, or raise why it may not be taken.

    Codes: ``step.unknown``, ``lot.ended``, ``lot.wrong_state``, ``lot.suspended`` and those of the guards.
    """
    step = STEPS.get(name)
    if step is None:
        raise GgzyError("step.unknown", step=name)
    if lot.state not in step.sources:
        code = "lot.ended" if lot.state in ENDED else "lot.wrong_state"
        raise GgzyError(code, Kind.CONFLICT, state=str(lot.state), step=name)
    if lot.suspended and name not in WHILE_SUSPENDED:
        raise GgzyError("lot.suspended", Kind.CONFLICT, step=name)
    refusal = step.guard(lot, told, pack, now)
    if refusal is not None:
        raise refusal
    return replace(lot, state=step.target or lot.state, suspended=_suspended_after(name, before=lot.suspended))


def _suspended_after(name: str, *, before: bool) -> bool:
    return {"suspend": True, "resume": False, "terminate": False}.get(name, before)


def _free(_lot: LotFacts, _told: Circumstances, _pack: Pack, _now: datetime) -> GgzyError | None:
    return None


def _lists_missing(_lot: LotFacts, told: Circumstances, _pack: Pack, _now: datetime) -> GgzyError | None:
    return None if told.missing else GgzyError("tender.missing_not_listed")


def _is_complete(_lot: LotFacts, told: Circumstances, pack: Pack, _now: datetime) -> GgzyError | None:
    missing = sorted(set(pack.value("entry.required")) - told.documents)
    return GgzyError("tender.documents_missing", Kind.CONFLICT, kinds=", ".join(missing)) if missing else None


def _may_be_announced(lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    if lot.opening_key_hash is None:
        return GgzyError("lot.no_opening_key", Kind.CONFLICT, lot=lot.number)
    if lot.deadline is None:
        return GgzyError("lot.no_deadline", Kind.CONFLICT, lot=lot.number)
    earliest = now + timedelta(days=pack.value("bid_period.min_days"))
    if lot.deadline < earliest:
        article = pack.rule("bid_period.min_days").article
        return GgzyError("deadline.too_early", Kind.CONFLICT, earliest=isoformat(earliest), article=article)
    return _is_complete(lot, told, pack, now)


def _may_be_opened(lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    refusal = _deadline_passed(lot, now)
    if refusal is None and _bids(told) < pack.value("bids.minimum"):
        rule = pack.rule("bids.minimum")
        refusal = GgzyError("lot.too_few_bids", Kind.CONFLICT, minimum=rule.value, article=rule.article)
    return refusal


def _may_fail(lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    if lot.state != State.ANNOUNCED:
        return _has_reason(lot, told, pack, now)
    refusal = _deadline_passed(lot, now)
    if refusal is None and _bids(told) >= pack.value("bids.minimum"):
        refusal = GgzyError("lot.enough_bids", Kind.CONFLICT, minimum=pack.value("bids.minimum"))
    return refusal


def _may_be_publicized(_lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    if not told.candidates or told.publicity_ends is None:
        return GgzyError("lot.no_candidates", Kind.CONFLICT)
    if len(told.candidates) > pack.value("candidates.maximum"):
        return GgzyError("lot.too_many_candidates", maximum=pack.value("candidates.maximum"))
    earliest = now + timedelta(days=pack.value("publicity.min_days"))
    if told.publicity_ends < earliest:
        article = pack.rule("publicity.min_days").article
        return GgzyError("publicity.too_short", Kind.CONFLICT, earliest=isoformat(earliest), article=article)
    return None


def _may_be_awarded(_lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    if told.publicity_ends is None or now < told.publicity_ends:
        ends = "" if told.publicity_ends is None else isoformat(told.publicity_ends)
        return GgzyError("publicity.not_ended", Kind.CONFLICT, ends=ends)
    if told.winner not in told.candidates:
        return GgzyError("award.not_a_candidate", winner=told.winner or "")
    if pack.value("award.first_rank_only") and told.winner != told.candidates[0] and not told.reason:
        return GgzyError("award.not_first_rank", Kind.CONFLICT, article=pack.rule("award.first_rank_only").article)
    return None


def _has_contract(_lot: LotFacts, told: Circumstances, _pack: Pack, _now: datetime) -> GgzyError | None:
    return None if "contract" in told.documents else GgzyError("lot.no_contract", Kind.CONFLICT)


def _has_reason(_lot: LotFacts, told: Circumstances, _pack: Pack, _now: datetime) -> GgzyError | None:
    return None if told.reason.strip() else GgzyError("step.no_reason")


def _may_be_suspended(lot: LotFacts, told: Circumstances, pack: Pack, now: datetime) -> GgzyError | None:
    return (
        GgzyError("lot.suspended", Kind.CONFLICT, step="suspend")
        if lot.suspended
        else _has_reason(lot, told, pack, now)
    )


def _may_be_resumed(lot: LotFacts, told: Circumstances, _pack: Pack, now: datetime) -> GgzyError | None:
    if not lot.suspended:
        return GgzyError("lot.not_suspended", Kind.CONFLICT)
    if told.by_order and By.SUPERVISOR not in told.by:
        return GgzyError("lot.suspended_by_order", Kind.FORBIDDEN)
    if lot.state == State.ANNOUNCED and lot.deadline is not None and lot.deadline <= now:
        return GgzyError("deadline.passed_while_suspended", Kind.CONFLICT, deadline=isoformat(lot.deadline))
    return None


def _deadline_passed(lot: LotFacts, now: datetime) -> GgzyError | None:
    if lot.deadline is None or now < lot.deadline:
        deadline = "" if lot.deadline is None else isoformat(lot.deadline)
        return GgzyError("deadline.not_reached", Kind.CONFLICT, deadline=deadline)
    return None


def _bids(told: Circumstances) -> int:
    if told.bids is None:
        raise GgzyError("step.bids_untold")
    return told.bids


_LIVE = frozenset(State) - ENDED
_BEGUN = _LIVE - UNANNOUNCED - {State.AWARDED, State.CONTRACTED}
_FILED_FROM = frozenset({State.CONTRACTED, State.FAILED, State.TERMINATED})
_TENDERER, _ACCEPTANCE = frozenset({By.TENDERER}), frozenset({By.ACCEPTANCE})
_LEAD = frozenset({By.TENDERER, By.WITNESS, By.SYSTEM})
_JUDGE = _LEAD | {By.EXPERT}
_HALT = frozenset({By.SUPERVISOR, By.TENDERER})
_FILE = frozenset({By.ARCHIVIST, By.SYSTEM})


def _at(state: State) -> frozenset[State]:
    return frozenset({state})


_ROWS = (
    Step("enter", _at(State.DRAFT), State.ENTERED, _TENDERER, _free, "entered", together=True),
    Step("return", _at(State.ENTERED), State.DRAFT, _ACCEPTANCE, _lists_missing, "returned", together=True),
    Step("accept", _at(State.ENTERED), State.ACCEPTED, _ACCEPTANCE, _is_complete, "accepted", together=True),
    Step("announce", _at(State.ACCEPTED), State.ANNOUNCED, _TENDERER, _may_be_announced, "announced", together=True),
    Step("begin_opening", _at(State.ANNOUNCED), State.OPENING, _LEAD, _may_be_opened, "opening_begun"),
    Step("finish_opening", _at(State.OPENING), State.OPENED, _LEAD, _free, "opening_finished"),
    Step("begin_evaluation", _at(State.OPENED), State.EVALUATING, _JUDGE, _free, "evaluation_begun"),
    Step("finish_evaluation", _at(State.EVALUATING), State.EVALUATED, _JUDGE, _free, "evaluation_finished"),
    Step("publicize", _at(State.EVALUATED), State.PUBLICIZED, _TENDERER, _may_be_publicized, "publicized"),
    Step("award", _at(State.PUBLICIZED), State.AWARDED, _TENDERER, _may_be_awarded, "awarded"),
    Step("contract", _at(State.AWARDED), State.CONTRACTED, _TENDERER, _has_contract, "contracted"),
    Step("archive", _FILED_FROM, State.ARCHIVED, _FILE, _free, "archived"),
    Step("fail", _BEGUN, State.FAILED, _LEAD, _may_fail, "failed"),
    Step("terminate", _LIVE, State.TERMINATED, _TENDERER, _has_reason, "terminated"),
    Step("suspend", _LIVE, None, _HALT, _may_be_suspended, "suspended"),
    Step("resume", _LIVE, None, _HALT, _may_be_resumed, "resumed"),
)
STEPS = {row.name: row for row in _ROWS}
WHILE_SUSPENDED = frozenset({"suspend", "resume", "terminate"})
