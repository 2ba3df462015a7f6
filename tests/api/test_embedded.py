"""The embedded PostgreSQL comes back from every kind of death and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from api.embedded import Postgres, discard, leftovers, places, running
from kernel.errors import GgzyError

PATIENCE = 60.0  # seconds; a limit for what never ends, nothing is measured

CHILD = """
import sys, time
from pathlib import Path
from api.embedded import Postgres
with Postgres(Path(sys.argv[1]), durable=False) as server:
    print(server.pid, flush=True)
    while True:
        time.sleep(1)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that an unprivileged account can reach."""
    with tempfile.TemporaryDirectory(prefix="ggzy-embedded-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        assert leftovers.working_in(path / "postgres" / "data") == []


def test_data_survives_a_stop_and_a_killed_postmaster(folder: Path) -> None:
    """What was committed is there after an orderly stop and after kill -9 of the postmaster, which is started again."""
    with Postgres(folder) as server:
        _execute(server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    with Postgres(folder) as server:
        _execute(server, "INSERT INTO kept VALUES (2)")
        before = server.pid
        os.kill(before, signal.SIGKILL)
        _until(lambda: server.pid not in (0, before))
        server.wait()
        assert _execute(server, "SELECT sum(n) FROM kept") == 3


def test_a_lost_password_is_told_and_the_cluster_can_be_given_up(folder: Path) -> None:
    """Data without the file that knows their password: said at once, nothing is touched; discarded they are anew."""
    with Postgres(folder, durable=False) as server:
        _execute(server, "CREATE TABLE kept (n int)")
        with pytest.raises(GgzyError, match=r"embedded\.in_use"):
            discard(folder)
    (folder / "postgres.password").unlink()
    with pytest.raises(GgzyError, match=r"embedded\.password_lost"):
        Postgres(folder, durable=False).start()
    assert server.data.is_dir()
    discard(folder)
    with Postgres(folder, durable=False) as server:
        assert _execute(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 0


def test_a_killed_backend_does_not_end_the_server(folder: Path) -> None:
    """Kill -9 of one backend: PostgreSQL restarts its own, and answers again."""
    with Postgres(folder, durable=False) as server:
        with psycopg.connect(_plain(server), autocommit=True) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        server.wait()
        assert _execute(server, "SELECT 1") == 1


def test_nothing_outlives_a_killed_supervisor(folder: Path) -> None:
    """Kill -9 of our own process: the kernel tells PostgreSQL, which shuts down; a new start finds everything well."""
    with _child(folder) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        _until(lambda: leftovers.working_in(folder / "postgres" / "data") == [])
    with Postgres(folder, durable=False) as server:
        assert _execute(server, "SELECT 1") == 1


def test_an_interrupt_stops_everything(folder: Path) -> None:
    """Ctrl-C ends the program and with it every process of the cluster."""
    with _child(folder) as child:
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
    assert leftovers.working_in(folder / "postgres" / "data") == []


def test_orphans_are_stopped_before_a_start(folder: Path) -> None:
    """A postmaster that somebody left running in our folder is stopped, and its data taken over."""
    with Postgres(folder, durable=False) as server:
        _execute(server, "CREATE TABLE kept (n int)")
        command = server._command("postgres", server._options())
    orphan = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _until(lambda: leftovers.working_in(server.data) != [])
    with Postgres(folder, durable=False) as again:
        assert _execute(again, "SELECT count(*) FROM kept") == 0
        assert again.pid != orphan.pid
    orphan.wait(PATIENCE)


def test_one_supervisor_per_folder(folder: Path) -> None:
    """A second supervisor is refused; a command of the same machine joins the running cluster instead."""
    with Postgres(folder, durable=False) as server:
        with pytest.raises(GgzyError, match=r"embedded\.in_use"):
            Postgres(folder, durable=False).start()
        with running(folder) as url:
            assert url == server.url()
        assert _execute(server, "SELECT 1") == 1


def test_the_password_is_private_and_needed(folder: Path) -> None:
    """The password rests with mode 0600, and without it nobody comes in, over the socket alone."""
    with Postgres(folder, durable=False) as server:
        assert (folder / "postgres.password").stat().st_mode & 0o777 == 0o600
        assert server.home.stat().st_mode & 0o077 == 0
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://ggzy:wrong@/ggzy?host={server.home / 'run'}")
        assert _execute(server, "SHOW listen_addresses") == ""
        assert _execute(server, "SHOW data_checksums") == "on"


def test_a_broken_cluster_is_told(folder: Path) -> None:
    """A cluster that cannot start is an error that names the log, not an endless wait."""
    with Postgres(folder, durable=False):
        pass
    (folder / "postgres" / "data" / "PG_VERSION").write_text("3\n")
    with pytest.raises(GgzyError, match=r"embedded\.did_not_start"):
        Postgres(folder, durable=False).start()


def test_reach_is_judged_by_every_folder_above(tmp_path: Path) -> None:
    """One closed folder above closes everything below it for another account."""
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    stranger = places.Account(65534 if os.getuid() != 65534 else 65533, 65533)
    (tmp_path / "closed").chmod(0o700)
    assert not places.reachable(inner, stranger)
    assert places.reachable(Path("/"), stranger)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_root_keeps_data_where_the_account_can_reach_it(tmp_path: Path) -> None:
    """With a data folder below a closed one the cluster lies elsewhere, and no mode above is changed."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    modes = [path.stat().st_mode for path in (closed, *closed.parents)]
    with Postgres(closed / "data", durable=False) as server:
        assert server.home.is_relative_to(places.STATE)
        assert _execute(server, "SELECT 1") == 1
        assert psutil.Process(server.pid).uids().effective == places.account().uid
    assert [path.stat().st_mode for path in (closed, *closed.parents)] == modes
    subprocess.run(["rm", "-r", str(server.home)], check=True)


def test_binaries_out_of_reach_are_copied_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the programs lie below a closed folder a copy runs, libraries and all; it is made once."""
    monkeypatch.setattr(places, "STATE", tmp_path)
    monkeypatch.setattr(places, "reachable", lambda *_: False)
    programs = places.binaries(places.account())
    assert programs.is_relative_to(tmp_path)
    for program in ("postgres", "initdb"):
        told = subprocess.run([programs / program, "--version"], capture_output=True, text=True, check=True)
        assert "PostgreSQL" in told.stdout
        assert (programs / program).stat().st_mode & 0o555 == 0o555
    made = (programs / "postgres").stat().st_mtime_ns
    assert places.binaries(places.account()) == programs
    assert (programs / "postgres").stat().st_mtime_ns == made


class _child:  # noqa: N801 - used as a statement
    """A process of its own that supervises a cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CHILD, str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip().isdigit()
        return self._process

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _plain(server: Postgres) -> str:
    return server.url().replace("+psycopg", "", 1)


def _execute(server: Postgres, statement: str) -> object:
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return (cursor.fetchone() or (None,))[0] if cursor.description else None


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
