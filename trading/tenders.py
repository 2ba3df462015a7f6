"""Tenders: taken in by the centre for completeness only, announced, read. Until announced all lots move together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import EVERYWHERE, SYSTEM, Actor, Role
from kernel.clock import isoformat
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import judges, lots, notices, policy
from trading.entry_tables import JudgeRow
from trading.lifecycle import STEPS, Circumstances, Step
from trading.lot import LotFacts
from trading.tables import LotRow, TenderRow


@dataclass(frozen=True, slots=True)
class Tender:
    """A tender with its lots. `missing` is what the centre listed when it last returned it."""

    id: UUID
    code: str
    title: str
    site: str
    purchaser: str
    agency: str | None
    region: str
    trade_type: str
    method: str
    funding: str
    invitees: tuple[str, ...]
    missing: tuple[str, ...]
    made_at: datetime
    announced_at: datetime | None
    lots: tuple[LotFacts, ...]


async def step(
    session: AsyncSession,
    actor: Actor,
    tender_id: UUID,
    name: str,
    *,
    entropy: Entropy,
    missing: Sequence[str] = (),
    text: str = "",
) -> Tender:
    """Move all lots of a tender together: enter, return (`missing`: all of it at once), accept, announce (`text`).

    Records ``tender.<event>``. Raises what `lifecycle.decide` refuses, ``step.not_yours``, ``step.by_lot``,
    ``notice.no_text``.
    """
    found = await lots.lock_all(session, tender_id)
    tender = await visible(session, actor, tender_id)
    chosen = _together(name)
    permit(policy.may_act(actor, tender, chosen.by, seen=None))
    now = await database.now(session)
    for lot in found:
        known = Circumstances((await lots.circumstances(session, lot)).documents, missing=tuple(missing))
        await lots.advance(session, lot, chosen, known, now)
    data: dict[str, Any] = {"step": name, "lots": [str(lot.id) for lot in found], "missing": list(missing)}
    values: dict[str, Any] = {"missing": list(missing)}
    if name == "announce":
        data["terms"], values["announced_at"] = [_terms(lot) for lot in found], now
        title = tender.title
        await notices.publish(session, actor, found[0], "tender", title=title, text=text, entropy=entropy, whole=True)
    if name != "enter":  # what was missing stays known until the centre has decided again
        await session.execute(update(TenderRow).where(TenderRow.id == tender_id).values(values))
    await trail.record(session, actor, f"tender.{chosen.event}", data, trade=tender_id, entropy=entropy)
    return await load(session, tender_id)


async def get(session: AsyncSession, actor: Actor, tender_id: UUID) -> Tender:
    """Return a tender to whom it exists; ``tender.not_found``."""
    await visible(session, actor, tender_id)
    return _as_seen(actor, await load(session, tender_id))


async def find(session: AsyncSession, actor: Actor, code: str) -> Tender:
    """Return the tender of this code to whom it exists; ``tender.not_found``."""
    tender_id = await session.scalar(select(TenderRow.id).where(TenderRow.code == code))
    if tender_id is None:
        raise not_found("tender")
    return await get(session, actor, tender_id)


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
    sites: Collection[str] | None = None,
    states: Collection[str] | None = None,
    own: bool = False,
) -> list[Tender]:
    """Return the tenders that exist for somebody, newest first, those made before the place `before`. Two queries.

    Only those: of `sites`; with a lot in one of `states`; with `own`, brought by the person's own parties.
    """
    query = select(TenderRow).order_by(TenderRow.made_at.desc(), TenderRow.id.desc()).limit(limit)
    if actor.user_id != SYSTEM.user_id:
        query = query.where(_seen_by(actor))
    if before is not None:
        query = query.where(tuple_(TenderRow.made_at, TenderRow.id) < before)
    if sites is not None:
        query = query.where(TenderRow.site.in_(sites))
    if states is not None:
        query = query.where(_in(states))
    if own:
        query = query.where(_brought_by(actor))
    rows = (await session.scalars(query)).all()
    grouped = await lots.of_tenders(session, [row.id for row in rows])
    return [_as_seen(actor, _value(row, grouped[row.id])) for row in rows]


async def counts(
    session: AsyncSession, actor: Actor, *, sites: Collection[str], states: Collection[str]
) -> dict[str, int]:
    """Return by site how many tenders `page` has there; a site without any is missing."""
    query = select(TenderRow.site, func.count()).where(_seen_by(actor), TenderRow.site.in_(sites), _in(states))
    return dict((await session.execute(query.group_by(TenderRow.site))).all())


def _in(states: Collection[str]) -> ColumnElement[bool]:
    return exists().where(LotRow.tender_id == TenderRow.id, LotRow.state.in_(map(str, states)))


def _as_seen(actor: Actor, tender: Tender) -> Tender:
    # who is invited is as secret as who took the documents (招标投标法 第二十二条)
    return tender if policy.is_insider(actor, tender) else replace(tender, invitees=(), missing=())


async def visible(session: AsyncSession, actor: Actor, tender_id: UUID) -> TenderRow:
    """Return the tender's row to whom it exists; ``tender.not_found``."""
    row = await session.get(TenderRow, tender_id, populate_existing=True)
    if row is None:
        raise not_found("tender")
    told: dict[str, Any] = {"announced": row.announced_at is not None, "invitees": tuple(row.invitees)}
    told["judge"] = bool(row.invitees) and bool(await judges.lots_of(session, actor, row.id))
    permit(policy.may_see(actor, row, **told))
    return row


