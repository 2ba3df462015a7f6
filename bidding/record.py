"""The end of an opening: its record (``ggzy/opening-record/v1``, docs/spec/opening-record.md), stamped and public.

电子招标投标办法 第三十二条: the record is published; it says who was present, what each bidder offered, and what was
rejected and why.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.recording import in_sandbox
from bidding import amounts, ceremony, openings, outages, pauses, remarks, standing, verdict
from bidding.keysetup import Custodian
from bidding.openings import Progress
from bidding.outages import Outage
from bidding.pauses import Order
from bidding.receipt import Receipt
from bidding.remarks import Remark
from bidding.room_tables import ClosingRow
from bidding.submissions import Desk
from bidding.tables import BEGAN, FINISHED, OPENED, BidRow, EntryRow, OpeningRow
from bidding.verdict import Verdict
from kernel import canonical
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import notify, now
from kernel.errors import not_found
from trading import lots, parties
from trading.lot import ENDED, LotFacts

FORMAT = "ggzy/opening-record/v1"
PUBLISHED = ("price", "term_days", "quality", "leader", "particulars")


async def finish(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, desk: Desk) -> Progress:
    """Write the record once every envelope has its verdict and the hearing, if there is one, is closed.

    Before that, in a pause, after the end, and once the lot itself has ended it just tells how far the opening is.
    """
    lot = await lots.lock(session, lot_id)
    row = await openings.begun(session, lot_id, stage)
    await session.refresh(row, with_for_update=True)
    listed = await openings.entries(session, row.id)
    verdicts = await verdict.list_all(session, row.id)
    stands = await standing.of(session, lot, row)
    heard = row.hearing_minutes == 0 or stands.closed
    over = row.state != BEGAN or lot.state in ENDED
    if over or len(verdicts) < len(listed) or stands.paused or not heard:
        return await openings.progress(session, row, lot)
    moment = await now(session)
    record = await _compose(session, row, lot, listed, verdicts, moment=moment)
    digest = hashlib.sha256(record).digest()
    said = {"lot": str(lot.id), "opening": str(row.id), "stage": stage, "record": digest.hex()}
    opening = await trail.record(
        session, actor, "opening.finished", said, trade=lot.tender_id, entropy=desk.entropy, at=moment
    )
    token = await desk.authority.stamp(digest, at=moment)
    row.state, row.finished_at, row.record, row.token = FINISHED, moment, record, token
    row.commitment = opening.commitment
    await session.flush()
    if stage == 1:
        await lots.move(session, actor, lot_id, "finish_opening", entropy=desk.entropy)
    await notify(session, "opening", f"{lot_id}/{stage}")
    return await openings.progress(session, row, lot)


async def find(session: AsyncSession, lot_id: UUID, stage: int) -> Receipt:
    """Return the record of a finished opening with its token and log entry, for everybody; ``opening.not_found``."""
    found = (await of_lots(session, [lot_id])).get((lot_id, stage))
    if found is None:
        raise not_found("opening")
    return found


async def of_lots(session: AsyncSession, lot_ids: Collection[UUID]) -> dict[tuple[UUID, int], Receipt]:
    """Return the records of the finished openings of many lots, by lot and stage, by one query; for everybody."""
    query = select(OpeningRow).where(OpeningRow.lot_id.in_(lot_ids)).order_by(OpeningRow.lot_id, OpeningRow.stage)
    return {
        (row.lot_id, row.stage): Receipt(row.record, row.token, hashlib.sha256(row.record).digest(), row.commitment)
        for row in await session.scalars(query)
        if row.record is not None and row.token is not None and row.commitment is not None
    }


async def stated(session: AsyncSession, lot_id: UUID) -> dict[str, dict[str, Any]]:
    """Return by bidder what the published records of a lot's stages say of its offer (`PUBLISHED`); for everybody."""
    offers: dict[str, dict[str, Any]] = {}
    for found in (await of_lots(session, [lot_id])).values():
        for bid in canonical.decode(found.content)["bids"]:
            offer = offers.setdefault(bid["bidder"], {})
            for envelope in bid["envelopes"]:
                form = envelope["form"] or {}
                offer |= {name: form[name] for name in PUBLISHED if name in form}
    return offers


