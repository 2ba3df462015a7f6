"""Lots as the other packages use them: locked, read, moved along `trading.lifecycle`, given their opening key."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import judges, notices, policy
from trading.lifecycle import STEPS, By, Circumstances, Step, decide
from trading.lot import UNANNOUNCED, UNDECIDED, EnvelopeRule, LotFacts, OpeningPolicy, State
from trading.rulepack import Pack, pack_at
from trading.tables import DocumentRow, LotRow, TenderRow

# Steps that the public learns of by a notice without anybody having to write one; the notice's text is the reason.
TOLD = {"fail": "failure", "suspend": "suspension", "resume": "resumption", "terminate": "termination"}


async def lock(session: AsyncSession, lot_id: UUID) -> LotFacts:
    """Lock the lot's row until the transaction ends and return its facts; ``lot.not_found``.

    Nobody shares the lot meanwhile: whoever came first by `share` is waited for, whoever comes later waits.
    """
    await database.lock(session, _gate(lot_id))
    return await _load(session, _by_id(lot_id).with_for_update(of=LotRow))


async def share(session: AsyncSession, lot_id: UUID) -> LotFacts:
    """Hold the lot as it is until the transaction ends, beside others who do; ``lot.not_found``.

    PostgreSQL lets new holders of a shared row lock pass one that waits to change the row; at the gate they queue, so
    that a stream of bids cannot keep a suspension out (docs/decisions/deadline.md).
    """
    await database.lock_shared(session, _gate(lot_id))
    return await _load(session, _by_id(lot_id).with_for_update(read=True, of=LotRow))


async def facts(session: AsyncSession, lot_id: UUID) -> LotFacts:
    """Return the lot's facts without locking; ``lot.not_found``."""
    return await _load(session, _by_id(lot_id))


async def facts_of(session: AsyncSession, lot_ids: Collection[UUID]) -> dict[UUID, LotFacts]:
    """Return the facts of lots that the caller may see, by one query."""
    rows = await session.execute(_both().where(LotRow.id.in_(lot_ids)))
    return {lot.id: of_rows(lot, tender) for lot, tender in rows}


async def read(session: AsyncSession, actor: Actor, lot_id: UUID) -> LotFacts:
    """Return the lot's facts to whom it exists; ``lot.not_found``."""
    lot = await facts(session, lot_id)
    permit(await seen(session, actor, lot))
    return lot


async def lock_all(session: AsyncSession, tender_id: UUID) -> list[LotFacts]:
    """Lock a tender and then its lots in the order of their numbers, so that two who do it never wait for each other.

    The tender's own lock comes first because a lot that another adds meanwhile would be missing from the list.
    """
    await session.execute(select(TenderRow.id).where(TenderRow.id == tender_id).with_for_update(key_share=True))
    ids = select(LotRow.id).where(LotRow.tender_id == tender_id).order_by(LotRow.number)
    for lot_id in (await session.scalars(ids)).all():
        await database.lock(session, _gate(lot_id))
    found = await session.execute(_of_tender(tender_id).with_for_update(of=LotRow))
    return [of_rows(lot, tender) for lot, tender in found]


async def of_tenders(session: AsyncSession, tender_ids: list[UUID]) -> dict[UUID, list[LotFacts]]:
    """Return the lots of many tenders by one query, each list in the order of numbers."""
    query = _both().where(LotRow.tender_id.in_(tender_ids)).order_by(LotRow.tender_id, LotRow.number)
    grouped: dict[UUID, list[LotFacts]] = {tender_id: [] for tender_id in tender_ids}
    for lot, tender in await session.execute(query):
        grouped[lot.tender_id].append(of_rows(lot, tender))
    return grouped


async def taking_bids(session: AsyncSession) -> frozenset[UUID]:
    """Return the tenders of which some lot is announced and its opening has not begun."""
    query = select(LotRow.tender_id).where(LotRow.state == str(State.ANNOUNCED)).distinct()
    return frozenset((await session.scalars(query)).all())