async def load(session: AsyncSession, tender_id: UUID) -> Tender:
    """Return a tender without asking who reads it."""
    row = await session.get_one(TenderRow, tender_id, populate_existing=True)
    grouped = await lots.of_tenders(session, [tender_id])
    return _value(row, grouped[tender_id])


def _seen_by(actor: Actor) -> Any:
    # the same rule as policy.may_see, for many rows at once; a test compares the two
    at = actor.sites(*policy.AT_SITE.values())
    if at is None or actor.holds(Role.PURCHASER, EVERYWHERE):
        return TenderRow.id.is_not(None)
    invited = func.jsonb_exists_any(TenderRow.invitees, cast(list(actor.parties(Role.BIDDER)), ARRAY(TEXT)))
    judged = select(LotRow.tender_id).join(JudgeRow, JudgeRow.lot_id == LotRow.id)
    public = or_(
        TenderRow.method == "public", invited, TenderRow.id.in_(judged.where(JudgeRow.user_id == actor.user_id))
    )
    return or_(
        TenderRow.announced_at.is_not(None) & public,
        TenderRow.site.in_(at),
        TenderRow.purchaser.in_(actor.parties(Role.PURCHASER)),
        TenderRow.agency.in_(actor.parties(Role.AGENCY)),
        TenderRow.agency.is_not(None) & literal(actor.holds(Role.AGENCY, EVERYWHERE)),
    )


def _brought_by(actor: Actor) -> Any:
    return or_(TenderRow.purchaser.in_(actor.parties(Role.PURCHASER)), TenderRow.agency.in_(actor.parties(Role.AGENCY)))


def _value(row: TenderRow, found: Sequence[LotFacts]) -> Tender:
    return Tender(
        id=row.id,
        code=row.code,
        title=row.title,
        site=row.site,
        purchaser=row.purchaser,
        agency=row.agency,
        region=row.region,
        trade_type=row.trade_type,
        method=row.method,
        funding=row.funding,
        invitees=tuple(row.invitees),
        missing=tuple(row.missing),
        made_at=row.made_at,
        announced_at=row.announced_at,
        lots=tuple(found),
    )


def _together(name: str) -> Step:
    step = STEPS.get(name)
    if step is None:
        raise GgzyError("step.unknown", step=name)
    if not step.together:
        raise GgzyError("step.by_lot", Kind.CONFLICT, step=name)
    return step


def _terms(lot: LotFacts) -> dict[str, Any]:
    """Return what the trail says at the announcement: by it custodians' devices know deadline, stages and key."""
    return {
        "lot": str(lot.id),
        "deadline": None if lot.deadline is None else isoformat(lot.deadline),
        "envelopes": [{"kind": rule.kind, "stage": rule.stage} for rule in lot.envelopes],
        "opening_policy": lot.opening_policy,
        "key": None if lot.opening_key_hash is None else lot.opening_key_hash.hex(),
    }
