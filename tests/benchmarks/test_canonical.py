"""Canonical bytes of one event, ours against the package `rfc8785`: every entry of the log pays this once."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from pytest_benchmark.fixture import BenchmarkFixture

from kernel import canonical

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "canonical.json"
EVENT: dict[str, Any] = {
    "format": "ggzy/event/v1",
    "id": "2d4b45d9-50d5-493e-b852-44cc5b287d3c",
    "kind": "bid.received",
    "at": "2026-11-22T00:29:25.566654Z",
    "trade": "66112239-9776-461f-8f01-aef9585b7266",
    "actor": {"name": "苏和", "user": "b0b45f4e-7a1e-4c49-a4f4-4f0a7e8f4f00"},
    "data": {"lot": "66112239-9776-461f-8f01-aef9585b7266", "envelopes": [{"kind": "price", "length": 380000}]},
    "sandbox": True,
}

pytestmark = [pytest.mark.bench, pytest.mark.benchmark(group="canonical", min_rounds=2000)]
medians: dict[str, float] = {}


@pytest.mark.parametrize(("name", "encode"), [("peer", rfc8785.dumps), ("ours", canonical.encode)])
def test_encoding_an_event(benchmark: BenchmarkFixture, name: str, encode: Any) -> None:
    """Both give the same bytes; the ratio of their medians is kept."""
    assert benchmark(encode, EVENT) == rfc8785.dumps(EVENT)
    medians[name] = benchmark.stats.stats.median
    if len(medians) == 2:
        line = {
            "what": "canonical JSON of one event",
            "peer": "the package rfc8785",
            "ratio": round(medians["peer"] / medians["ours"], 2),
            "target": 1.0,
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
        }
        RESULT.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
