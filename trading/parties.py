"""Parties: registered once by notification and commitment, reused by every trade, amended with their history kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import policy
from trading.party import Commitment, Profile, check_code, check_commitment, is_code
from trading.tables import PartyRevisionRow, PartyRow


@dataclass(frozen=True, slots=True)
class Party:
    """A registered party at its newest revision."""

    uscc: str
    name: str
    revision: int
    profile: Profile
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """What a party stated at one time, and under which commitment."""

    revision: int
    profile: Profile
    commitment: Commitment
    by: UUID
    at: datetime


async def register(
    session: AsyncSession, actor: Actor, uscc: str, profile: Profile, commitment: Commitment, *, entropy: Entropy
) -> Party:
    """Register a party and record ``party.registered``.

    Raises ``party.bad_uscc``, ``party.known``, ``party.commitment_outdated``, ``party.commitment_bad_signature``,
    ``party.not_yours``.
    """
    check_code(uscc)
    permit(policy.may_keep_party(actor, uscc))
    check_commitment(uscc, profile, commitment, actor.device_key)
    now = await database.now(session)
    stated = msgspec.to_builtins(profile)
    values = {"uscc": uscc, "name": profile.name, "revision": 1, "profile": stated, "registered_at": now}
    statement = insert(PartyRow).values(values).on_conflict_do_nothing().returning(PartyRow.uscc)
    if await session.scalar(statement) is None:
        raise GgzyError("party.known", Kind.CONFLICT, uscc=uscc)
    party = Party(uscc, profile.name, 1, profile, now)
    await _keep(session, actor, party, commitment, now)
    await _record(session, actor, "party.registered", party, commitment, entropy=entropy)
    return party


async def amend(
    session: AsyncSession, actor: Actor, uscc: str, profile: Profile, commitment: Commitment, *, entropy: Entropy
) -> Party:
    """Replace a party's data by a new revision and record ``party.amended``; the former revisions stay."""
    check_code(uscc)
    permit(policy.may_keep_party(actor, uscc))
    check_commitment(uscc, profile, commitment, actor.device_key)
    query = select(PartyRow).where(PartyRow.uscc == uscc).with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(query)
    if row is None:
        raise not_found("party")
    now = await database.now(session)
    party = Party(uscc, profile.name, row.revision + 1, profile, row.registered_at)
    values = {"name": party.name, "revision": party.revision, "profile": msgspec.to_builtins(profile)}
    await session.execute(update(PartyRow).where(PartyRow.uscc == uscc).values(values))
    await _keep(session, actor, party, commitment, now)
    await _record(session, actor, "party.amended", party, commitment, entropy=entropy)
    return party


async def get(session: AsyncSession, uscc: str) -> Party:
    """Return a party; ``party.not_found``."""
    row = await session.get(PartyRow, uscc, populate_existing=True) if is_code(uscc) else None
    if row is None:
        raise not_found("party")
    return _value(row)


async def read(session: AsyncSession, actor: Actor, uscc: str) -> Party:
    """Return a party's data to those who may see them; ``party.not_found``."""
    permit(policy.may_see_party(actor, uscc))
    return await get(session, uscc)


async def names(session: AsyncSession, codes: set[str]) -> dict[str, str]:
    """Return the names of many parties by one query; unknown codes are left out."""
    found = await session.execute(select(PartyRow.uscc, PartyRow.name).where(PartyRow.uscc.in_(codes)))
    return {row.uscc: row.name for row in found}


async def mentioned(session: AsyncSession, text: str) -> set[str]:
    """Return the codes of the parties whose name or code stands in a text."""
    named = func.strpos(text, PartyRow.name) > 0
    query = select(PartyRow.uscc).where(named | (func.strpos(text, PartyRow.uscc) > 0))
    return set((await session.scalars(query)).all())


async def require(session: AsyncSession, *codes: str) -> None:
    """Raise ``party.unknown`` for the first code that is not registered."""
    known = await names(session, set(codes))
    for code in codes:
        if code not in known:
            raise GgzyError("party.unknown", uscc=code)


async def history(session: AsyncSession, actor: Actor, uscc: str) -> list[Revision]:
    """Return all revisions of a party, oldest first, to those who may see them."""
    await read(session, actor, uscc)
    query = select(PartyRevisionRow).where(PartyRevisionRow.uscc == uscc).order_by(PartyRevisionRow.revision)
    return [
        Revision(
            row.revision,
            msgspec.convert(row.profile, Profile),
            msgspec.convert(row.commitment, Commitment),
            row.by,
            row.at,
        )
        for row in await session.scalars(query)
    ]


async def _keep(session: AsyncSession, actor: Actor, party: Party, commitment: Commitment, now: datetime) -> None:
    session.add(
        PartyRevisionRow(
            uscc=party.uscc,
            revision=party.revision,
            name=party.name,
            profile=msgspec.to_builtins(party.profile),
            commitment=msgspec.to_builtins(commitment),
            by=actor.user_id,
            at=now,
        )
    )
    await session.flush()


async def _record(
    session: AsyncSession, actor: Actor, kind: str, party: Party, commitment: Commitment, *, entropy: Entropy
) -> None:
    data: dict[str, Any] = {
        "uscc": party.uscc,
        "revision": party.revision,
        "profile": msgspec.to_builtins(party.profile),
        "commitment": msgspec.to_builtins(commitment),
    }
    await trail.record(session, actor, kind, data, entropy=entropy)


def _value(row: PartyRow) -> Party:
    return Party(row.uscc, row.name, row.revision, msgspec.convert(row.profile, Profile), row.registered_at)
