"""Lots that people follow without bidding: the tenderer its own, witness and supervisor those of their sites."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor, Role
from trading import cursor, tenders
from trading.lot import LotFacts, State

SIZE = 50
OVERSEERS = (Role.WITNESS, Role.SUPERVISOR)


@dataclass(frozen=True, slots=True)
class Followed:
    """The lots of one page of tenders; `next` is the place of the page after it, None on the last."""

    lots: tuple[LotFacts, ...]
    next: str | None

    def following(self, path: str) -> str:
        """Return the address of the next page of a list, "" on the last."""
        return "" if self.next is None else f"{path}?before={self.next}"


async def page(
    session: AsyncSession, actor: Actor, states: Collection[State], *, own: bool, before: str | None = None
) -> Followed:
    """Return lots in these states: with `own` those that the person's parties brought, else those that they oversee.

    Raises ``page.bad_cursor``.
    """
    sites = None if own else actor.sites(*OVERSEERS)
    place = cursor.read(before)
    found = await tenders.page(session, actor, before=place, limit=SIZE, sites=sites, states=states, own=own)
    last = found[-1] if len(found) == SIZE else None
    kept = tuple(lot for one in found for lot in one.lots if lot.state in states)
    return Followed(kept, None if last is None else cursor.write(last.made_at, last.id))