async def _compose(
    session: AsyncSession,
    row: OpeningRow,
    lot: LotFacts,
    listed: Sequence[tuple[EntryRow, BidRow]],
    verdicts: dict[tuple[UUID, str], Verdict],
    *,
    moment: datetime,
) -> bytes:
    key = await ceremony.of_lot(session, lot.id)
    given = await openings.answers(session, row.id)
    bids = {bid.id: bid for _, bid in listed}
    names = await parties.names(session, {bid.party for bid in bids.values()})
    return canonical.encode(
        {
            "format": FORMAT,
            "sandbox": await in_sandbox(session),
            "tender": str(lot.tender_id),
            "lot": str(lot.id),
            "title": lot.title,
            "stage": row.stage,
            "opening": str(row.id),
            "deadline": None if lot.deadline is None else isoformat(lot.deadline),
            "began_at": isoformat(row.began_at),
            "finished_at": isoformat(moment),
            "key": row.key_hash.hex(),
            "led_by": str(row.user_id),
            "custodians": [_present(one, given[one.index]) for one in key.custodians if one.index in given],
            **await _hearing(session, row),
            "bids": [{"name": names.get(bid.party), **_bid(bid, listed, verdicts)} for bid in bids.values()],
        }
    )


async def _hearing(session: AsyncSession, row: OpeningRow) -> dict[str, Any]:
    """Return what was said, paused and noted, and who closed: with nothing of it, empty lists."""
    closing = await session.get(ClosingRow, row.id)
    return {
        "hearing_minutes": row.hearing_minutes,
        "closed_by": None if closing is None else closing.name,
        "closed_at": None if closing is None else isoformat(closing.made_at),
        "remarks": [_said(one) for one in await remarks.list_all(session, row.id)],
        "orders": [_ordered(one) for one in await pauses.list_all(session, row.id)],
        "outages": [_noted(one) for one in await outages.list_all(session, row.lot_id, row.stage)],
    }


def _said(one: Remark) -> dict[str, Any]:
    """Return a word and its answer by the parties; who spoke for them is for those who took part alone."""
    return {
        "bidder": one.party,
        "kind": one.kind,
        "text": one.text,
        "at": isoformat(one.made_at),
        "answer": one.answer,
        "answered_for": one.answered_for,
        "answered_at": _moment(one.answered_at),
    }


def _ordered(one: Order) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "reason": one.reason,
        "ordered_by": one.name,
        "ordered_at": isoformat(one.ordered_at),
        "consented_by": one.consented_by,
        "consented_at": _moment(one.consented_at),
        "method": one.method,
    }


def _noted(one: Outage) -> dict[str, Any]:
    draft = one.draft
    return {
        "failed": draft.failed,
        "cause": draft.cause,
        "since": isoformat(draft.since),
        "told": draft.told,
        "decision": draft.decision,
        "note": draft.note,
        "noted_by": one.name,
        "noted_at": isoformat(one.made_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else isoformat(at)


def _bid(
    bid: BidRow,
    listed: Sequence[tuple[EntryRow, BidRow]],
    verdicts: dict[tuple[UUID, str], Verdict],
) -> dict[str, Any]:
    kinds = [entry.kind for entry, owner in listed if owner.id == bid.id]
    return {
        "bid": str(bid.id),
        "bidder": bid.party,
        "received_at": isoformat(bid.received_at),
        "receipt": bid.digest.hex(),
        "manifest": hashlib.sha256(bid.manifest).hexdigest(),
        "envelopes": [_envelope(verdicts[bid.id, kind]) for kind in kinds],
    }


def _present(one: Custodian, answer: bytes) -> dict[str, Any]:
    return {"index": one.index, "name": one.name, "role": one.role, "shares": hashlib.sha256(answer).hexdigest()}


def _envelope(one: Verdict) -> dict[str, Any]:
    form: dict[str, Any] = one.form or {}
    said: dict[str, Any] = {name: form[name] for name in PUBLISHED if form.get(name) not in (None, {})}
    files = form.get("files")
    if said.get("price"):
        price = Decimal(said["price"])
        said["price_words"] = amounts.write(price)
        said["price_mismatch"] = amounts.discrepancies(price, form.get("particulars") or {})
    return {
        "kind": one.kind,
        "outcome": one.outcome,
        "code": one.code,
        "opened_at": isoformat(one.made_at),
        "form": {**said, "files": len(files) if isinstance(files, list) else 0} if one.outcome == OPENED else None,
    }
