"""Registration of tenders (进场登记): a draft with its code, amended until the centre has it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, permit
from trading import lots, parties, policy, sites, tenders
from trading.draft import PREFIXES, LotDraft, TenderDraft, check, columns, keeps_key
from trading.lifecycle import STEPS
from trading.lot import LotFacts, State
from trading.rulepack import local_day, pack_at
from trading.tables import LotRow, TenderCounterRow, TenderRow


async def register(session: AsyncSession, actor: Actor, draft: TenderDraft, *, entropy: Entropy) -> tenders.Tender:
    """Bring in a tender as a draft, give it its code (``152502-GC-2026-0001``) and record ``tender.registered``.

    Raises the codes of `draft.check`, ``site.unknown``, ``party.unknown``, ``tender.not_the_tenderer``.
    """
    permit(policy.may_register(actor, draft))
    now = await database.now(session)
    check(draft, pack_at(draft.trade_type, draft.region, now))
    await sites.require(session, draft.site)
    await parties.require(session, draft.purchaser, *filter(None, [draft.agency]), *draft.invitees)
    tender = TenderRow(
        id=new_id(entropy),
        code=await _next_code(session, draft, local_day(now).year),
        site=draft.site,
        trade_type=draft.trade_type,
        made_by=actor.user_id,
        made_at=now,
        missing=[],
        **_columns(draft),
    )
    session.add(tender)
    await session.flush()
    await _write_lots(session, tender.id, draft.lots, [], entropy=entropy)
    data = {"code": tender.code, "site": tender.site, "purchaser": tender.purchaser, "lots": len(draft.lots)}
    await trail.record(session, actor, "tender.registered", data, trade=tender.id, entropy=entropy)
    return await tenders.load(session, tender.id)


async def amend(
    session: AsyncSession, actor: Actor, tender_id: UUID, draft: TenderDraft, *, entropy: Entropy
) -> tenders.Tender:
    """Replace a draft that the centre has not got, or has returned, and record ``tender.amended``.

    Lots are matched by number. Site and trade type are part of the code and stay. Raises the codes of `draft.check`,
    ``tender.not_a_draft``, ``tender.code_fixed``, ``lot.key_assigned``, ``lot.in_use``.
    """
    before = await lots.lock_all(session, tender_id)
    tender = await tenders.visible(session, actor, tender_id)
    permit(policy.may_act(actor, tender, STEPS["enter"].by, seen=None) or policy.may_register(actor, draft))
    if any(lot.state != State.DRAFT for lot in before):
        raise GgzyError("tender.not_a_draft", Kind.CONFLICT)
    if (draft.site, draft.trade_type) != (tender.site, tender.trade_type):
        raise GgzyError("tender.code_fixed", Kind.CONFLICT, tender=tender.code)
    now = await database.now(session)
    check(draft, pack_at(draft.trade_type, draft.region, now))
    await parties.require(session, draft.purchaser, *filter(None, [draft.agency]), *draft.invitees)
    await session.execute(update(TenderRow).where(TenderRow.id == tender_id).values(_columns(draft)))
    await _write_lots(session, tender_id, draft.lots, before, entropy=entropy)
    await trail.record(session, actor, "tender.amended", {"lots": len(draft.lots)}, trade=tender_id, entropy=entropy)
    return await tenders.load(session, tender_id)


async def _next_code(session: AsyncSession, draft: TenderDraft, year: int) -> str:
    prefix = PREFIXES[draft.trade_type]
    statement = insert(TenderCounterRow).values(site=draft.site, prefix=prefix, year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["site", "prefix", "year"], set_={"last": TenderCounterRow.last + 1}
    )
    number = await session.scalar(statement.returning(TenderCounterRow.last))
    return f"{draft.site}-{prefix}-{year}-{number:04d}"


async def _write_lots(
    session: AsyncSession,
    tender_id: UUID,
    drafts: Sequence[LotDraft],
    before: list[LotFacts],
    *,
    entropy: Entropy,
) -> None:
    now = await database.now(session)
    known = {lot.number: lot for lot in before}
    for draft in drafts:
        lot = known.pop(draft.number, None)
        if lot is None:
            values = {"id": new_id(entropy), "tender_id": tender_id, "number": draft.number, "moved_at": now}
            session.add(LotRow(state=str(State.DRAFT), suspended=False, by_order=False, **values, **columns(draft)))
        elif keeps_key(draft, lot):
            await session.execute(update(LotRow).where(LotRow.id == lot.id).values(columns(draft)))
        else:
            raise GgzyError("lot.key_assigned", Kind.CONFLICT, lot=lot.number)
    await session.flush()
    for lot in known.values():
        await _remove(session, lot)


async def _remove(session: AsyncSession, lot: LotFacts) -> None:
    try:
        async with session.begin_nested():
            await session.execute(delete(LotRow).where(LotRow.id == lot.id))
    except IntegrityError as error:
        raise GgzyError("lot.in_use", Kind.CONFLICT, lot=lot.number) from error


def _columns(draft: TenderDraft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "purchaser": draft.purchaser,
        "agency": draft.agency,
        "region": draft.region,
        "method": draft.method,
        "funding": draft.funding,
        "invitees": list(draft.invitees),
    }
