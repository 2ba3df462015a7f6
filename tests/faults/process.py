"""A real server process on a test's database, which can be killed like by a power cut, and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from api.settings import Settings

PATIENCE = 120.0  # seconds


class Server:
    """`ggzy serve` with one worker; every process of it dies at `kill`."""

    def __init__(self, settings: Settings, log: Path, *, workers: int = 1) -> None:
        """Describe it; nothing runs yet."""
        self.port = _free_port()
        self._log, self._workers = log, workers
        self._process: subprocess.Popen[bytes] | None = None
        assert settings.database_url is not None
        self._environment = os.environ | {
            "PYTHONPATH": str(Path.cwd()),
            "GGZY_DATA_DIR": str(settings.data_dir),
            "GGZY_DATABASE_URL": settings.database_url.get_secret_value(),
            "GGZY_SANDBOX": str(settings.sandbox).lower(),
            "GGZY_PASSWORD_MEMORY": str(settings.password_memory),
            "GGZY_WRITES_PER_MINUTE": str(settings.writes_per_minute),
        }

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return when it is ready."""
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(self.port), "--workers"]
        command.append(str(self._workers))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        with httpx.Client() as client:  # one: each reads all the machine's certificates
            while time.monotonic() < until:
                with contextlib.suppress(httpx.TransportError):
                    if client.get(f"{self.url}/readyz").status_code == 200:
                        return
                time.sleep(0.05)
        raise AssertionError(self._log.read_text("utf-8", "replace")[-4000:])

    def family(self) -> list[psutil.Process]:
        """Return the server's processes."""
        assert self._process is not None
        first = psutil.Process(self._process.pid)
        return [first, *first.children(recursive=True)]

    def kill(self) -> None:
        """SIGKILL to the server and its worker at once."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = self.family()
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            psutil.wait_procs(family, timeout=10)
        self._process.wait()
        self._process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
