"""The command line's start: `ggzy --help` as a whole process, beside `python -c pass` in the same turns."""

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "cli-start.json"
TURNS, TARGET = 25, 8.0
COMMAND = [str(Path(sys.executable).parent / "ggzy"), "--help"]
PEER = [sys.executable, "-c", "pass"]


@pytest.mark.bench
def test_the_command_line_starts_quickly() -> None:
    """Medians of interleaved runs, warm files: at most eight bare starts of the interpreter."""
    ours, theirs = [], []
    for turn in range(TURNS + 1):
        for command, times in ((COMMAND, ours), (PEER, theirs)):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if turn:  # the first warms the caches
                times.append(time.perf_counter() - start)
    mine, peer = statistics.median(ours), statistics.median(theirs)
    result = {
        "what": "start of the command line (`ggzy --help`)",
        "peer": "`python -c pass`",
        "ratio": round(mine / peer, 2),
        "target": TARGET,
        "lower_is_better": True,
        "milliseconds": round(mine * 1000, 1),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    print(result)  # noqa: T201 - shown by `make bench`
    RESULT.write_text(json.dumps(result) + "\n", encoding="utf-8")
    assert mine <= TARGET * peer
