"""The published vectors of opening requests: what they declare is what Python says, and they are what is generated."""

import json
from typing import Any

import pytest

from archive.note import parse_key
from bidding import custodian, transcript
from bidding.custodian import Pins
from kernel.clock import parse
from kernel.errors import GgzyError
from tests.vectors.opening import generate

TOLD: dict[str, Any] = json.loads((generate.FOLDER / "requests.json").read_text("utf-8"))
KEY = transcript.verify_transcript(TOLD["transcript"].encode()).keys[TOLD["key_index"]]
PINS = Pins(TOLD["chain"].encode(), parse_key(TOLD["vkey"]))


@pytest.mark.parametrize("case", TOLD["cases"], ids=lambda case: case["name"])
def test_requests_are_met_as_declared(case: dict[str, Any]) -> None:
    """Each case meets its code, so that devices in other languages can be held against it."""
    seen = None if case["newest_seen"] is None else parse(case["newest_seen"])
    try:
        custodian.examine(case["stamped"].encode(), KEY, PINS, newest_seen=seen)
        said = "ok"
    except GgzyError as error:
        said = error.code
    assert said == case["expect"]


def test_the_generator_writes_what_is_published() -> None:
    """Nonces come out byte for byte; requests with the same cases and verdicts (tokens are randomized)."""
    made = generate.files()
    assert made["nonces.json"] == (generate.FOLDER / "nonces.json").read_text("utf-8")
    cases = json.loads(made["requests.json"])["cases"]
    assert [(one["name"], one["expect"]) for one in cases] == [(one["name"], one["expect"]) for one in TOLD["cases"]]
