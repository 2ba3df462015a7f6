"""The demo as a process: interrupted, killed by its terminal, started again, run by an ordinary user."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from api import embedded
from tests.flows.played import PATIENCE, command, environment, processes_of, verify_all

ORDINARY = "nobody"
GRACE = 10.0  # seconds for helpers of processes that have ended
READ = "-all,+dac_read_search"
MAY_READ = ("--bounding-set", READ, "--inh-caps", READ, "--ambient-caps", READ)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may pass through; nothing of the demo is left in it, or running, afterwards."""
    made = Path(tempfile.mkdtemp(prefix="ggzy-demo-"))
    made.chmod(0o755)
    yield made
    assert processes_of(made) == []
    shutil.rmtree(made)


class Demo:
    """A demo whose lines are read while it plays."""

    def __init__(self, home: Path, *, out: Path | None = None) -> None:
        """Start it in a session of its own, as a terminal does."""
        self._process = subprocess.Popen(
            command(home, out=out, bids=4, size=1),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
            start_new_session=True,
        )

    def wait_for(self, step: int) -> None:
        """Return when a step has begun."""
        assert self._process.stdout is not None
        told = []
        for line in self._process.stdout:
            told.append(line)
            if line.startswith(f"{step:>2}. "):
                return
        raise AssertionError("".join(told))

    def end(self, order: signal.Signals) -> tuple[int, list[psutil.Process]]:
        """Signal its process group; return its exit code and which of all its processes are alive after it."""
        family = psutil.Process(self._process.pid).children(recursive=True)
        assert len(family) >= 3, "server, workers, PostgreSQL"
        os.killpg(self._process.pid, order)
        self._process.communicate(timeout=PATIENCE)
        _, alive = psutil.wait_procs(family, timeout=GRACE)
        return self._process.returncode, alive


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_nothing_stays_behind(folder: Path, order: signal.Signals) -> None:
    """A stop, a closed terminal in the middle of the trade: all its processes end, and its code is not 0."""
    home, out = folder / "home", folder / "out"
    demo = Demo(home, out=out)
    demo.wait_for(1)
    assert demo.end(order) == (130, [])
    assert processes_of(home) == []
    assert not out.exists()


def test_an_interrupted_demo_begins_anew(folder: Path) -> None:
    """Ctrl-C, then once more; also where PostgreSQL's data lie apart, because root's folders are closed to it."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    try:
        for step in (2, 1):
            demo = Demo(home)
            demo.wait_for(step)
            assert demo.end(signal.SIGINT) == (130, [])
    finally:
        embedded.discard(home / "data")


def test_an_ordinary_user_plays_it(folder: Path) -> None:
    """A user without rights, with a home of their own: the trade is played, and all that is written is theirs."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user, with setpriv of util-linux")
    home, out = folder / "user" / "home", folder / "user" / "out"
    home.parent.mkdir()
    account = pwd.getpwnam(ORDINARY)
    os.chown(home.parent, account.pw_uid, account.pw_gid)
    # The interpreter may lie in a closed folder: the right to read is left, the right to write is not.
    user = ["setpriv", "--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups", *MAY_READ]
    done = subprocess.run(
        [*user, *command(home, out=out, bids=4, size=1)],
        cwd=home.parent,
        env=environment() | {"HOME": str(home.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert verify_all(out)
    assert {path.stat().st_uid for path in home.parent.rglob("*")} == {account.pw_uid}
