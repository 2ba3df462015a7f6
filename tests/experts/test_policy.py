"""Who learns of experts, and when, as far as the decision is pure."""

from dataclasses import replace

from experts import policy
from kernel.actor import ANONYMOUS
from tests.bidding.test_policy import LOT
from trading.lot import State


def test_a_committee_is_named_once_the_award_is_made() -> None:
    """While candidates are public the award is open, so names stay secret (招标投标法 37); a draw's codes do not."""
    named = {state for state in State if policy.may_name(replace(LOT, state=state))}
    assert named == {State.AWARDED, State.CONTRACTED, State.ARCHIVED}
    replayed = {state for state in State if policy.may_see_transcript(ANONYMOUS, replace(LOT, state=state)) is None}
    assert replayed == named | {State.PUBLICIZED}
