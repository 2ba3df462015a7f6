"""Reading the trail with what trading knows of its trades: the one way in for routes and pages."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import policy, trail
from archive.policy import Reading
from archive.trail import Entry
from kernel.actor import Actor
from kernel.errors import permit
from trading import lots
from trading.lot import LotFacts, State

LIFE = tuple(State)[: tuple(State).index(State.ARCHIVED) + 1]


async def reading(session: AsyncSession, actor: Actor) -> Reading:
    """Return what somebody's rights to read come to at this moment."""
    own = policy.sites(actor)
    within = None if own is None else await lots.of_sites(session, own)
    return Reading(await lots.taking_bids(session), await lots.without_result(session), within)


async def entry(session: AsyncSession, actor: Actor, index: int) -> Entry:
    """Return one entry to whoever may open it; ``entry.not_found``."""
    found = await trail.entry(session, index)
    event = events.verify(found.opening)
    trade = event.trade
    known = [] if trade is None else (await lots.of_tenders(session, [trade])).get(trade, [])
    refusal = policy.may_open(
        actor,
        event.kind,
        site=known[0].site if known else None,
        disclosed=_disclosed(known),
        sealed=trade is None or trade in await lots.taking_bids(session),
        unnamed=trade is None or trade in await lots.without_result(session),
    )
    permit(refusal)
    return found


async def of_site(session: AsyncSession, site: str) -> frozenset[UUID]:
    """Return the trades of one site, to narrow a search."""
    return await lots.of_sites(session, [site])


def _disclosed(found: list[LotFacts]) -> frozenset[str]:
    """Return the stages that every lot of a trade has reached; none once a lot has left the regular way."""
    if not found or any(lot.state not in LIFE for lot in found):
        return frozenset()
    return frozenset(LIFE[: min(LIFE.index(lot.state) for lot in found) + 1])
