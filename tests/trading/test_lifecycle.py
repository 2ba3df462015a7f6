"""The life of a lot: every way between states is in the table and no other exists; guards ask the rule pack."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel.errors import GgzyError
from trading.lifecycle import STEPS, WHILE_SUSPENDED, Circumstances, decide
from trading.lot import ENDED, UNANNOUNCED, EnvelopeRule, LotFacts, State
from trading.rulepack import pack

PACK = pack("construction", "152502", date(2026, 11, 21))
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SPEC = Path(__file__).parents[2] / "docs" / "spec" / "lifecycle.md"


def lot(state: State = State.DRAFT, **changes: Any) -> LotFacts:
    """Return a lot whose deadline is in 21 days and which has its key."""
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "tender_id": UUID(int=2),
        "tender_code": "152502-GC-2026-0001",
        "tender_title": "改造工程",
        "number": 1,
        "title": "一标段",
        "state": state,
        "site": "152502",
        "purchaser": "p",
        "agency": None,
        "region": "152502",
        "trade_type": "construction",
        "deadline": NOW + 21 * DAY,
        "envelopes": (EnvelopeRule("price", 1),),
        "opening_policy": "quorum",
        "threshold": 2,
        "custodians": 3,
        "estimate": Decimal(100),
        "ceiling": None,
        "opening_key_hash": b"k" * 32,
    }
    return LotFacts(**values | changes)


# Circumstances under which every step may be taken, at a time after the deadline.
GOOD = Circumstances(
    documents=frozenset({"tender_documents", "contract"}),
    bids=3,
    candidates=("a", "b"),
    publicity_ends=NOW + 30 * DAY,
    winner="a",
    missing=("x",),
    reason="令",
)


def take(name: str, before: LotFacts, told: Circumstances = GOOD, now: datetime = NOW) -> LotFacts:
    """Take a step under the construction pack."""
    return decide(before, name, told, PACK, now)


def when(name: str) -> tuple[Circumstances, datetime]:
    """Return circumstances and time under which this step is allowed from its states."""
    if name == "fail":
        return replace(GOOD, bids=2), NOW + 22 * DAY
    if name in {"begin_opening", "fail"}:
        return GOOD, NOW + 22 * DAY
    return (GOOD, NOW + 31 * DAY) if name == "award" else (GOOD, NOW)


@pytest.mark.parametrize(("name", "state"), list(itertools.product(STEPS, State)))
def test_a_step_is_taken_from_its_states_only(name: str, state: State) -> None:
    """In good circumstances a step succeeds from exactly its sources and leads to exactly its target."""
    step, (told, now) = STEPS[name], when(name)
    before = lot(state, suspended=name == "resume")
    if state in step.sources:
        after = take(name, before, told, now)
        assert after.state == (step.target or state)
        assert replace(after, state=state, suspended=before.suspended) == before
    else:
        with pytest.raises(GgzyError, match=r"lot\.(wrong_state|ended)"):
            take(name, before, told, now)


@pytest.mark.parametrize("name", sorted(set(STEPS) - WHILE_SUSPENDED))
def test_a_suspended_lot_stands_still(name: str) -> None:
    """While suspended nothing moves but resume and terminate."""
    told, now = when(name)
    for state in STEPS[name].sources:
        with pytest.raises(GgzyError, match=r"lot\.suspended"):
            take(name, lot(state, suspended=True), told, now)


def test_an_unknown_step_is_refused() -> None:
    """There is no step but those of the table."""
    with pytest.raises(GgzyError, match=r"step\.unknown"):
        take("fly", lot())


@pytest.mark.parametrize(
    ("name", "state", "changes", "told", "now", "refusal"),
    [
        ("return", State.ENTERED, {}, {"missing": ()}, NOW, "tender.missing_not_listed"),
        ("accept", State.ENTERED, {}, {"documents": frozenset()}, NOW, "tender.documents_missing"),
        ("announce", State.ACCEPTED, {"opening_key_hash": None}, {}, NOW, "lot.no_opening_key"),
        ("announce", State.ACCEPTED, {"deadline": None}, {}, NOW, "lot.no_deadline"),
        ("announce", State.ACCEPTED, {}, {"documents": frozenset()}, NOW, "tender.documents_missing"),
        ("announce", State.ACCEPTED, {}, {}, NOW + DAY + timedelta(microseconds=1), "deadline.too_early"),
        ("begin_opening", State.ANNOUNCED, {}, {}, NOW + 21 * DAY - timedelta(microseconds=1), "deadline.not_reached"),
        ("begin_opening", State.ANNOUNCED, {}, {"bids": 2}, NOW + 21 * DAY, "lot.too_few_bids"),
        ("begin_opening", State.ANNOUNCED, {}, {"bids": None}, NOW + 21 * DAY, "step.bids_untold"),
        ("fail", State.ANNOUNCED, {}, {"bids": 2}, NOW, "deadline.not_reached"),
        ("fail", State.ANNOUNCED, {}, {"bids": 3}, NOW + 21 * DAY, "lot.enough_bids"),
        ("fail", State.EVALUATING, {}, {"reason": " "}, NOW, "step.no_reason"),
        ("publicize", State.EVALUATED, {}, {"candidates": ()}, NOW, "lot.no_candidates"),
        ("publicize", State.EVALUATED, {}, {"publicity_ends": None}, NOW, "lot.no_candidates"),
        ("publicize", State.EVALUATED, {}, {"candidates": tuple("abcd")}, NOW, "lot.too_many_candidates"),
        ("publicize", State.EVALUATED, {}, {}, NOW + 27 * DAY + timedelta(microseconds=1), "publicity.too_short"),
        ("award", State.PUBLICIZED, {}, {}, NOW + 30 * DAY - timedelta(microseconds=1), "publicity.not_ended"),
        ("award", State.PUBLICIZED, {}, {"winner": "z"}, NOW + 30 * DAY, "award.not_a_candidate"),
        ("award", State.PUBLICIZED, {}, {"winner": "b", "reason": ""}, NOW + 30 * DAY, "award.not_first_rank"),
        ("contract", State.AWARDED, {}, {"documents": frozenset()}, NOW, "lot.no_contract"),
        ("terminate", State.ANNOUNCED, {}, {"reason": ""}, NOW, "step.no_reason"),
        ("suspend", State.ANNOUNCED, {}, {"reason": ""}, NOW, "step.no_reason"),
        ("suspend", State.ANNOUNCED, {"suspended": True}, {}, NOW, "lot.suspended"),
        ("resume", State.ANNOUNCED, {}, {}, NOW, "lot.not_suspended"),
        ("resume", State.ANNOUNCED, {"suspended": True}, {"by_order": True}, NOW, "lot.suspended_by_order"),
        ("resume", State.ANNOUNCED, {"suspended": True}, {}, NOW + 21 * DAY, "deadline.passed_while_suspended"),
    ],
)
def test_guards_refuse(
    *, name: str, state: State, changes: dict[str, Any], told: dict[str, Any], now: datetime, refusal: str
) -> None:
    """Each guard refuses with its own code, to the microsecond."""
    with pytest.raises(GgzyError) as caught:
        take(name, lot(state, **changes), replace(GOOD, **told), now)
    assert caught.value.code == refusal


@pytest.mark.parametrize(
    ("name", "state", "now"),
    [
        ("announce", State.ACCEPTED, NOW + DAY),
        ("begin_opening", State.ANNOUNCED, NOW + 21 * DAY),
        ("publicize", State.EVALUATED, NOW + 27 * DAY),
        ("award", State.PUBLICIZED, NOW + 30 * DAY),
    ],
)
def test_the_very_moment_counts(name: str, state: State, now: datetime) -> None:
    """What may be done from a time on may be done at that very time."""
    assert take(name, lot(state), GOOD, now).state == STEPS[name].target


def test_the_second_candidate_needs_a_reason() -> None:
    """Rank 1 wins, another only for a stated reason (条例55)."""
    told = replace(GOOD, winner="b", reason="第一名放弃中标")
    assert take("award", lot(State.PUBLICIZED), told, NOW + 30 * DAY).state == State.AWARDED


def test_the_spec_has_the_same_table() -> None:
    """docs/spec/lifecycle.md states every step as the code does: sources, target, who, all lots or one, event."""
    rows = [line for line in SPEC.read_text("utf-8").splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert rows == [spec_row(name) for name in STEPS]


def spec_row(name: str) -> str:
    """Return the row of the specification for a step."""
    step = STEPS[name]
    order = list(State)
    sources = "any but archived, terminated, failed" if step.sources == frozenset(State) - ENDED else ""
    sources = sources or ", ".join(sorted(step.sources, key=order.index))
    target = step.target or "(unchanged)"
    scope = f"tender.{step.event}" if step.together else f"lot.{step.event}"
    return f"| `{name}` | {sources} | {target} | {', '.join(sorted(step.by))} | `{scope}` |"


@given(st.sampled_from(sorted(STEPS)), st.sampled_from(sorted(State)), st.booleans(), st.integers(-40, 40))
def test_decide_raises_our_errors_only(name: str, state: State, suspended: bool, days: int) -> None:  # noqa: FBT001 - drawn
    """Whatever is asked in whatever state, the answer is a lot or a refusal of ours."""
    try:
        after = take(name, lot(State(state), suspended=suspended), Circumstances(), NOW + days * DAY)
        assert after.state in State
    except GgzyError:
        pass


class Life(RuleBasedStateMachine):
    """A lot led at random: what the law forbids stays impossible however the steps are mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.lot, self.now = lot(), NOW
        self.been: list[str] = [State.DRAFT]
        self.publicity: datetime | None = None
        self.bids = 0

    @rule(hours=st.integers(1, 200))
    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.lot.state == State.ANNOUNCED)
    @rule(bids=st.integers(0, 6))
    def bid(self, bids: int) -> None:
        """Let bids come in."""
        self.bids = bids

    @rule(name=st.sampled_from(sorted(STEPS)))
    def step(self, name: str) -> None:
        """Try a step, with a publicity of three days when the candidates are published."""
        publicity = self.now + 3 * DAY if name == "publicize" else self.publicity
        told = replace(GOOD, bids=self.bids, publicity_ends=publicity)
        before = self.lot
        try:
            self.lot = take(name, before, told, self.now)
        except GgzyError:
            return
        if name == "publicize":
            self.publicity = publicity
        if self.lot.state != before.state:
            self.been.append(self.lot.state)
        assert not before.suspended or name in WHILE_SUSPENDED

    @invariant()
    def nothing_opens_early_or_too_few(self) -> None:
        """An opened lot has passed its deadline with three bids."""
        if State.OPENING in self.been:
            assert self.lot.deadline is not None
            assert self.now >= self.lot.deadline

    @invariant()
    def an_award_follows_its_publicity(self) -> None:
        """An awarded lot was public for its days."""
        if State.AWARDED in self.been:
            assert self.publicity is not None
            assert self.now >= self.publicity

    @invariant()
    def announced_once_never_a_draft_again(self) -> None:
        """After the announcement no way leads back before it."""
        if State.ANNOUNCED in self.been:
            assert self.lot.state not in UNANNOUNCED

    @invariant()
    def the_end_is_the_end(self) -> None:
        """From failed and terminated only the archive follows, from the archive nothing."""
        ended = [state for state in self.been if state in ENDED]
        assert len(ended) <= 2
        assert self.been.count(State.ARCHIVED) <= 1


TestLife = Life.TestCase
