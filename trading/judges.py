"""Who sits on the committee of a lot, as far as trading has to know: what exists for them that is not for everybody.

The committee is formed above (`experts.committees`), which tells its members here as they come and go. Nothing of it is
read by anybody but the person concerned: who sits on a committee is secret until the result (招标投标法 第三十七条).
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from trading.entry_tables import JudgeRow
from trading.tables import LotRow


async def seat(session: AsyncSession, lot_id: UUID, user_ids: Iterable[UUID]) -> None:
    """Give people a seat; who has it already keeps it. The caller records what happened."""
    rows = [{"lot_id": lot_id, "user_id": user_id} for user_id in user_ids]
    if rows:
        await session.execute(insert(JudgeRow).values(rows).on_conflict_do_nothing())


async def unseat(session: AsyncSession, lot_id: UUID, user_id: UUID) -> None:
    """Take a person's seat."""
    await session.execute(delete(JudgeRow).where(JudgeRow.lot_id == lot_id, JudgeRow.user_id == user_id))


async def lots_of(session: AsyncSession, actor: Actor, tender_id: UUID) -> frozenset[UUID]:
    """Return the lots of a tender on whose committees somebody sits."""
    query = select(JudgeRow.lot_id).join(LotRow, LotRow.id == JudgeRow.lot_id)
    own = query.where(JudgeRow.user_id == actor.user_id, LotRow.tender_id == tender_id)
    return frozenset((await session.scalars(own)).all())
