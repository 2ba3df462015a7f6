"""The database's schema: brought to the newest revision, and compared with the models."""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

import migrations
from kernel.database import Base
from kernel.errors import GgzyError, Kind

TABLES = (
    "archive.tables",
    "trading.tables",
    "trading.calendar_tables",
    "trading.entry_tables",
    "bidding.tables",
    "bidding.keymaking_tables",
    "bidding.room_tables",
    "experts.tables",
    "api.accounts.tables",
    "api.tables",
)


def upgrade(url: str) -> None:
    """Bring the database to the newest revision, in one transaction; at the same time only once."""
    with _connected(url) as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('schema', 0))"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest() -> str:
    """Return the newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return str(head)


def current(url: str) -> str | None:
    """Return the database's revision; None when it was never migrated."""
    with _connected(url) as connection:
        return revision(connection)


def revision(connection: Connection) -> str | None:
    """Return the revision that a connection sees."""
    return MigrationContext.configure(connection).get_current_revision()


def drift(url: str) -> list[Any]:
    """Return alembic's differences between the migrated database and the models; empty is right."""
    _import_tables()
    with _connected(url) as connection:
        return _compare(connection)


def _compare(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def _import_tables() -> None:
    for name in TABLES:
        import_module(name)


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Connection]:
    try:
        connection = create_engine(url, poolclass=NullPool).connect()
    except OperationalError as error:
        raise GgzyError("database.unavailable", Kind.UNAVAILABLE) from error
    with connection:
        yield connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", next(iter(migrations.__path__)))
    config.set_main_option("path_separator", "os")
    return config
