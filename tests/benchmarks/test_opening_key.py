"""What key making and opening cost, as ratios: to the limit of a share, to fewer bids, to bare group operations."""

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bidding import group, opening, opening_shares
from bidding.opening_shares import Question
from kernel.entropy import SystemEntropy
from tests.bidding.docket import sealed
from tests.bidding.table import Made, make

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "opening-key.json"
ROUNDS = 5
LIMIT = 0.001  # CPU seconds for one share's check
ENTROPY = SystemEntropy()

pytestmark = pytest.mark.bench


def test_key_making_and_opening() -> None:
    """A share is checked in under a millisecond; opening is linear in bids; a key making costs little but its group."""
    made = make()
    check = best(lambda: one_check(made, 50)) / 50
    few, many = (best(lambda bids=bids: whole(made, bids)) for bids in (50, 200))
    making = best(lambda: timed(make))
    bare = operations() * multiplication()
    rows = [
        row("opening: one custodian's share checked", "1 ms", check / LIMIT, 1.0, milliseconds=check * 1000),
        row(
            "opening, shares only, 2 of 3: 200 bids, per bid",
            "50 bids, per bid",
            many / few / 4,
            1.2,
            milliseconds=many * 1000,
        ),
        row(
            "key making 2 of 3, one key, all devices and the transcript's check",
            "its scalar multiplications alone, bare libsodium",
            making / bare,
            2.0,
            milliseconds=making * 1000,
        ),
    ]
    RESULTS.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), "utf-8")
    assert [one["what"] for one in rows if float(str(one["ratio"])) > float(str(one["target"]))] == []


def whole(made: Made, bids: int) -> float:
    """Return the CPU seconds of an opening's shares: two custodians answer, both are checked, every K is combined."""
    question, answers = answers_of(made, bids)
    begin = time.process_time()
    checked = [opening_shares.check(answer, question) for answer in answers]
    for envelope in question.envelopes:
        header = envelope.header.hash()
        opening.combine({one.custodian: one.images[header] for one in checked}, 2)
    return time.process_time() - begin


def one_check(made: Made, bids: int) -> float:
    """Return the CPU seconds for the check of one custodian's answer."""
    question, answers = answers_of(made, bids)
    return timed(lambda: opening_shares.check(answers[0], question))


_QUESTIONS: dict[int, tuple[Question, list[bytes]]] = {}


def answers_of(made: Made, bids: int) -> tuple[Question, list[bytes]]:
    """Return a question of so many envelopes and two custodians' answers, made once."""
    if bids not in _QUESTIONS:
        key = made.transcript.keys[0]
        envelopes = tuple(sealed(key, 0).envelopes[0] for _ in range(bids))
        question = Question(bytes(32), key, envelopes)
        pairs = zip(made.received[:2], made.table.devices, strict=False)
        answers = [opening_shares.write(question, got.index, got.shares[0], device, ENTROPY) for got, device in pairs]
        _QUESTIONS[bids] = question, answers
    return _QUESTIONS[bids]


def operations() -> int:
    """Count the scalar multiplications of one key making."""
    count = 0
    originals = group.mult, group.base_mult

    def counted(original: Callable[..., bytes]) -> Callable[..., bytes]:
        def call(*arguments: bytes) -> bytes:
            nonlocal count
            count += 1
            return original(*arguments)

        return call

    group.mult, group.base_mult = (counted(original) for original in originals)
    try:
        make()
    finally:
        group.mult, group.base_mult = originals
    return count


def multiplication() -> float:
    """Return the CPU seconds of one multiplication of a point by libsodium."""
    scalar = group.random_scalar(ENTROPY)
    point = group.base_mult(scalar)
    return best(lambda: timed(lambda: [group.mult(scalar, point) for _ in range(200)])) / 200


def timed(work: Callable[[], object]) -> float:
    """Return the CPU seconds that the work took."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def best(measure: Callable[[], float]) -> float:
    """Return the fastest of several rounds, the one least disturbed."""
    return min(measure() for _ in range(ROUNDS))


def row(what: str, peer: str, ratio: float, target: float, *, milliseconds: float) -> dict[str, object]:
    """Return one result and print it."""
    line: dict[str, object] = {
        "what": what,
        "peer": peer,
        "ratio": round(ratio, 3),
        "target": target,
        "lower_is_better": True,
        "milliseconds": round(milliseconds, 3),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, CPU time",
    }
    print(json.dumps(line, ensure_ascii=False))  # noqa: T201 - a benchmark is read by people
    return line
