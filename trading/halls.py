"""Halls of the sites with their numbered seats, as data; the first installation reads them from `halls.toml`."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, permit
from trading import policy, sites
from trading.draft import Division
from trading.entry_tables import HallRow
from trading.lot import LotFacts
from trading.text import Short

SEATS_AT_MOST = 500


class HallPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hall to be: an opening room (开标室) or an evaluation room (评标室) with so many numbered seats."""

    site: Division
    name: Short
    kind: Literal["opening", "evaluation"]
    seats: Annotated[int, msgspec.Meta(ge=1, le=SEATS_AT_MOST)]


class HallPlans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of halls."""

    hall: tuple[HallPlan, ...]


@dataclass(frozen=True, slots=True)
class Hall:
    """A hall of a site."""

    id: UUID
    site: str
    name: str
    kind: str
    seats: int


def shipped() -> tuple[HallPlan, ...]:
    """Return the halls that this installation starts with."""
    text = (resources.files("trading") / "halls.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), HallPlans).hall


def doubts(hall: Hall, lot: LotFacts, begins_at: datetime, ends_at: datetime) -> list[str]:
    """Return what is odd about opening a lot in a hall at a time: ``venue.elsewhere``, ``venue.misses_deadline``.

    Nothing is odd about an evaluation room: a committee sits at several sites and days after the deadline. Pure.
    """
    if hall.kind != "opening":
        return []
    covered = lot.deadline is None or begins_at <= lot.deadline < ends_at
    odd = {"venue.elsewhere": hall.site != lot.site, "venue.misses_deadline": not covered}
    return [code for code, is_so in odd.items() if is_so]


async def seed(session: AsyncSession, actor: Actor, plans: Sequence[HallPlan], *, entropy: Entropy) -> None:
    """Set up the halls of those sites that have none; running it again changes nothing."""
    await database.lock(session, "halls")
    known = {hall.site for hall in await page(session)}
    there = {site.code for site in await sites.page(session)}
    for plan in plans:
        if plan.site in there - known:
            await establish(session, actor, plan, entropy=entropy)


async def establish(session: AsyncSession, actor: Actor, plan: HallPlan, *, entropy: Entropy) -> Hall:
    """Add a hall and record ``hall.established``; ``hall.known``, ``hall.not_yours``, ``site.unknown``."""
    permit(policy.may_keep_halls(actor, plan.site))
    await sites.require(session, plan.site)
    row = HallRow(id=new_id(entropy), **msgspec.structs.asdict(plan), established_at=await database.now(session))
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        raise GgzyError("hall.known", Kind.CONFLICT, name=plan.name) from error
    await trail.record(session, actor, "hall.established", msgspec.to_builtins(plan), entropy=entropy)
    return value(row)


async def page(session: AsyncSession, site: str | None = None) -> list[Hall]:
    """Return the halls of a site, or of all sites, opening rooms first."""
    query = select(HallRow).order_by(HallRow.site, HallRow.kind.desc(), HallRow.name)
    return [value(row) for row in await session.scalars(query if site is None else query.where(HallRow.site == site))]


def value(row: HallRow) -> Hall:
    """Return a hall as others know it."""
    return Hall(row.id, row.site, row.name, row.kind, row.seats)
