"""The page of one trade: what the services show the public at this moment, and nothing more (招标投标法 第二十二条)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.pages import public_life
from api.pages.public_life import Step
from api.web import PUBLIC_PAGE, Page, page
from bidding import ceremony, record
from bidding.receipt import Receipt
from bidding.transcript import OpeningKey
from experts import committees, transcripts
from experts.committees import Member
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import parse
from trading import bookings, documents, notices, parties, sites, tenders
from trading.documents import Document
from trading.lot import LotFacts
from trading.notices import Notice
from trading.tenders import Tender


@dataclass(frozen=True, slots=True)
class Opened:
    """A published opening record: `said` is its content, `columns` what bidders stated in it."""

    stage: int
    said: dict[str, Any]
    columns: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Life:
    """A lot with what has become public of it."""

    lot: LotFacts
    steps: list[Step]
    key: OpeningKey | None
    records: list[Opened]
    documents: list[Document]
    candidates: Notice | None
    award: Notice | None
    halted: Notice | None
    draws: list[UUID]
    committee: tuple[Member, ...]


class Trade(Controller):
    """Trades."""

    path = "/tenders"
    include_in_schema = False
    opt = PUBLIC_PAGE

    @get("/{tender_id:uuid}")
    async def show(self, request: Page, session: AsyncSession, actor: Actor, tender_id: UUID) -> Response[bytes]:
        """Show a trade to whom it exists."""
        told = await _told(session, actor, tender_id)
        tender = told.tender
        return page(
            request,
            "public/trade.html",
            tender=tender,
            announced=tender.announced_at is not None,
            lives=await _lives(session, actor, told),
            notices=list(reversed(told.notices)),
            shared=[one for one in told.documents if one.lot_id is None],
            bookings=await bookings.of_tender(session, actor, tender_id),
            parties=await parties.names(session, {tender.purchaser, *filter(None, [tender.agency])}),
            names=await sites.names(session),
            moment=told.now,
            taking=any(lot.takes_bids(told.now) for lot in tender.lots),
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """What all lots of a trade share."""

    tender: Tender
    notices: Sequence[Notice]
    documents: list[Document]
    now: datetime


async def _told(session: AsyncSession, actor: Actor, tender_id: UUID) -> _Told:
    tender = await tenders.get(session, actor, tender_id)
    published = await notices.of_tender(session, tender_id) if tender.announced_at else ()
    return _Told(tender, published, await documents.announced(session, actor, tender_id), await database.now(session))


async def _lives(session: AsyncSession, actor: Actor, told: _Told) -> list[Life]:
    """Return the lives of all lots, by the same few queries for two lots as for ninety-nine."""
    lots = told.tender.lots
    ids = [lot.id for lot in lots]
    records = await record.of_lots(session, ids)
    keys = await ceremony.of_lots(session, ids)
    draws = await transcripts.of_lots(session, actor, lots)
    members = await committees.public_members(session, lots)
    return [
        _life(
            told,
            lot,
            records=[_opened(stage, content) for (of, stage), content in records.items() if of == lot.id],
            key=keys.get(lot.id),
            draws=draws[lot.id],
            committee=members.get(lot.id, ()),
        )
        for lot in lots
    ]


def _life(
    told: _Told,
    lot: LotFacts,
    *,
    records: list[Opened],
    key: OpeningKey | None,
    draws: list[UUID],
    committee: tuple[Member, ...],
) -> Life:
    own = [one for one in told.notices if one.lot_id in (None, lot.id)]
    newest = {one.kind: one for one in own}
    finished = parse(records[0].said["finished_at"]) if records else None
    announced = told.tender.announced_at
    return Life(
        lot=lot,
        steps=public_life.steps(lot, own, announced, finished, now=told.now) if announced else [],
        key=key,
        records=records,
        documents=[one for one in told.documents if one.lot_id == lot.id],
        candidates=newest.get("candidates"),
        award=newest.get("award"),
        halted=newest.get("suspension") if lot.suspended else None,
        draws=draws,
        committee=committee,
    )


def _opened(stage: int, found: Receipt) -> Opened:
    said = canonical.decode(found.content)
    forms = [envelope["form"] or {} for bid in said["bids"] for envelope in bid["envelopes"]]
    columns = tuple(name for name in record.PUBLISHED if any(name in form for form in forms))
    return Opened(stage, said, columns, found.digest.hex())
