"""Actors, clocks and entropy."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.actor import EVERYWHERE, Actor, Grant, Role, party, site
from kernel.clock import civil, isoformat, parse, readable
from kernel.entropy import SeededEntropy, new_id


def test_a_role_counts_only_in_its_scope() -> None:
    """A witness at one site is none at another, unless the role is held everywhere."""
    actor = Actor(new_id(SeededEntropy(b"a")), "甲", frozenset({Grant(Role.WITNESS, site("152502"))}))
    assert actor.holds(Role.WITNESS)
    assert actor.holds(Role.WITNESS, site("152502"))
    assert not actor.holds(Role.WITNESS, site("152527"))
    assert not actor.holds(Role.SUPERVISOR)
    everywhere = Actor(actor.user_id, "乙", frozenset({Grant(Role.SUPERVISOR, EVERYWHERE)}))
    assert everywhere.holds(Role.SUPERVISOR, site("152527"))


def test_parties_of_a_role() -> None:
    """Only parties of that very role are named, and only their codes."""
    grants = frozenset({Grant(Role.BIDDER, party("X")), Grant(Role.PURCHASER, party("Y")), Grant(Role.BIDDER, "*")})
    assert Actor(new_id(SeededEntropy(b"a")), "甲", grants).parties(Role.BIDDER) == {"X"}


def test_sites_of_roles() -> None:
    """Only sites of these very roles are named; a party is no site, and everywhere knows no bounds."""
    held = {Grant(Role.WITNESS, site("152502")), Grant(Role.VENUE, site("152527")), Grant(Role.BIDDER, party("X"))}
    actor = Actor(new_id(SeededEntropy(b"a")), "甲", frozenset(held | {Grant(Role.SUPERVISOR, EVERYWHERE)}))
    assert actor.sites(Role.WITNESS, Role.BIDDER) == frozenset({"152502"})
    assert actor.sites(Role.WITNESS, Role.VENUE) == frozenset({"152502", "152527"})
    assert actor.sites(Role.WITNESS, Role.SUPERVISOR) is None
    assert actor.sites(Role.ARCHIVIST) == frozenset()
    assert actor.sites() == frozenset()


@given(st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_times_round_trip_from_any_zone(moment: datetime, hours: int) -> None:
    """A moment in any zone is written in UTC and read back equal."""
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert parse(isoformat(aware)) == aware
    assert parse(isoformat(aware)).tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-11-21T00:00:00Z", "2026-11-21T00:00:00.5Z", "2026-11-21 00:00:00.000000Z", ""])
def test_other_spellings_of_time_are_refused(text: str) -> None:
    """One moment has one spelling."""
    with pytest.raises(ValueError, match=r".*"):
        parse(text)


def test_people_read_china_standard_time() -> None:
    """A canonical time is shown at UTC+8, its fraction kept; whatever is not one is left alone."""
    moment = datetime(2026, 12, 16, 16, 0, 0, 636404, tzinfo=UTC)
    assert civil(moment) == "2026-12-17 00:00:00.636404 +08:00"
    assert readable(isoformat(moment.replace(microsecond=0))) == "2026-12-17 00:00:00 +08:00"
    for other in ("2026-13-16T16:00:00.000000Z", "第二标段", 7, None, moment):
        assert readable(other) is other


def test_seeded_entropy_replays_and_never_repeats() -> None:
    """The same seed gives the same stream, whose draws differ from each other."""
    first, second = SeededEntropy(b"seed"), SeededEntropy(b"seed")
    stream = [first.token(32) for _ in range(100)]
    assert stream == [second.token(32) for _ in range(100)]
    assert len(set(stream)) == len(stream)
