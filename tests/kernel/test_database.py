"""Locks and snapshots for work that is longer than a transaction."""

from sqlalchemy import text

from kernel import database
from kernel.database import Sessions

IN_TRANSACTION = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
)
SEEN = text("SELECT count(*) FROM pg_class WHERE relname = 'meanwhile'")


async def test_one_at_a_time_and_in_no_transaction(sessions: Sessions) -> None:
    """A second one is told that the first is at work; meanwhile no transaction is open; afterwards the lock is free."""
    engine = sessions.kw["bind"]
    async with database.alone(engine, "work") as first, database.alone(engine, "work") as second:
        assert (first, second) == (True, False)
        async with database.alone(engine, "other work") as other, sessions() as session:
            assert other
            assert await session.scalar(IN_TRANSACTION) == 0
    async with database.alone(engine, "work") as again:
        assert again


async def test_a_snapshot_is_of_one_moment(sessions: Sessions) -> None:
    """What others commit meanwhile is not seen; whoever has the connection next sees it."""
    async with database.snapshot(sessions) as session:
        assert await session.scalar(SEEN) == 0
        async with sessions.begin() as other:
            await other.execute(text("CREATE TABLE meanwhile AS SELECT 1 AS n"))
        assert await session.scalar(SEEN) == 0
    async with sessions() as session:
        assert await session.scalar(SEEN) == 1
