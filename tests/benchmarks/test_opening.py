"""Opening 200 bids by two of three custodians, beside 50: time grows with the number of bids and not faster."""

import json
import os
import platform
import time
from pathlib import Path

import pytest

from api.wiring import Installation
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "opening.json"
FEW, MANY, TARGET = 50, 200, 1.25
PRICE_ONLY = [{"kind": "price", "stage": 1}]


async def open_bids(scene: Scene, count: int) -> dict[str, float]:
    """Hand in so many bids, open them, and return the seconds of the custodian, of the checks, and of the opening."""
    for number in range(count):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    stamped = await scene.request()
    times = {"device": 0.0, "checks": 0.0, "opening": 0.0}
    for index in (1, 2):
        begun = time.perf_counter()
        answer = scene.answer(stamped, index)
        times["device"] += time.perf_counter() - begun
        begun = time.perf_counter()
        await scene.give(answer, index)
        times["checks"] += time.perf_counter() - begun
    begun = time.perf_counter()
    assert (await scene.proceed()).decided == count
    times["opening"] = time.perf_counter() - begun
    return times


@pytest.mark.bench
async def test_opening_is_linear(installation: Installation, tmp_path: Path) -> None:
    """Two lots in one run: the time per bid with 200 bids over that with 50."""
    results = []
    for number, count in enumerate((FEW, MANY)):
        made = stage.custodians(f"bench-{number}")
        folder = tmp_path / str(count)
        folder.mkdir()
        results.append(
            (count, await open_bids(await scenes.prepare(installation, folder, made=made, envelopes=PRICE_ONLY), count))
        )
    (few, small), (many, large) = results
    line = {
        "what": f"opening {many} bids, 2 of 3: time per bid",
        "peer": f"time per bid with {few} bids",
        "ratio": round((large["opening"] / many) / (small["opening"] / few), 2),
        "target": TARGET,
        "lower_is_better": True,
        "value": f"{large['opening'] / many * 1000:.1f} ms a bid",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    print(line)  # noqa: T201 - that is what a benchmark is for
    RESULT.write_text(json.dumps(line, ensure_ascii=False) + "\n", "utf-8")
