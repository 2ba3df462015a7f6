"""What every test may use: one real PostgreSQL, migrated once by our own revisions, and the real application over it."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api import schema
from api.embedded import Postgres
from kernel import database as kernel_database
from kernel.entropy import SeededEntropy

TEMPLATE = "template_ggzy"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run, without fsync; gone with everything in it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ggzy-test-"))
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
    name = f"t_{uuid4().hex}"
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield cluster.url(name)
    _administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")


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
def store(tmp_path: Path) -> Any:
    """An object store in a folder of the test's own."""
    from archive.store import FolderStore  # noqa: PLC0415 - while it is being written

    return FolderStore(tmp_path / "store")


def _administer(cluster: Postgres, statement: str) -> None:
    url = cluster.url("postgres").replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
