"""One run of `ggzy demo` as people start it, shared by all tests that look at what came of it."""

import atexit
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil

from api import artefacts
from api.verifier import Verifier
from archive.recipe import Pins

CHECKOUT = Path(__file__).parents[2]
BIDS, MEGABYTES = 5, 8
PATIENCE = 600.0  # seconds; a limit for what never ends, nothing is measured


@dataclass(frozen=True, slots=True)
class Played:
    """Where the demo kept its own, where it wrote its artefacts, how it ended and what it printed."""

    home: Path
    out: Path
    code: int
    printed: str

    @property
    def bag(self) -> Path:
        """The payload of the archived trade."""
        return self.out / "archive" / "data"

    def summary(self) -> dict[str, Any]:
        """Return summary.json."""
        told: dict[str, Any] = self.read("summary.json")
        return told

    def read(self, path: str) -> Any:
        """Return a JSON artefact."""
        return json.loads((self.out / path).read_text("utf-8"))

    def filed(self, path: str) -> Any:
        """Return a JSON file of the archived trade."""
        return json.loads((self.bag / path).read_text("utf-8"))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind in the archived trail, oldest first."""
        lines = (self.bag / "log" / "entries.jsonl").read_text("utf-8").splitlines()
        return [event for line in lines if (event := json.loads(line)["event"])["kind"] == kind]

    def lot(self, number: int) -> str:
        """Return a lot's id."""
        return next(str(lot["id"]) for lot in self.summary()["lots"] if lot["number"] == number)


class Demo:
    """`ggzy demo` as a visitor starts it: it plays once, writes its artefacts and serves until it is ended."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; all of it lies in a folder that others may pass through."""
        self.home, self._out, self._log = folder / "home", folder / "out", folder / "demo.log"
        self._port = free_port()
        self._running: subprocess.Popen[bytes] | None = None
        self._code: int | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._port}"

    def serve(self) -> None:
        """Play unless it was played, and return when it serves."""
        if self._running is not None:
            return
        out = [] if self._out.exists() else ["--out", str(self._out)]
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                [*serving(self.home, self._port), *out], stdout=log, stderr=log, env=environment()
            )
        for _ in range(int(PATIENCE * 2)):
            assert self._running.poll() is None, self.printed()
            with contextlib.suppress(httpx.TransportError):
                if any(self.home.glob("artefacts-*/logins.json")) and httpx.get(f"{self.url}/readyz").is_success:
                    return
            time.sleep(0.5)
        raise AssertionError(self.printed())

    def played(self) -> Played:
        """Return what came of it, after its end."""
        if self._code is None:
            self.serve()
        self.end()
        assert self._code is not None
        return Played(self.home, self._out, self._code, self.printed())

    def end(self) -> None:
        """Interrupt it if it runs, as Ctrl-C does."""
        if self._running is not None:
            self._running.send_signal(signal.SIGINT)
            self._code, self._running = self._running.wait(PATIENCE), None

    def printed(self) -> str:
        """Return what it has said."""
        return self._log.read_text("utf-8", "replace")


@cache
def the_demo() -> Demo:
    """Return the one demo of this process's tests; with them it ends, and its folder goes."""
    folder = Path(tempfile.mkdtemp(prefix="ggzy-demo-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    demo = Demo(folder)
    atexit.register(demo.end)
    return demo


def command(home: Path, *, out: Path | None = None, bids: int = BIDS, size: int = MEGABYTES) -> list[str]:
    """Return the command line of a demo that ends by itself, on a port that is free."""
    return [*serving(home, free_port(), bids=bids, size=size), "--exit", *([] if out is None else ["--out", str(out)])]


def serving(home: Path, port: int, *, bids: int = BIDS, size: int = MEGABYTES) -> list[str]:
    """Return the command line of a demo that plays and then serves."""
    options = ["--home", str(home), "--port", str(port), "--bids", str(bids), "--size", str(size)]
    return [sys.executable, "-m", "api.cli", "demo", *options]


def environment() -> dict[str, str]:
    """Return an environment in which the checkout is found from any folder."""
    return os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(home: Path) -> list[str]:
    """Return the command lines of processes that name the demo's folder, work in it, or have it in the environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            told = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.pid != os.getpid() and any(str(home) in word for word in told):
                found.append(" ".join(process.cmdline()))
    return found


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def verify_all(folder: Path, pins: Pins | None = None) -> list[artefacts.Artefact]:
    """Do in this process what `ggzy verify` does; raises the first thing wrong."""
    found, verifier = artefacts.find(folder), Verifier(pins or Pins())
    for artefact in found:
        verifier.verify(artefact)
    return found
