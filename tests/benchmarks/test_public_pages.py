"""Public pages from memory under wrk, beside a bare Litestar JSON route in the same run; what a first view weighs."""

import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from api.settings import Settings
from api.wiring import Installation
from tests.faults.process import Server
from tests.pages import scenery

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "public_pages.json"
ROUNDS, SECONDS, CONNECTIONS = 5, 2, 32
TARGET = 0.5


@pytest.fixture
def bare() -> Iterator[str]:
    """The bare application's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.bare_json", str(port)], env=environment)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.kill()
    process.wait()


@pytest.mark.bench
@pytest.mark.debian("wrk")
async def test_public_pages_from_memory(
    installation: Installation, settings: Settings, bare: str, tmp_path: Path
) -> None:
    """A list page and a trade's page, gzipped as browsers ask for them, in turn with the bare route."""
    painted = await scenery.paint(installation)
    server = Server(settings, tmp_path / "server.log")
    server.start()
    try:
        pages = {
            "public list of notices": f"{server.url}/notices?site=152502",
            "public page of a trade": f"{server.url}/tenders/{painted.announced.id}",
        }
        speeds: dict[str, list[float]] = {name: [] for name in ("bare", *pages)}
        for _ in range(ROUNDS):
            speeds["bare"].append(wrk(bare))
            for name, address in pages.items():
                speeds[name].append(wrk(address))
    finally:
        server.kill()
    lines = [_line(name, max(speeds[name]), max(speeds["bare"])) for name in pages]
    for line in lines:
        print(line)  # noqa: T201 - that is what a benchmark is for
    RESULT.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


def wrk(address: str) -> float:
    """Return requests per second; every answer must be a success."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", "Accept-Encoding: gzip", address]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def _line(name: str, ours: float, theirs: float) -> dict[str, object]:
    return {
        "what": f"{name} from memory, one worker",
        "peer": "bare Litestar JSON route under the same granian",
        "ratio": round(ours / theirs, 2),
        "target": TARGET,
        "value": f"{ours:.0f} requests/s",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
