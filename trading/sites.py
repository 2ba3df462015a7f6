"""Sites: one main and any number of branches, as data; the first installation reads them from `sites.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, permit
from trading import policy
from trading.tables import SiteRow
from trading.text import Short

Phone = Annotated[str, msgspec.Meta(pattern=r"^([0-9+\-]{5,20})?$(?!\n)")]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site to be: its 6-digit division code, name and rank.

    `bearing` is where a branch lies, seen from the main site: degrees clockwise from north. Maps are drawn by it.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$(?!\n)")]
    name: Short
    kind: Literal["main", "branch"]
    bearing: Annotated[int, msgspec.Meta(ge=0, lt=360)] | None = None
    address: Annotated[str, msgspec.Meta(max_length=200)] = ""
    phone: Phone = ""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a site: its name, its address and telephone, where it lies. Its code is its identity."""

    name: Short
    address: Annotated[str, msgspec.Meta(max_length=200)] = ""
    phone: Phone = ""
    bearing: Annotated[int, msgspec.Meta(ge=0, lt=360)] | None = None


class Plans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of sites."""

    site: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A site of the platform."""

    code: str
    name: str
    kind: str
    established_at: datetime
    bearing: int | None = None
    address: str = ""
    phone: str = ""


def shipped() -> tuple[Plan, ...]:
    """Return the sites that this installation starts with."""
    return parse((resources.files("trading") / "sites.toml").read_text("utf-8"))


def parse(text: str) -> tuple[Plan, ...]:
    """Read a file of sites: exactly one main, no code twice; ``site.bad_file`` says what is wrong."""
    try:
        plans = msgspec.convert(tomllib.loads(text), Plans).site
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise GgzyError("site.bad_file", reason=str(error)) from error
    if sum(plan.kind == "main" for plan in plans) != 1 or len({plan.code for plan in plans}) != len(plans):
        raise GgzyError("site.bad_file", reason="one main site, and every code once")
    return plans


async def seed(session: AsyncSession, actor: Actor, plans: tuple[Plan, ...], *, entropy: Entropy) -> list[Site]:
    """Establish those of the sites that are not there yet; running it again changes nothing."""
    permit(policy.may_establish_site(actor))
    await database.lock(session, "sites")
    known = {site.code for site in await page(session)}
    for plan in plans:
        if plan.code not in known:
            await establish(session, actor, plan, entropy=entropy)
    return await page(session)


async def establish(session: AsyncSession, actor: Actor, plan: Plan, *, entropy: Entropy) -> Site:
    """Add one site and record ``site.established``; ``site.known``, ``site.second_main``, ``site.not_yours``."""
    permit(policy.may_establish_site(actor))
    await database.lock(session, "sites")
    for site in await page(session):
        if site.code == plan.code:
            raise GgzyError("site.known", Kind.CONFLICT, site=plan.code)
        if site.kind == plan.kind == "main":
            raise GgzyError("site.second_main", Kind.CONFLICT, main=site.code)
    now = await database.now(session)
    row = SiteRow(**msgspec.to_builtins(plan), established_at=now)
    session.add(row)
    await session.flush()
    await trail.record(session, actor, "site.established", msgspec.to_builtins(plan), entropy=entropy)
    return _value(row)


async def amend(session: AsyncSession, actor: Actor, code: str, change: Change, *, entropy: Entropy) -> Site:
    """Change a site's name, address, telephone or place on the map; records ``site.amended``; ``site.unknown``."""
    permit(policy.may_establish_site(actor))
    row = await session.get(SiteRow, code, with_for_update=True)
    if row is None:
        raise GgzyError("site.unknown", Kind.NOT_FOUND, site=code)
    before = {"name": row.name, "address": row.address, "phone": row.phone, "bearing": row.bearing}
    after = msgspec.to_builtins(change)
    for name, value in after.items():
        setattr(row, name, value)
    await session.flush()
    data = {"site": code, "before": before, "after": after}
    await trail.record(session, actor, "site.amended", data, entropy=entropy)
    return _value(row)


async def page(session: AsyncSession) -> list[Site]:
    """Return all sites, the main one first."""
    query = select(SiteRow).order_by(SiteRow.kind.desc(), SiteRow.code)
    return [_value(row) for row in await session.scalars(query)]


async def held(session: AsyncSession, actor: Actor, *roles: Role) -> list[Site]:
    """Return the sites at which somebody holds one of the roles, the main one first."""
    codes = actor.sites(*roles)
    return [one for one in await page(session) if codes is None or one.code in codes]


async def names(session: AsyncSession) -> dict[str, str]:
    """Return the names of all sites by their codes, the main one first."""
    return {one.code: one.name for one in await page(session)}


async def require(session: AsyncSession, code: str) -> None:
    """Raise ``site.unknown`` unless there is such a site."""
    if await session.get(SiteRow, code) is None:
        raise GgzyError("site.unknown", site=code)


def _value(row: SiteRow) -> Site:
    return Site(row.code, row.name, row.kind, row.established_at, row.bearing, row.address, row.phone)
