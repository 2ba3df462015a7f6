"""Counters over all workers: how often something happened in the present slot of real time."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.tables import Counter

EPOCH = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


async def count(session: AsyncSession, name: str, window: timedelta) -> int:
    """Add one and return how often `name` was counted in this slot."""
    slot = func.date_bin(window, func.clock_timestamp(), EPOCH)
    fresh = insert(Counter).values(name=name, slot=slot, count=1)
    again = fresh.on_conflict_do_update(index_elements=["name", "slot"], set_={"count": Counter.count + 1})
    return int((await session.execute(again.returning(Counter.count))).scalar_one())


async def forget(session: AsyncSession, name: str) -> None:
    """Set the counter back: what it counted ended well."""
    await session.execute(delete(Counter).where(Counter.name == name))
