"""What every test may use: one PostgreSQL migrated by our own revisions, and the real application over it."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from litestar import Litestar
from litestar.datastructures import State
from nacl.signing import SigningKey
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from api import schema
from api.accounts import credentials, devices, services
from api.accounts.policy import Assurance
from api.app import build
from api.embedded import Postgres
from api.settings import Settings
from api.wiring import Installation, installed
from archive.store import FolderStore
from archive.timestamp import LocalAuthority, new_authority_keys
from kernel import database as kernel_database
from kernel.actor import SYSTEM, Actor, Grant
from kernel.clock import SystemClock
from kernel.entropy import SeededEntropy, SystemEntropy

TEMPLATE = "template_ggzy"
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory; the folder in it has a name that nobody can guess
ENOUGH = 2 << 30  # bytes: some databases of 11 MB, and their log
DEMO = ("tests/browser/test_everywhere.py", "tests/flows/", "tests/third_party/")  # the first while it still serves
FIRST = (*DEMO, "tests/browser/", "tests/archive/test_store.py", "tests/faults/", "tests/concurrency/", "tests/api/")
COMMANDS = {
    "ceph-mon": "ceph-mon ceph-osd radosgw ceph-common uuid-runtime",
    "radosgw": "ceph-mon ceph-osd radosgw ceph-common uuid-runtime",
    "go": "golang-go golang-golang-x-mod-dev",
    "openssl": "openssl",
    "age": "age",
    "pdftotext": "poppler-utils",
    "pdfsig": "poppler-utils",
    "chromium": "chromium fonts-noto-cjk",
}


def pytest_configure() -> None:
    """Hear SIGINT even when started in the background, where shells have it ignored: children would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Together(LoadScopeScheduling):
    """Keeps a file's tests in one process where several share the work, and those of the one demo as well."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "demo" if file.startswith(DEMO) else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that at the end no process works on while the other has nothing left."""
    items.sort(key=lambda item: next((n for n, one in enumerate(FIRST) if item.nodeid.startswith(one)), len(FIRST)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share the work so; the groups of `--dist loadgroup` are lost on this pytest (it reads no changed node ids)."""
    return Together(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``debian("command", …)`` where a command is missing, naming what brings it."""
    for marker in item.iter_markers("debian"):
        missing = [name for name in marker.args or COMMANDS if shutil.which(name) is None]
        if missing:
            packages = sorted({word for name in missing for word in COMMANDS.get(name, name).split()})
            pytest.skip(f"apt-get install {' '.join(packages)}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run, without fsync, in memory if there is enough; gone with everything at the end.

    A copy of a database is 700 files: on a disk that is half a second of the kernel's work in each test.
    """
    memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="ggzy-test-", dir=MEMORY if memory else None))
    folder.chmod(0o755)
    with Postgres(folder, durable=False) as server:
        yield server
    shutil.rmtree(server.home)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: Postgres) -> str:
    """The name of a database migrated once, from which others are cloned."""
    _administer(cluster, f"CREATE DATABASE {TEMPLATE}")
    schema.upgrade(cluster.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(cluster: Postgres, template: str) -> Iterator[str]:
    """The URL of a fresh migrated database, for tests with real commits."""
    with _cloned(cluster, template) as name:
        yield cluster.url(name)


@pytest.fixture(scope="session")
async def shared_engine(cluster: Postgres, template: str) -> AsyncIterator[AsyncEngine]:
    """The engine under `session`; its database stays as migrated because every test rolls back."""
    await asyncio.to_thread(_administer, cluster, f"CREATE DATABASE shared TEMPLATE {template}")
    engine = kernel_database.connect(cluster.url("shared"), pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(shared_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session on a migrated database, rolled back after the test."""
    async with AsyncSession(shared_engine, expire_on_commit=False) as opened:
        yield opened
        await opened.rollback()


@pytest.fixture
async def sessions(database: str) -> AsyncIterator[kernel_database.Sessions]:
    """A session factory on a database of the test's own."""
    engine = kernel_database.connect(database, pool_size=20)
    yield kernel_database.sessions(engine)
    await engine.dispose()


@pytest.fixture
def entropy() -> SeededEntropy:
    """Reproducible randomness."""
    return SeededEntropy(b"test")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An object store in a folder of the test's own."""
    return FolderStore(tmp_path / "store")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """A time-stamping authority in earnest with keys of the run."""
    folder, clock, keys = tmp_path_factory.mktemp("tsa"), SystemClock(), SystemEntropy()
    new_authority_keys(folder, clock=clock, entropy=keys, sandbox=False)
    return LocalAuthority.load(folder, clock=clock, entropy=keys)


@dataclass(frozen=True, slots=True)
class Started:
    """A sandbox after its first start: the name of its database, and the folder with its keys."""

    database: str
    folder: Path


@pytest.fixture(scope="session")
async def started(cluster: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Started:
    """The first start, once for the run: tests work on copies of what it made."""
    made = Started("started", tmp_path_factory.mktemp("started") / "data")
    await asyncio.to_thread(_administer, cluster, f"CREATE DATABASE {made.database} TEMPLATE {template}")
    async with installed(_settings(cluster.url(made.database), made.folder)):
        return made


@pytest.fixture
def settings(cluster: Postgres, started: Started, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a sandbox on a database and a folder of the test's own, as its first start left them."""
    folder = shutil.copytree(started.folder, tmp_path / "data")
    with _cloned(cluster, started.database) as name:
        yield _settings(cluster.url(name), folder)


@pytest.fixture
async def installation(settings: Settings) -> AsyncIterator[Installation]:
    """What the application works with."""
    opened: asyncio.Future[Installation] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def live() -> None:  # enters and leaves in one task, which pytest's fixtures do not
        async with installed(settings) as installation:
            opened.set_result(installation)
            await over.wait()

    living = asyncio.create_task(live())
    await asyncio.wait([living, opened], return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        await living
    yield await opened
    over.set()
    await living


@pytest.fixture(scope="session")
def built(started: Started) -> tuple[Litestar, State]:
    """The real application, built once for the run, and its state as it was built."""
    made = build(_settings("", started.folder))
    return made, made.state


@pytest.fixture
def app(built: tuple[Litestar, State], installation: Installation) -> Litestar:
    """The application as if built anew; its background jobs do not run (call `api.jobs.sequence` yourself)."""
    application, state = built
    application.state = state.copy()
    application.state.cache.drop()
    application.state.installation = installation
    return application


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the application over ASGI; nobody is signed in."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ggzy.test") as opened:
        yield opened


ASSURED = Assurance(factor=True, fresh=True)
"""Whoever a service is called for in a test has just shown who they are."""


@dataclass(frozen=True, slots=True)
class Someone:
    """A signed-in person: send `headers` with a request."""

    actor: Actor
    headers: dict[str, str]
    device: SigningKey


@pytest.fixture
def someone(installation: Installation) -> Callable[..., Awaitable[Someone]]:
    """Give a maker of people who hold grants, with an enrolled device and a token: pass it their grants, and await."""

    async def make(*held: Grant, name: str = "某人") -> Someone:
        device, entropy = SigningKey.generate(), installation.entropy
        async with installation.sessions.begin() as session:
            user = await services.add(session, SYSTEM, f"u{entropy.token(8).hex()}", name, "!", entropy=entropy)
            for one in held:
                await services.give(session, SYSTEM, user.id, one.role, one.scope, entropy=entropy)
            actor = await services.actor(session, user.id)
            asked = await devices.challenge(session, actor, assurance=ASSURED, entropy=entropy)
            public = bytes(device.verify_key)
            proof = device.sign(devices.statement(user.id, asked.challenge, public)).signature
            await devices.enrol(session, actor, public, asked.challenge, proof, assurance=ASSURED, entropy=entropy)
            token = await credentials.issue(session, actor, "token", "test", entropy=entropy, proof="test")
            actor = await services.actor(session, user.id, proven=True)
        return Someone(actor, {"Authorization": f"Bearer {token.secret}"}, device)

    return make


def _settings(url: str, folder: Path) -> Settings:
    """Passwords are cheap, writes many, no hearings."""
    return Settings(
        data_dir=folder,
        database_url=SecretStr(url),
        sandbox=True,
        password_memory=1024,
        pool_size=20,
        hearing_minutes=0,
        writes_per_minute=1_000_000,
    )


@contextlib.contextmanager
def _cloned(cluster: Postgres, template: str) -> Iterator[str]:
    """Give the name of a copy of a database, which is there for the while."""
    name = f"t_{uuid4().hex}"
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield name
    _administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(cluster: Postgres, statement: str) -> None:
    url = cluster.url("postgres").replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