async def opening_by(session: AsyncSession, until: datetime) -> list[LotFacts]:
    """Return the lots that are being opened or evaluated, or take bids until this moment at the latest; soonest first.

    Of a lot that is evaluated a later stage may wait to be opened.
    """
    due = (LotRow.state == str(State.ANNOUNCED)) & (LotRow.deadline <= until)
    under_way = LotRow.state.in_([str(State.OPENING), str(State.EVALUATING)])
    query = _both().where(due | under_way).order_by(LotRow.deadline, LotRow.id)
    return [of_rows(lot, tender) for lot, tender in await session.execute(query)]


async def without_result(session: AsyncSession) -> frozenset[UUID]:
    """Return the tenders of which some lot is announced and its candidates are not public yet."""
    query = select(LotRow.tender_id).where(LotRow.state.in_([str(state) for state in UNDECIDED])).distinct()
    return frozenset((await session.scalars(query)).all())


async def of_sites(session: AsyncSession, sites: Collection[str]) -> frozenset[UUID]:
    """Return the tenders that these sites (6-digit codes) handle."""
    return frozenset((await session.scalars(select(TenderRow.id).where(TenderRow.site.in_(sites)))).all())


async def move(
    session: AsyncSession, actor: Actor, lot_id: UUID, step: str, *, entropy: Entropy, **told: Any
) -> LotFacts:
    """Take one step of the lifecycle with one lot and record it as ``lot.<event>``.

    `told` are fields of `Circumstances` that only the caller knows: `bids` for begin_opening and fail, `winner` for
    award, `reason` for fail, suspend and terminate. Documents and publicity are read here. Raises ``step.unknown``,
    what the guards refuse, ``step.not_yours``, and ``lot.moves_with_tender`` for steps that all lots take together.
    """
    lot = await lock(session, lot_id)
    chosen = STEPS.get(step)
    if chosen is None:
        raise GgzyError("step.unknown", step=step)
    permit(policy.may_act(actor, lot, chosen.by, seen=await seen(session, actor, lot)))
    if chosen.together:
        raise GgzyError("lot.moves_with_tender", Kind.CONFLICT, step=step)
    now = await database.now(session)
    known = replace(await circumstances(session, lot), by=policy.qualities(actor, lot), **told)
    after = await advance(session, lot, chosen, known, now)
    if step in TOLD and lot.state not in UNANNOUNCED:
        await notices.publish(session, actor, lot, TOLD[step], title=lot.title, text=known.reason, entropy=entropy)
    data = {"lot": str(lot.id), "step": step, "from": str(lot.state), "to": str(after.state), **_recorded(known)}
    await trail.record(session, actor, f"lot.{chosen.event}", data, trade=lot.tender_id, entropy=entropy)
    return after


async def advance(session: AsyncSession, lot: LotFacts, step: Step, known: Circumstances, now: datetime) -> LotFacts:
    """Decide the step for a locked lot and write the state; the caller asks the policy and records the event."""
    after = decide(lot, step.name, known, rules(lot, now), now)
    ordered = known.by_order or (step.name == "suspend" and By.SUPERVISOR in known.by)
    values = {"state": str(after.state), "suspended": after.suspended, "moved_at": now}
    values["by_order"] = after.suspended and ordered
    await session.execute(update(LotRow).where(LotRow.id == lot.id).values(values))
    if after.state not in UNANNOUNCED:
        await database.notify(session, *notices.CHANGED)
    return after


async def assign_key(session: AsyncSession, lot_id: UUID, transcript_hash: bytes) -> LotFacts:
    """Give the lot the opening key whose transcript has this SHA-256; before the announcement, never two lots one key.

    Raises ``lot.key_fixed``, ``lot.key_taken``. The caller records the event.
    """
    lot = await lock(session, lot_id)
    if lot.state not in UNANNOUNCED:
        raise GgzyError("lot.key_fixed", Kind.CONFLICT, state=lot.state)
    try:
        async with session.begin_nested():
            await session.execute(update(LotRow).where(LotRow.id == lot_id).values(opening_key_hash=transcript_hash))
    except IntegrityError as error:
        raise GgzyError("lot.key_taken", Kind.CONFLICT) from error
    return replace(lot, opening_key_hash=transcript_hash)


