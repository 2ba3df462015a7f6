"""The policy of bids and openings: pure decisions, each refusal with its code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from bidding import policy
from kernel import actor as actors
from kernel.actor import EVERYWHERE, Actor, Role
from kernel.errors import GgzyError
from tests.bidding import stage
from trading.lot import EnvelopeRule, LotFacts, State

DEADLINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
LOT = LotFacts(
    id=uuid4(),
    tender_id=uuid4(),
    tender_code="T",
    tender_title="改造工程",
    number=1,
    title="一标段",
    state=State.ANNOUNCED,
    site=stage.SITE,
    purchaser=stage.PURCHASER,
    agency=None,
    region=stage.SITE,
    trade_type="construction",
    deadline=DEADLINE,
    envelopes=(EnvelopeRule("technical", 1), EnvelopeRule("price", 2)),
    opening_policy="quorum",
    threshold=2,
    custodians=3,
    estimate=Decimal("1.00"),
    ceiling=None,
    opening_key_hash=bytes(32),
)
BIDDER = stage.bidder(0).actor
WITNESS = stage.witness().actor
BODIES = {"technical": 1, "price": 1}


def code(refusal: GgzyError | None) -> str | None:
    """The code of a refusal."""
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("after", "expected"),
    [(timedelta(microseconds=-1), None), (timedelta(0), "bid.late"), (timedelta(microseconds=1), "bid.late")],
)
def test_the_deadline_is_strict(after: timedelta, expected: str | None) -> None:
    """One microsecond before the deadline is in time; the deadline itself is late."""
    assert code(policy.is_in_time(LOT, DEADLINE + after)) == expected


@pytest.mark.parametrize("state", [state for state in State if state is not State.ANNOUNCED])
def test_only_announced_lots_take_bids(state: State) -> None:
    """In every other state a bid is refused, in time or not."""
    lot = replace(LOT, state=state)
    early = DEADLINE - timedelta(days=1)
    assert code(policy.may_receive(BIDDER, stage.USCCS[0], lot, early)) == "bid.not_open"
    assert code(policy.may_upload(BIDDER, stage.USCCS[0], lot, BODIES, 0)) == "bid.not_open"


def test_no_bid_is_taken_that_could_not_be_opened() -> None:
    """A lot that wants the bidder's own secret at the opening takes no bids; one that can do without it does."""
    lot = replace(LOT, opening_policy="quorum_and_bidder")
    assert code(policy.is_biddable(lot)) == "bid.policy_not_offered"
    assert policy.is_biddable(replace(LOT, opening_policy="quorum_or_bidder")) is None


def test_uploads_keep_their_quota() -> None:
    """Exactly the envelopes asked for, within the sizes, a few sessions at a time."""
    uscc = stage.USCCS[0]
    assert policy.may_upload(BIDDER, uscc, LOT, BODIES, 0) is None
    assert code(policy.may_upload(BIDDER, uscc, LOT, {"price": 1}, 0)) == "bid.wrong_envelopes"
    huge = {"technical": policy.MAX_BODY + 1, "price": 1}
    assert code(policy.may_upload(BIDDER, uscc, LOT, huge, 0)) == "upload.too_large"
    assert code(policy.may_upload(BIDDER, uscc, LOT, BODIES, policy.MAX_OPEN_UPLOADS)) == "upload.too_many"
    assert code(policy.may_upload(WITNESS, uscc, LOT, BODIES, 0)) == "bid.not_a_bidder"
    unseen = replace(LOT, state=State.ENTERED)
    assert code(policy.may_upload(WITNESS, uscc, unseen, BODIES, 0)) == "lot.not_found"


@pytest.mark.parametrize(
    ("change", "number", "at", "expected"),
    [
        ({}, 1, DEADLINE, None),
        ({}, 1, DEADLINE - timedelta(microseconds=1), "opening.too_early"),
        ({"suspended": True}, 1, DEADLINE, "lot.suspended"),
        ({}, 3, DEADLINE, "opening.no_such_stage"),
        ({"state": State.OPENED}, 1, DEADLINE, "opening.wrong_state"),
        ({}, 2, DEADLINE, "opening.wrong_state"),
        ({"state": State.EVALUATING}, 2, DEADLINE, None),
    ],
)
def test_openings_begin_in_their_time(
    change: dict[str, object], number: int, at: datetime, expected: str | None
) -> None:
    """Stage 1 after the deadline, stage 2 during the evaluation, none while suspended."""
    assert code(policy.may_begin(WITNESS, replace(LOT, **change), number, at)) == expected  # type: ignore[arg-type]


def test_files_are_for_their_bidder_the_committee_and_overseers() -> None:
    """Rivals, other staff, experts who do not sit, and administrators see no file; nobody does before the opening."""
    opened, uscc = replace(LOT, state=State.OPENED), stage.USCCS[0]
    expert = stage.person(Role.EXPERT, EVERYWHERE, "expert").actor
    overseers = [
        WITNESS,
        stage.person(Role.SUPERVISOR, actors.site(stage.SITE), "s").actor,
        stage.person(Role.PURCHASER, actors.party(stage.PURCHASER), "p").actor,
    ]
    others: list[Actor] = [
        stage.bidder(1).actor,
        stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "a").actor,
        stage.person(Role.WITNESS, actors.site("152525"), "w").actor,
        actors.ANONYMOUS,
    ]
    assert policy.may_read_files(BIDDER, opened, uscc, ()) is None
    assert policy.may_read_files(expert, opened, uscc, {expert.user_id}) is None
    assert all(policy.may_read_files(one, opened, uscc, ()) is None for one in overseers)
    assert all(code(policy.may_read_files(one, opened, uscc, ())) == "bid.not_found" for one in [expert, *others])
    assert all(code(policy.may_read_files(one, LOT, uscc, {expert.user_id})) for one in [expert, *overseers])
