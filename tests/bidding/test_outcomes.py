"""What becomes of a bid, decided from its lot and the notices about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bidding import outcomes
from bidding.outcomes import Fate
from bidding.receipt import Receipt
from bidding.submissions import Bid
from tests.bidding.test_policy import LOT as ANNOUNCED
from trading.notices import Notice

AT = datetime(2026, 11, 2, 1, tzinfo=UTC)
LOT = replace(ANNOUNCED, deadline=AT)
MINE = Bid(UUID(int=1), LOT.id, "A", "live", AT, AT, AT, Receipt(b"", b"", b"", b""))


def notice(kind: str, **data: Any) -> Notice:
    """Return a notice about the lot."""
    return Notice(UUID(int=2), LOT.tender_id, LOT.id, 1, kind, "", "", data, AT, None)


CANDIDATES = notice("candidates", candidates=[{"rank": 1, "bidder": "B"}, {"rank": 2, "bidder": "A"}])
AWARD = notice("award", winner={"bidder": "B"})


@pytest.mark.parametrize(
    ("state", "told", "fate", "rank"),
    [
        ("announced", [], Fate.DUE, 0),
        ("opening", [], Fate.OPENING, 0),
        ("evaluating", [], Fate.OPENED, 0),
        ("publicized", [CANDIDATES], Fate.RANKED, 2),
        ("archived", [CANDIDATES, AWARD], Fate.LOST, 0),
        ("archived", [CANDIDATES, notice("failure")], Fate.FAILED, 0),
        ("terminated", [AWARD, notice("termination")], Fate.TERMINATED, 0),
    ],
)
def test_the_newest_public_word_counts(state: str, told: list[Notice], fate: Fate, rank: int) -> None:
    """State and notices give the fate; an end counts above what was published before it."""
    found = outcomes.outcome(MINE, replace(LOT, state=state), {one.kind: one for one in told})
    assert (found.fate, found.rank) == (fate, rank)


def test_who_is_not_among_the_candidates_reads_so() -> None:
    """A bidder without a place is told that, and wins nothing that another was awarded."""
    other = replace(MINE, bidder="C")
    assert outcomes.outcome(other, LOT, {"candidates": CANDIDATES}).fate == Fate.UNRANKED
    assert outcomes.outcome(replace(MINE, bidder="B"), LOT, {"award": AWARD}).fate == Fate.WON


def test_a_bid_that_was_not_confirmed_is_not_opened() -> None:
    """Under a later deadline an unconfirmed bid has no part in what follows."""
    stale = replace(MINE, stands_until=AT - timedelta(days=1))
    assert outcomes.outcome(stale, replace(LOT, state="opened"), {}).fate == Fate.UNOPENED
