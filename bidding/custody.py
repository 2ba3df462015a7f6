"""What waits for custodians, and what their key makings have left: questions asked of the tables, nothing changed.

`bidding.ceremony`, `bidding.rounds` and `bidding.quorum` do the work; here people see where it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bidding import ceremony
from bidding.ceremony import Ceremony
from bidding.keymaking_tables import CeremonyRow, CustodianRow, OpeningKeyRow
from bidding.tables import BEGAN, OpeningRow, ShareRow
from kernel.actor import Actor, Role
from trading import lots
from trading.lot import ENDED

LIMIT = 20


@dataclass(frozen=True, slots=True)
class Awaited:
    """An opening that asks somebody for their shares. `index` is their number, `given` whether theirs are there.

    `enough`: those of others are, so that nobody waits for theirs.

    `same_device`: the device that they have enrolled now is the one that made the key.
    """

    lot_id: UUID
    stage: int
    began_at: datetime
    index: int
    given: bool
    enough: bool
    same_device: bool


@dataclass(frozen=True, slots=True)
class Stock:
    """Free keys of a site for the lots of a purchaser with one quorum (`threshold` of `size`)."""

    purchaser: str
    threshold: int
    size: int
    free: int


async def ceremonies(session: AsyncSession, actor: Actor) -> list[Ceremony]:
    """Return the newest key makings in which somebody takes part or which they oversee."""
    own = select(CustodianRow.ceremony_id).where(CustodianRow.user_id == actor.user_id)
    sites = actor.sites(Role.WITNESS, Role.SUPERVISOR)
    overseen = CeremonyRow.id.is_not(None) if sites is None else CeremonyRow.site.in_(sites)
    query = select(CeremonyRow).where(or_(CeremonyRow.id.in_(own), overseen))
    rows = (await session.scalars(query.order_by(CeremonyRow.made_at.desc()).limit(LIMIT))).all()
    return [await ceremony.view(session, row) for row in rows]


async def index_in(session: AsyncSession, actor: Actor, ceremony_id: UUID) -> int | None:
    """Return somebody's number in a key making, None if they are not one of its custodians."""
    query = select(CustodianRow.number).where(
        CustodianRow.ceremony_id == ceremony_id, CustodianRow.user_id == actor.user_id
    )
    return await session.scalar(query)


async def awaited(session: AsyncSession, actor: Actor) -> Sequence[Awaited]:
    """Return the openings under way that ask somebody as custodian, oldest first; none of lots that ended meanwhile."""
    anybodys = aliased(ShareRow)
    counted = select(func.count()).where(anybodys.opening_id == OpeningRow.id).scalar_subquery()
    enough = counted >= CeremonyRow.threshold
    query = (
        select(OpeningRow.lot_id, OpeningRow.stage, OpeningRow.began_at, CustodianRow, ShareRow.custodian, enough)
        .join(OpeningKeyRow, OpeningKeyRow.lot_id == OpeningRow.lot_id)
        .join(CeremonyRow, CeremonyRow.id == OpeningKeyRow.ceremony_id)
        .join(CustodianRow, CustodianRow.ceremony_id == OpeningKeyRow.ceremony_id)
        .outerjoin(ShareRow, (ShareRow.opening_id == OpeningRow.id) & (ShareRow.custodian == CustodianRow.number))
        .where(OpeningRow.state == BEGAN, CustodianRow.user_id == actor.user_id)
        .order_by(OpeningRow.began_at)
    )
    found = [
        Awaited(lot, stage, began, row.number, given is not None, full, row.device_key == actor.device_key)
        for lot, stage, began, row, given, full in await session.execute(query)
    ]
    known = await lots.facts_of(session, {one.lot_id for one in found})
    return [one for one in found if known[one.lot_id].state not in ENDED]


async def lots_held(session: AsyncSession, actor: Actor) -> frozenset[UUID]:
    """Return the lots of whose key somebody is a custodian."""
    query = (
        select(OpeningKeyRow.lot_id)
        .join(CustodianRow, CustodianRow.ceremony_id == OpeningKeyRow.ceremony_id)
        .where(CustodianRow.user_id == actor.user_id, OpeningKeyRow.lot_id.is_not(None))
    )
    return frozenset(lot for lot in await session.scalars(query) if lot is not None)


async def stock(session: AsyncSession, site: str) -> list[Stock]:
    """Return how many keys of a site are free, by purchaser and quorum."""
    query = (
        select(CeremonyRow.purchaser, CeremonyRow.threshold, CeremonyRow.size, func.count())
        .join(OpeningKeyRow, OpeningKeyRow.ceremony_id == CeremonyRow.id)
        .where(CeremonyRow.site == site, OpeningKeyRow.lot_id.is_(None))
        .group_by(CeremonyRow.purchaser, CeremonyRow.threshold, CeremonyRow.size)
        .order_by(CeremonyRow.purchaser, CeremonyRow.threshold, CeremonyRow.size)
    )
    return [Stock(*row) for row in await session.execute(query)]
