"""512 MiB in parts through the application into the folder store, beside a bare server; memory of 2 GiB."""

import http.client
import json
import os
import platform
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from api.settings import Settings
from bidding.segments import PART_SIZE, part_root
from kernel import actor as actors
from kernel.actor import Grant, Role
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.faults.process import Server

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "upload.json"
PARTS, BIG_PARTS, ROUNDS, CONNECTIONS = 64, 256, 3, 2
SPEED, MEMORY = 0.6, 100
PRICE_ONLY = [{"kind": "price", "stage": 1}]

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[int]:
    """The bare server's port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder = tmp_path / "bare"
    folder.mkdir()
    environment = os.environ | {"BARE_FOLDER": str(folder), "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.bare_server", str(port)], env=environment)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.kill()
    process.wait()


@pytest.mark.bench
async def test_upload_through_the_application(
    installation: Any, settings: Settings, someone: Make, bare: int, tmp_path: Path
) -> None:
    """The same parts over the same number of connections, in turn; before them 2 GiB, the memory watched."""
    scene = await scenes.prepare(installation, tmp_path, envelopes=PRICE_ONLY)
    who = await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[0])))
    parts = make_parts(PARTS)
    server = Server(settings, tmp_path / "server.log")
    server.start()
    try:
        idle, peak = watch(server, lambda: send_big(server, scene, who.headers, parts))
        ours, theirs = [], []
        for number in range(ROUNDS):
            theirs.append(send_all(bare, [(f"/{number}/{n}", data, {}) for n, (data, _) in enumerate(parts)]))
            upload = begin(server, scene, who.headers, PARTS)
            ours.append(send_all(server.port, requests(upload, parts, who.headers, PARTS)))
    finally:
        server.kill()
    lines = [speed_line(min(ours), min(theirs)), memory_line(peak - idle, idle)]
    for line in lines:
        print(line)  # noqa: T201 - that is what a benchmark is for
    RESULT.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


def make_parts(count: int) -> list[tuple[bytes, str]]:
    """Return distinct parts of 8 MiB with their roots."""
    base = os.urandom(PART_SIZE - 8)
    found = [n.to_bytes(8, "big") + base for n in range(count)]
    return [(data, part_root(data).hex()) for data in found]


def begin(server: Server, scene: Scene, headers: dict[str, str], count: int) -> str:
    """Open an upload session for one body of so many parts."""
    draft = {"bidder": stage.USCCS[0], "bodies": {"price": count * PART_SIZE}}
    answer = httpx.post(f"{server.url}/api/v1/lots/{scene.lot_id}/uploads", json=draft, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def requests(
    upload: str, parts: list[tuple[bytes, str]], headers: dict[str, str], count: int
) -> list[tuple[str, bytes, dict[str, str]]]:
    """Return path, body and headers of each part's request."""
    chosen = [parts[n % len(parts)] for n in range(count)]
    return [
        (f"/api/v1/uploads/{upload}/price/{n}", data, headers | {"Part-Root": root})
        for n, (data, root) in enumerate(chosen)
    ]


def send_all(port: int, wanted: list[tuple[str, bytes, dict[str, str]]]) -> float:
    """Send every request over a few connections and return the seconds."""
    waiting, failed = iter(wanted), []
    turn = threading.Lock()

    def worker() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with turn:
                following = next(waiting, None)
            if following is None:
                break
            path, data, headers = following
            connection.request("PUT", path, body=data, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                failed.append(text)
        connection.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=worker) for _ in range(CONNECTIONS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed, failed[0]
    return time.perf_counter() - begun


def send_big(server: Server, scene: Scene, headers: dict[str, str], parts: list[tuple[bytes, str]]) -> None:
    """Send 2 GiB."""
    upload = begin(server, scene, headers, BIG_PARTS)
    send_all(server.port, requests(upload, parts, headers, BIG_PARTS))


def watch(server: Server, work: Callable[[], None]) -> tuple[int, int]:
    """Return the server's resident memory before and at its peak during the work, both in bytes, all processes."""
    family = server.family()

    def resident() -> int:
        return sum(one.memory_info().rss for one in family)

    idle = peak = resident()
    over = threading.Event()

    def look() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, resident())

    looking = threading.Thread(target=look)
    looking.start()
    work()
    over.set()
    looking.join()
    return idle, peak


def speed_line(ours: float, theirs: float) -> dict[str, object]:
    """Return the result of the speed."""
    return {
        "what": "upload of 512 MiB in parts through the app, hashed and durable",
        "peer": "bare granian server with SHA-256 and fsync",
        "ratio": round(theirs / ours, 2),
        "target": SPEED,
        "value": f"{PARTS * PART_SIZE / ours / 1e6:.0f} MB/s",
        "machine": machine(),
    }


def memory_line(grown: int, idle: int) -> dict[str, object]:
    """Return the result of the memory."""
    return {
        "what": "peak memory of an upload of 2 GiB above the idle server, MiB",
        "peer": f"idle server of {idle >> 20} MiB",
        "ratio": round(grown / (1 << 20), 1),
        "target": MEMORY,
        "lower_is_better": True,
        "machine": machine(),
    }


def machine() -> str:
    """Return what figures depend on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