def rules(lot: LotFacts, now: datetime) -> Pack:
    """Return the rules in force for this lot today."""
    return pack_at(lot.trade_type, lot.region, now)


async def circumstances(session: AsyncSession, lot: LotFacts) -> Circumstances:
    """Return what the database knows of the lot beyond its own row: kinds of documents, the publicity that counts."""
    query = select(DocumentRow.kind).where(
        DocumentRow.tender_id == lot.tender_id, (DocumentRow.lot_id == lot.id) | DocumentRow.lot_id.is_(None)
    )
    kinds = frozenset((await session.scalars(query.distinct())).all())
    row = await session.get_one(LotRow, lot.id)
    known = Circumstances(documents=kinds, by_order=row.by_order)
    publicity = await notices.newest(session, lot, "candidates")
    if publicity is None:
        return known
    ranked = sorted(publicity.data["candidates"], key=lambda candidate: int(candidate["rank"]))
    return replace(known, candidates=tuple(one["bidder"] for one in ranked), publicity_ends=publicity.ends_at)


async def seen(session: AsyncSession, actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Return why somebody may not see this lot, or None."""
    tender = await session.get_one(TenderRow, lot.tender_id)
    told: dict[str, Any] = {"announced": tender.announced_at is not None, "invitees": tuple(tender.invitees)}
    told["judge"] = bool(tender.invitees) and bool(await judges.lots_of(session, actor, tender.id))
    return policy.may_see(actor, lot, **told) and not_found("lot")


async def enterable(session: AsyncSession, actor: Actor, lot: LotFacts, bidder: str) -> GgzyError | None:
    """Return why somebody may not bring a bid of this bidder (统一社会信用代码) to the lot, as far as it is hidden."""
    tender = await session.get_one(TenderRow, lot.tender_id)
    return await seen(session, actor, lot) or policy.may_enter(bidder, tuple(tender.invitees))


def of_rows(lot: LotRow, tender: TenderRow) -> LotFacts:
    """Return the facts of a lot's row and its tender's."""
    return LotFacts(
        id=lot.id,
        tender_id=tender.id,
        tender_code=tender.code,
        tender_title=tender.title,
        number=lot.number,
        title=lot.title,
        state=lot.state,
        site=tender.site,
        purchaser=tender.purchaser,
        agency=tender.agency,
        region=tender.region,
        trade_type=tender.trade_type,
        deadline=lot.deadline,
        envelopes=tuple(EnvelopeRule(rule["kind"], rule["stage"]) for rule in lot.envelopes),
        opening_policy=OpeningPolicy(lot.opening_policy),
        threshold=lot.threshold,
        custodians=lot.custodians,
        estimate=lot.estimate,
        ceiling=lot.ceiling,
        opening_key_hash=lot.opening_key_hash,
        evaluation=lot.evaluation,
        suspended=lot.suspended,
        bond=lot.bond,
    )


def _gate(lot_id: UUID) -> str:
    return f"lot/{lot_id}"


def _recorded(known: Circumstances) -> dict[str, Any]:
    told = {"bids": known.bids, "winner": known.winner, "reason": known.reason}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _both() -> Select[LotRow, TenderRow]:
    # populate_existing: a row that was read before it was locked must be read again under the lock
    query = select(LotRow, TenderRow).join(TenderRow, TenderRow.id == LotRow.tender_id)
    return query.execution_options(populate_existing=True)


def _by_id(lot_id: UUID) -> Select[LotRow, TenderRow]:
    return _both().where(LotRow.id == lot_id)


def _of_tender(tender_id: UUID) -> Select[LotRow, TenderRow]:
    return _both().where(LotRow.tender_id == tender_id).order_by(LotRow.number)


async def _load(session: AsyncSession, query: Select[LotRow, TenderRow]) -> LotFacts:
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("lot")
    return of_rows(*found)
