"""Openings as the server leads them: begun by the witness after the deadline, helped by custodians.

`begin` fixes the list of envelopes under the lot's lock and logs it. `take_shares` keeps a custodian's checked
answer; when enough are there, `bidding.verdict` opens envelope by envelope, each in its own transaction, so that a
crash between two of them loses nothing and opens nothing twice; `bidding.record` ends it. Two who open at once do the
work of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.event import decode
from archive.trail import Entry
from bidding import admission, ceremony, custodian, policy, submissions
from bidding import manifest as manifests
from bidding.tables import BEGAN, FINISHED, OPENED, BidRow, EntryRow, ExtractionRow, OpeningRow, ShareRow, VerdictRow
from kernel.actor import Actor
from kernel.database import notify, now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts

MAX_HEARING = 24 * 60


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an opening is. `custodians` are the numbers whose shares are there, `needed` how many it takes.

    `state` is ``began``, ``finished``, or ``failed`` when there were too few bids and nothing was opened.
    """

    id: UUID | None
    lot_id: UUID
    stage: int
    state: str
    envelopes: int
    decided: int
    custodians: tuple[int, ...]
    needed: int
    began_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Plan:
    lot: LotFacts
    stage: int
    hearing_minutes: int


async def begin(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, entropy: Entropy, hearing_minutes: int = 0
) -> Progress:
    """Begin the opening of a stage, or return the one that has begun. With too few bids the lot fails instead.

    After everything is read out bidders have `hearing_minutes` for objections, and the witness closes; with none the
    record is written at once. Raises ``opening.bad_minutes``, ``opening.stage_not_reached``, ``opening.too_early``,
    ``opening.wrong_state``, ``opening.no_such_stage``, ``opening.not_the_witness``, ``opening.stage_missing``.
    """
    lot = await lots.lock(session, lot_id)
    row = await of_lot(session, lot_id, stage)
    if row is not None:
        permit(policy.may_lead(actor, lot))
        return await progress(session, row, lot)
    moment = await now(session)
    permit(policy.may_begin(actor, lot, stage, moment))
    if not 0 <= hearing_minutes <= MAX_HEARING:
        raise GgzyError("opening.bad_minutes", limit=MAX_HEARING)
    await notify(session, "opening", f"{lot_id}/{stage}")
    if stage > 1 and not await technically_scored(session, lot):
        raise GgzyError("opening.stage_not_reached", Kind.CONFLICT, stage=stage)
    plan = _Plan(lot, stage, hearing_minutes)
    if stage > 1:
        return await _begin(session, actor, plan, await _opened_before(session, lot_id, stage), entropy=entropy)
    bids = await submissions.standing(session, lot)
    rule = lots.rules(lot, moment).rule("bids.minimum")
    if len(bids) < lots.rules(lot, moment).value("bids.minimum"):
        await lots.move(session, actor, lot_id, "fail", entropy=entropy, bids=len(bids), reason=rule.article)
        return Progress(None, lot_id, stage, "failed", 0, 0, (), lot.threshold, None, None)
    begun = await _begin(session, actor, plan, bids, entropy=entropy)
    await lots.move(session, actor, lot_id, "begin_opening", entropy=entropy, bids=len(bids))
    return begun


async def technically_scored(session: AsyncSession, lot: LotFacts) -> list[Entry]:
    """Return the log entries that say that the technical scores of a lot are finished; then stage 2 may be opened."""
    found = trail.openings(session, lot.tender_id, kind=custodian.TECHNICAL_FINISHED)
    return [entry async for entry in found if decode(entry.opening.event).data.get("lot") == str(lot.id)]


async def find(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, taking_part: bool = False) -> Progress:
    """Return how far an opening is to whom its room is open, or only to who is `taking_part`; ``opening.not_found``."""
    lot = await lots.facts(session, lot_id)
    row = await begun(session, lot_id, stage)
    if not await admission.admit(session, actor, lot, stage, row) and taking_part:
        raise not_found("opening")
    return await progress(session, row, lot)


async def of_lot(session: AsyncSession, lot_id: UUID, stage: int) -> OpeningRow | None:
    """Return the row of a lot's opening of this stage, if it has begun."""
    query = select(OpeningRow).where(OpeningRow.lot_id == lot_id, OpeningRow.stage == stage)
    return (await session.execute(query)).scalar_one_or_none()


async def begun(session: AsyncSession, lot_id: UUID, stage: int) -> OpeningRow:
    """Return the row of an opening that has begun; ``opening.not_found``."""
    row = await of_lot(session, lot_id, stage)
    if row is None:
        raise not_found("opening")
    return row


async def entries(session: AsyncSession, opening_id: UUID) -> Sequence[tuple[EntryRow, BidRow]]:
    """Return the fixed list of an opening with the bids, in order."""
    query = (
        select(EntryRow, BidRow)
        .join(BidRow, BidRow.id == EntryRow.bid_id)
        .where(EntryRow.opening_id == opening_id)
        .order_by(EntryRow.position)
    )
    return [(entry, bid) for entry, bid in (await session.execute(query)).all()]


