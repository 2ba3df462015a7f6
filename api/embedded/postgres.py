"""Our own supervisor of PostgreSQL: a direct child process on a unix socket, with a generated password.

One supervisor per data folder (a file lock). A thread of its own starts the postmaster, waits for it and starts it
again when it dies; it is the thread whose death ends the postmaster, so it lives as long as the program.
"""

import atexit
import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg
import structlog

from api.embedded import launch, leftovers, places
from kernel.errors import GgzyError, Kind

log = structlog.get_logger(__name__)

USER = "ggzy"
DATABASE = "ggzy"
SOCKET_PATH_LIMIT = 80  # sun_path holds 107 bytes with the socket's name
LOG_LIMIT = 16 * 1024 * 1024
START_PATIENCE = 60.0  # seconds; a crash recovery runs within it
STOP_PATIENCE = 20.0


class Postgres:
    """A PostgreSQL cluster of ours under `data_dir`; `start` returns when it answers."""

    def __init__(self, data_dir: Path, *, durable: bool = True, connections: int = 200) -> None:
        """Describe the cluster; `durable=False` (tests only) leaves out fsync."""
        self._data_dir = data_dir.resolve()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._durable = durable
        self._connections = connections
        self._account = places.account()
        self.home = places.home(self._data_dir, self._account)
        self.data = self.home / "data"
        self._password_file = self._data_dir / "postgres.password"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._failed = threading.Event()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of a database in the cluster; it holds the password."""
        password = quote(self._password_file.read_text().strip(), safe="")
        return (
            f"postgresql+psycopg://{USER}:{password}@/{quote(database)}?host={quote(str(self._socket_dir()), safe='')}"
        )

    def start(self) -> None:
        """Bring the cluster up and make the database.

        GgzyError ``embedded.in_use`` if another supervisor holds it, ``embedded.password_lost`` if the cluster is there
        but the data folder that knew its password is not.
        """
        self._lock = _exclusive(self._data_dir / "postgres.lock")
        try:
            self._prepare()
            self._stopping.clear()
            self._failed.clear()
            self._thread = threading.Thread(target=self._supervise, name="postgres-supervisor", daemon=True)
            self._thread.start()
            atexit.register(self.stop)
            self.wait()
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down fast, and harder when that is not heard; nothing stays behind."""
        self._stopping.set()
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._thread is None or self._process is None:
                break
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(order)
            self._thread.join(STOP_PATIENCE)
            if not self._thread.is_alive():
                break
        self._thread = None
        atexit.unregister(self.stop)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wait(self) -> None:
        """Return when the cluster answers; GgzyError ``embedded.did_not_start`` when it does not in a minute."""
        deadline = time.monotonic() + START_PATIENCE
        while time.monotonic() < deadline and not self._failed.is_set():
            try:
                psycopg.connect(_libpq(self.url("postgres")), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return
        raise GgzyError("embedded.did_not_start", Kind.UNAVAILABLE, log=str(self.home / "postgres.log"))

    def _prepare(self) -> None:
        if not self._password_file.exists():
            if self.data.exists():  # it lies apart from the data folder, which was made anew: nobody can sign in
                raise GgzyError("embedded.password_lost", Kind.UNAVAILABLE, folder=str(self.home))
            _write_private(self._password_file, secrets.token_urlsafe(32))
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.home, self._account.uid, self._account.gid)
        self._programs = places.binaries(self._account)
        leftovers.stop(self.data)
        if not self.data.exists():
            self._initialise()
        _fresh_folder(self._socket_dir(), self._account)

    def _initialise(self) -> None:
        """Make the cluster beside its place and rename it, so that a half-made one is never used."""
        unfinished = self.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        words = self.home / "password"
        _write_private(words, self._password_file.read_text())
        if os.geteuid() == 0:
            os.chown(words, self._account.uid, self._account.gid)
        try:
            options = ["-D", str(unfinished), "-U", USER, "-A", "scram-sha-256", f"--pwfile={words}", "-E", "UTF8"]
            options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            options += [] if self._durable else ["--no-sync"]
            with self._log() as log_file:
                command = self._command("initdb", options)
                done = subprocess.call(command, stdout=log_file, stderr=log_file, cwd="/")  # noqa: S603 - our own words
        finally:
            words.unlink()
        if done != 0:
            raise GgzyError("embedded.did_not_start", Kind.UNAVAILABLE, log=str(self.home / "postgres.log"))
        unfinished.rename(self.data)

    def _supervise(self) -> None:
        """Keep a postmaster running until told to stop; give up after deaths in quick succession."""
        quick = 0
        while not self._stopping.is_set() and quick < 5:  # noqa: PLR2004 - deaths in a row
            started = time.monotonic()
            with self._log() as log_file:
                command = self._command("postgres", self._options())
                self._process = subprocess.Popen(command, stdout=log_file, stderr=log_file, cwd="/")  # noqa: S603 - our own
            self._process.wait()
            if not self._stopping.is_set():
                log.warning("postgres.ended", code=self._process.returncode)
                quick = quick + 1 if time.monotonic() - started < 2 else 0  # noqa: PLR2004 - seconds
                leftovers.stop(self.data)
        leftovers.stop(self.data)
        if not self._stopping.is_set():
            self._failed.set()

    def _command(self, program: str, options: list[str]) -> list[str]:
        trampoline = [sys.executable, "-I", "-S", launch.__file__]
        who = [str(self._account.uid), str(self._account.gid), str(os.getpid())]
        return [*trampoline, *who, str(self._programs / program), *options]

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir()),
            "unix_socket_permissions": "0700",
            "max_connections": str(self._connections),
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_parameter_max_length_on_error": "0",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        return ["-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]

    def _socket_dir(self) -> Path:
        """Return a folder whose path is short enough for a socket, the same at every start."""
        folder = self.home / "run"
        if len(os.fsencode(folder)) <= SOCKET_PATH_LIMIT:
            return folder
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ggzy-{self._account.uid}-{name}"

    def _log(self) -> IO[bytes]:
        path = self.home / "postgres.log"
        grown = path.exists() and path.stat().st_size > LOG_LIMIT
        return path.open("wb" if grown else "ab")

    def _make_database(self) -> None:
        with psycopg.connect(_libpq(self.url("postgres")), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}".encode())


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """Yield the URL of the data folder's database, of a cluster started for the while or of the one that runs."""
    cluster = Postgres(data_dir)
    try:
        cluster.start()
    except GgzyError as error:
        if error.code != "embedded.in_use":
            raise
        cluster.wait()
    try:
        yield cluster.url()
    finally:
        cluster.stop()


def discard(data_dir: Path) -> None:
    """Remove a data folder's cluster, wherever it lies; GgzyError ``embedded.in_use`` while a supervisor holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with _exclusive(data_dir / "postgres.lock"):
        home = places.home(data_dir, places.account())
        leftovers.stop(home / "data")
        shutil.rmtree(home, ignore_errors=True)


def _exclusive(path: Path) -> IO[str]:
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise GgzyError("embedded.in_use", Kind.CONFLICT) from error
    return handle


def _write_private(path: Path, words: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(words)


def _fresh_folder(folder: Path, who: places.Account) -> None:
    """Make the socket's folder ours alone; one that somebody else put there is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and folder.stat().st_uid == 0:
        os.chown(folder, who.uid, who.gid)
    facts = folder.lstat()
    if facts.st_uid != who.uid or facts.st_mode & 0o077:
        raise GgzyError("embedded.socket_folder", Kind.UNAVAILABLE, folder=str(folder))


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "", 1)
