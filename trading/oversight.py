"""What supervisors look over: how many lots stand where, which openings are due; facts that their callers may show."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trading.lot import LotFacts, State
from trading.lots import of_rows
from trading.tables import LotRow, TenderRow

Sites = Collection[str] | None


async def states(session: AsyncSession, sites: Sites) -> dict[State, int]:
    """Return how many lots of these sites (None: of all) stand in each state, in the order of a lot's life."""
    counted = select(LotRow.state, func.count()).join(TenderRow, TenderRow.id == LotRow.tender_id)
    rows = await session.execute(_at(counted, sites).group_by(LotRow.state))
    found = {State(state): count for state, count in rows}
    return {state: found[state] for state in State if state in found}


async def openings(session: AsyncSession, sites: Sites, since: datetime, until: datetime) -> list[LotFacts]:
    """Return the lots that are opened from `since` until before `until`: at their deadline; soonest first."""
    query = select(LotRow, TenderRow).join(TenderRow, TenderRow.id == LotRow.tender_id)
    due = (LotRow.deadline >= since, LotRow.deadline < until, LotRow.state.in_(_OPENED_AT_DEADLINE))
    rows = await session.execute(_at(query, sites).where(*due).order_by(LotRow.deadline, LotRow.id))
    return [of_rows(lot, tender) for lot, tender in rows]


_OPENED_AT_DEADLINE = [str(state) for state in (State.ANNOUNCED, State.OPENING, State.OPENED)]


def _at(query: Any, sites: Sites) -> Any:
    return query if sites is None else query.where(TenderRow.site.in_(sites))