async def keep_shares(session: AsyncSession, actor: Actor, opening: OpeningRow, custodian: int, answer: bytes) -> bool:
    """Keep a custodian's checked answer; the first one counts, and the same again changes nothing.

    Returns False for a repetition: the images are the same, only the proofs are made anew each time.
    """
    values = {
        "opening_id": opening.id,
        "custodian": custodian,
        "user_id": actor.user_id,
        "answer": answer,
        "received_at": await now(session),
    }
    kept = insert(ShareRow).values(values).on_conflict_do_nothing().returning(ShareRow.custodian)
    await notify(session, "opening", f"{opening.lot_id}/{opening.stage}")
    return (await session.execute(kept)).first() is not None


async def answers(session: AsyncSession, opening_id: UUID) -> Mapping[int, bytes]:
    """Return the custodians' answers by their numbers."""
    query = select(ShareRow.custodian, ShareRow.answer).where(ShareRow.opening_id == opening_id)
    return {row.custodian: row.answer for row in await session.execute(query.order_by(ShareRow.custodian))}


async def unfinished(session: AsyncSession) -> Sequence[tuple[UUID, int]]:
    """Return lot and stage of the openings that have begun and are not finished."""
    query = select(OpeningRow.lot_id, OpeningRow.stage).where(OpeningRow.state == BEGAN)
    return [(row.lot_id, row.stage) for row in await session.execute(query.order_by(OpeningRow.began_at))]


async def unextracted(session: AsyncSession) -> Sequence[tuple[UUID, int]]:
    """Return lot and stage of the openings with opened envelopes whose files are still sealed."""
    done = exists().where(ExtractionRow.bid_id == VerdictRow.bid_id, ExtractionRow.kind == VerdictRow.kind)
    query = (
        select(OpeningRow.lot_id, OpeningRow.stage)
        .join(VerdictRow, VerdictRow.opening_id == OpeningRow.id)
        .where(VerdictRow.outcome == OPENED, ~done)
        .distinct()
    )
    return [(row.lot_id, row.stage) for row in await session.execute(query)]


async def progress(session: AsyncSession, row: OpeningRow, lot: LotFacts) -> Progress:
    """Return how far an opening is."""
    listed = select(func.count()).where(EntryRow.opening_id == row.id)
    decided = select(func.count()).where(VerdictRow.opening_id == row.id)
    given = select(ShareRow.custodian).where(ShareRow.opening_id == row.id).order_by(ShareRow.custodian)
    return Progress(
        row.id,
        lot.id,
        row.stage,
        row.state,
        (await session.execute(listed)).scalar_one(),
        (await session.execute(decided)).scalar_one(),
        tuple((await session.scalars(given)).all()),
        lot.threshold,
        row.began_at,
        row.finished_at,
    )


async def _begin(
    session: AsyncSession, actor: Actor, plan: _Plan, bids: Sequence[BidRow], *, entropy: Entropy
) -> Progress:
    """Write down the fixed list of this stage's envelopes and log it."""
    lot, stage = plan.lot, plan.stage
    moment = await now(session)
    key = await ceremony.of_lot(session, lot.id)
    row = OpeningRow(
        id=new_id(entropy),
        lot_id=lot.id,
        stage=stage,
        state=BEGAN,
        user_id=actor.user_id,
        key_hash=key.key_hash,
        began_at=moment,
        hearing_minutes=plan.hearing_minutes,
    )
    session.add(row)
    await session.flush()
    kinds = [rule.kind for rule in lot.envelopes if rule.stage == stage]
    for position, (bid, kind) in enumerate(_listed(bids, kinds)):
        session.add(EntryRow(opening_id=row.id, bid_id=bid.id, kind=kind, position=position))
    await session.flush()
    said = {
        "lot": str(lot.id),
        "opening": str(row.id),
        "stage": stage,
        "key": key.key_hash.hex(),
        "kinds": kinds,
        "hearing_minutes": plan.hearing_minutes,
        "bids": [{"bid": str(bid.id), "bidder": bid.party, "receipt": bid.digest.hex()} for bid in bids],
    }
    await trail.record(session, actor, "opening.began", said, trade=lot.tender_id, entropy=entropy, at=moment)
    return await progress(session, row, lot)


def _listed(bids: Sequence[BidRow], kinds: Sequence[str]) -> list[tuple[BidRow, str]]:
    """Return the envelopes in the order of the opening request: by bid, then as the bid's manifest lists them."""
    return [
        (bid, envelope.kind.value)
        for bid in bids
        for envelope in manifests.parse(bid.manifest).envelopes
        if envelope.kind.value in kinds
    ]


async def _opened_before(session: AsyncSession, lot_id: UUID, stage: int) -> list[BidRow]:
    """Return the bids of which every envelope of the stage before was opened."""
    before = await of_lot(session, lot_id, stage - 1)
    if before is None or before.state != FINISHED:
        raise GgzyError("opening.stage_missing", Kind.CONFLICT, stage=stage - 1)
    rejected = select(VerdictRow.bid_id).where(VerdictRow.opening_id == before.id, VerdictRow.outcome != OPENED)
    query = (
        select(BidRow)
        .where(
            BidRow.id.in_(select(EntryRow.bid_id).where(EntryRow.opening_id == before.id)),
            BidRow.id.not_in(rejected),
        )
        .order_by(BidRow.received_at, BidRow.id)
    )
    return list((await session.scalars(query)).all())
