"""The whole server as processes: it starts from nothing, sequences the log, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from api.embedded import leftovers
from api.server import serve
from api.settings import Settings
from kernel.errors import GgzyError

PATIENCE = 90.0  # seconds; a limit for what never ends, nothing is measured


class Server:
    """`ggzy serve` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> subprocess.Popen[bytes]:
        """Start it with two workers and wait until it is ready."""
        environment = os.environ | {"GGZY_DATA_DIR": str(self.folder), "GGZY_SANDBOX": "true"}
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(self.port), "--workers", "2"]
        with (self.folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until(lambda: self.get("/readyz") == "ok" or process.poll() is not None)
        assert process.poll() is None, (self.folder / "serve.log").read_text()
        return process

    def get(self, path: str) -> str | None:
        """Return the text of a successful answer."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)
        except httpx.TransportError:
            return None
        return answer.text if answer.is_success else None

    def quiet(self) -> bool:
        """Tell whether neither PostgreSQL nor a worker of ours is left."""
        ours = [p for p in psutil.process_iter(["environ", "status"]) if _belongs(p, self.folder)]
        return not ours and not leftovers.working_in(self.folder / "postgres" / "data")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a fresh folder; whatever a failing test leaves running is ended."""
    with tempfile.TemporaryDirectory(prefix="ggzy-server-") as name:
        Path(name).chmod(0o755)
        made = Server(Path(name))
        yield made
        for process in psutil.process_iter(["environ", "status"]):
            if _belongs(process, made.folder):
                process.kill()
        leftovers.stop(made.folder / "postgres" / "data")


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda order: order.name)
def test_nothing_is_left_behind(server: Server, order: signal.Signals) -> None:
    """Interrupted, terminated or killed: workers and database are gone; the next start goes on with the same log."""
    process = server.start()
    until(lambda: server.get("/log/checkpoint") is not None)
    origin = str(server.get("/log/checkpoint")).splitlines()[0]
    process.send_signal(order)
    process.wait(PATIENCE)
    until(server.quiet)
    again = server.start()
    assert str(server.get("/log/checkpoint")).splitlines()[0] == origin
    again.send_signal(signal.SIGINT)
    assert again.wait(PATIENCE) == 0
    until(server.quiet)


def test_a_taken_port_is_refused(server: Server) -> None:
    """A second server on the same port says so and starts nothing, instead of sharing the port with the first."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        with pytest.raises(GgzyError) as caught:
            serve(Settings(data_dir=server.folder, port=server.port))
    assert caught.value.code == "server.port_taken"
    assert not (server.folder / "postgres").exists()


@pytest.mark.parametrize(
    ("host", "told", "secure"), [("127.0.0.1", None, False), ("192.0.2.1", None, True), ("::1", True, True)]
)
def test_cookies_are_secure_but_on_loopback(host: str, told: bool | None, secure: bool) -> None:  # noqa: FBT001 - a table's row
    """Unset, the session's cookie goes over HTTPS only wherever others can reach the server."""
    assert Settings(host=host, secure_cookies=told).cookies_over_https_only is secure


def test_it_outlives_its_database(server: Server) -> None:
    """Kill -9 of PostgreSQL under a running server: it is started again and requests are answered again."""
    process = server.start()
    (postmaster,) = [
        one for one in leftovers.working_in(server.folder / "postgres" / "data") if one.ppid() == process.pid
    ]
    postmaster.kill()
    until(lambda: server.get("/readyz") is None or not postmaster.is_running())
    until(lambda: server.get("/readyz") == "ok")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    until(server.quiet)


def until(true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _belongs(process: psutil.Process, folder: Path) -> bool:
    environment = process.info["environ"] or {}
    return environment.get("GGZY_DATA_DIR") == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE
