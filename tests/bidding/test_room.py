"""The opening room's state machine: steps, the time for objections, and what pauses do to it."""

from datetime import UTC, datetime, timedelta

import pytest

from bidding import room
from bidding.room import Phase, Standing

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPEN = Standing("opening", "began", listed=6, decided=6, given=2, minutes=10, read_at=AT, silent=3)


@pytest.mark.parametrize(
    ("standing", "phase"),
    [
        (Standing("announced"), Phase.WAITING),
        (Standing("failed"), Phase.FAILED),
        (Standing("terminated"), Phase.ENDED),
        (Standing("archived"), Phase.ENDED),
        (Standing("evaluated"), Phase.ENDED),
        (Standing("terminated", "began", listed=6, decided=6, minutes=10, read_at=AT, silent=3), Phase.ENDED),
        (Standing("opening", "began", listed=6), Phase.LIST),
        (Standing("opening", "began", listed=6, given=1), Phase.DECRYPTION),
        (Standing("opening", "began", listed=6, decided=5, given=2), Phase.DECRYPTION),
        (OPEN, Phase.READING),
        (Standing("opening", "began", listed=6, decided=6, minutes=10, read_at=AT, silent=0), Phase.RECORD),
        (Standing("opening", "began", listed=6, decided=6, minutes=10, read_at=AT, unanswered=1), Phase.READING),
        (Standing("opening", "began", listed=6, decided=6, minutes=10, read_at=AT, closed=True), Phase.RECORD),
        (Standing("opened", "finished", listed=6, decided=6), Phase.CLOSED),
    ],
)
def test_the_phase_follows_from_what_happened(standing: Standing, phase: Phase) -> None:
    """名单, 解密, 唱标, 记录, 结束: each by what is there, never by somebody's word."""
    assert room.phase(standing, AT + MINUTE) is phase


def test_time_alone_ends_the_hearing() -> None:
    """Bidders who say nothing are waited for until their time is over, and not longer."""
    assert room.phase(OPEN, AT + 10 * MINUTE - timedelta(microseconds=1)) is Phase.READING
    assert room.phase(OPEN, AT + 10 * MINUTE) is Phase.RECORD
    refusal = room.may_close(OPEN, AT + MINUTE)
    assert refusal is not None
    assert (refusal.code, refusal.params["count"]) == ("opening.bidders_unheard", 3)


def test_pauses_stop_the_clock() -> None:
    """What a pause takes of the time for objections is given back; one before it takes nothing."""

    def ends(*pauses: tuple[datetime, datetime | None]) -> datetime | None:
        return room.hearing_ends(Standing("opening", "began", 6, 6, 2, 10, AT, 3, pauses=pauses))

    assert ends() == AT + 10 * MINUTE
    assert ends((AT - 5 * MINUTE, AT - MINUTE)) == AT + 10 * MINUTE
    assert ends((AT - MINUTE, AT + 2 * MINUTE)) == AT + 12 * MINUTE
    assert ends((AT + MINUTE, AT + 4 * MINUTE), (AT + 12 * MINUTE, AT + 13 * MINUTE)) == AT + 14 * MINUTE
    assert ends((AT + 20 * MINUTE, AT + 30 * MINUTE)) == AT + 10 * MINUTE
    assert ends((AT + MINUTE, None)) is None


def test_a_paused_opening_is_neither_closed_nor_paused_again() -> None:
    """While a pause lasts there is one way on: to resume."""
    paused = Standing("opening", "began", 6, 6, 2, 10, AT, 0, pauses=[(AT, None)])
    assert getattr(room.may_close(paused, AT), "code", None) == "opening.paused"
    asked = Standing("opening", "began", 6, 6, 2, 10, AT, 0, pause_asked=True)
    assert getattr(room.may_close(asked, AT), "code", None) == "opening.pause_asked"
    assert getattr(room.may_order(paused, "pause"), "code", None) == "opening.paused"
    assert room.may_order(paused, "resume") is None
    assert getattr(room.may_order(OPEN, "resume"), "code", None) == "opening.not_paused"


def test_nothing_is_done_once_the_lot_has_ended() -> None:
    """A lot that is terminated in the middle of its opening: no time runs, nobody speaks, pauses or closes."""
    over = Standing("terminated", "began", listed=6, decided=6, given=2, minutes=10, read_at=AT, silent=3)
    assert room.hearing_ends(over) is None
    for refusal in (room.may_close(over, AT), room.may_speak(over, "objected"), room.may_order(over, "pause")):
        assert getattr(refusal, "code", None) == "opening.closed"


def test_nobody_confirms_what_was_not_read_out() -> None:
    """A confirmation waits for the last verdict; an objection does not; after the close there is neither."""
    half = Standing("opening", "began", listed=6, decided=5, given=2)
    assert getattr(room.may_speak(half, "confirmed"), "code", None) == "opening.not_read_out"
    assert room.may_speak(half, "objected") is None
    for over in (Standing("opened", "finished", 6, 6), Standing("opening", "began", 6, 6, closed=True)):
        assert getattr(room.may_speak(over, "objected"), "code", None) == "opening.closed"
