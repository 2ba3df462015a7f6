"""PostgreSQL through SQLAlchemy: the declarative base, the session factory, the one clock that decides, and locks.

Transactions begin and end only in api (request, job, command); services never commit.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, MetaData, func, select, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

CHANNEL = "ggzy_live"
_MAX_PAYLOAD = 200


class Base(DeclarativeBase):
    """The base of every table: aware times, UUIDs, bytea and jsonb by annotation."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        bytes: BYTEA,
        dict: JSONB,
        list: JSONB,
    }


Sessions = async_sessionmaker[AsyncSession]


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """Return an engine for a ``postgresql+psycopg://`` URL; connections are checked before use."""
    return create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)


def sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory; objects stay readable after commit and nothing loads lazily by accident."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def now(session: AsyncSession) -> datetime:
    """Return the database's time at this statement, sandbox offset included: the clock that decides deadlines."""
    moment: datetime = (await session.execute(select(func.ggzy_now()))).scalar_one()
    return moment


async def lock(session: AsyncSession, name: str) -> None:
    """Hold the advisory lock of this name until the transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


async def lock_shared(session: AsyncSession, name: str) -> None:
    """Hold the advisory lock of this name beside others who share it, until the transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))"), {"name": name})


async def notify(session: AsyncSession, topic: str, key: object) -> None:
    """Tell all workers about a change when, and only when, this transaction is committed. Ids only, never content.

    PostgreSQL lets transactions that notify commit one after the other: not for what happens a thousand times a second.
    """
    payload = f"{topic}:{key}"
    if len(payload) > _MAX_PAYLOAD:
        raise ValueError(payload)
    await session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload})


async def try_lock(session: AsyncSession, name: str) -> bool:
    """Take the advisory lock of this name until the transaction ends, or tell that another holds it."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool((await session.execute(statement, {"name": name})).scalar_one())


@contextlib.asynccontextmanager
async def snapshot(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Give a session whose every statement sees the database as the first one found it; it is for reading."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


@contextlib.asynccontextmanager
async def alone(engine: AsyncEngine, name: str) -> AsyncIterator[bool]:
    """Take the advisory lock of this name for work that is too long for a transaction, or tell that another holds it.

    The lock is that of a connection that does nothing else and has no transaction open; it ends with the process.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
        held = bool((await connection.execute(taken, {"name": name})).scalar_one())
        try:
            yield held
        finally:
            if held:
                given_back = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")
                await connection.execute(given_back, {"name": name})
