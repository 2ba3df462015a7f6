"""The opening room as a whole: what everybody in it sees at one moment, and its close.

`bidding.admission` lets people in. Who only looks on with the public is shown parties, and no names of their people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import (
    admission,
    amounts,
    ceremony,
    openings,
    outages,
    pauses,
    remarks,
    room,
    room_policy,
    standing,
    verdict,
)
from bidding.outages import Outage
from bidding.pauses import Order
from bidding.remarks import Remark
from bidding.room import Phase, Standing
from bidding.room_tables import CONFIRMED, OBJECTED, ClosingRow, PaperRow
from bidding.tables import BidRow, EntryRow, OpeningRow, ShareRow
from bidding.verdict import Verdict
from kernel.actor import Actor
from kernel.database import now
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, permit
from trading import lots, parties
from trading.lot import EnvelopeKind, LotFacts, State


@dataclass(frozen=True, slots=True)
class Helper:
    """A custodian of the lot's key: who, in what role, and when the shares came (None: awaited)."""

    index: int
    name: str
    role: str
    given_at: datetime | None
    device_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope: ``sealed``, ``opened`` or ``rejected`` with the code why; `form` is what may be read out."""

    kind: str
    outcome: str
    code: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """One bid on the list. `price` in yuan and in words; `mismatch`: the form's own labels that disagree with it.

    `confirmed` and `objected`: what the bidder has said of the opening so far.
    """

    party: str
    name: str
    received_at: datetime
    envelopes: tuple[Envelope, ...]
    price: Decimal | None = None
    words: str = ""
    mismatch: tuple[str, ...] = ()
    confirmed: bool = False
    objected: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """Everything at one moment. `minimum` bids are needed; `hearing_ends` None while unknown.

    `inside`: for those who take part, with the names of who speaks; `scored`: nothing keeps a later stage from opening.
    """

    lot: LotFacts
    stage: int
    phase: Phase
    standing: Standing
    at: datetime
    minimum: int
    purchaser: str
    inside: bool
    scored: bool = True
    began_at: datetime | None = None
    finished_at: datetime | None = None
    hearing_ends: datetime | None = None
    helpers: Sequence[Helper] = ()
    offers: Sequence[Offer] = ()
    remarks: Sequence[Remark] = ()
    orders: Sequence[Order] = ()
    outages: Sequence[Outage] = ()
    paper: bool = False

    @property
    def due(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.lot.deadline is not None and self.at >= self.lot.deadline

    @property
    def awaits(self) -> str:
        """Return for what an opening that has not begun waits: resumption, scores, deadline or witness."""
        if self.lot.suspended:
            return "resumption"
        if not self.scored:
            return "scores"
        return "witness" if self.due else "deadline"

    @property
    def enough(self) -> bool:
        """Tell whether enough custodians gave their shares: nobody waits for the others."""
        return sum(one.given_at is not None for one in self.helpers) >= self.lot.threshold

    @property
    def waiting_order(self) -> Order | None:
        """The newest order, while it waits for a second person."""
        newest = self.orders[-1] if self.orders else None
        return newest if newest is not None and newest.consented_at is None else None


async def read(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int) -> Room:
    """Return the room as somebody may see it; ``opening.not_found``."""
    lot = await lots.facts(session, lot_id)
    row = await openings.of_lot(session, lot_id, stage)
    inside = await admission.admit(session, actor, lot, stage, row)
    return await _compose(session, lot, stage, row, inside=inside)


async def let_in(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int) -> bool:
    """Tell whether somebody is inside or looks on, as `read` would; cheap, for many who come at once."""
    lot = await lots.facts(session, lot_id)
    return await admission.admit(session, actor, lot, stage, await openings.of_lot(session, lot_id, stage))


async def present(session: AsyncSession, lot_id: UUID, stage: int, *, inside: bool) -> Room:
    """Return the room for a board whose viewers are let in one by one."""
    lot = await lots.facts(session, lot_id)
    return await _compose(session, lot, stage, await openings.of_lot(session, lot_id, stage), inside=inside)


async def close(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, entropy: Entropy) -> None:
    """Close an opening: everything is read out, objections are answered; the record is written next.

    Raises ``opening.not_read_out``, ``opening.unanswered``, ``opening.bidders_unheard``, ``opening.paused``,
    ``opening.pause_asked``, ``opening.closed``, ``opening.not_the_witness``.
    """
    lot = await lots.lock(session, lot_id)
    row = await openings.begun(session, lot_id, stage)
    permit(room_policy.may_note(actor, lot))
    await session.refresh(row, with_for_update=True)
    moment = await now(session)
    permit(room.may_close(await standing.of(session, lot, row), moment))
    values = {"opening_id": row.id, "user_id": actor.user_id, "name": actor.name, "made_at": moment}
    kept = insert(ClosingRow).values(values).on_conflict_do_nothing().returning(ClosingRow.opening_id)
    if (await session.execute(kept)).first() is None:
        raise GgzyError("opening.closed", Kind.CONFLICT)
    said = {"lot": str(lot.id), "opening": str(row.id), "stage": stage}
    await trail.record(session, actor, "opening.closed", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await remarks.changed(session, row)


async def _compose(session: AsyncSession, lot: LotFacts, stage: int, row: OpeningRow | None, *, inside: bool) -> Room:
    moment = await now(session)
    found = await standing.of(session, lot, row)
    common: dict[str, Any] = {
        "lot": lot,
        "stage": stage,
        "phase": room.phase(found, moment),
        "standing": found,
        "at": moment,
        "minimum": lots.rules(lot, moment).value("bids.minimum"),
        "purchaser": (await parties.names(session, {lot.purchaser})).get(lot.purchaser, lot.purchaser),
        "inside": inside,
        "helpers": await _helpers(session, lot, row),
        "outages": await outages.list_all(session, lot.id, stage),
    }
    if row is None:
        return Room(**common, scored=stage == 1 or await _is_scored(session, lot))
    said = await remarks.list_all(session, row.id)
    return Room(
        **common,
        began_at=row.began_at,
        finished_at=row.finished_at,
        hearing_ends=room.hearing_ends(found),
        offers=await _offers(session, row, {(one.party, one.kind) for one in said}),
        remarks=said if inside else [one.unnamed for one in said],
        orders=await pauses.list_all(session, row.id),
        paper=await session.scalar(select(PaperRow.opening_id).where(PaperRow.opening_id == row.id)) is not None,
    )


async def _is_scored(session: AsyncSession, lot: LotFacts) -> bool:
    return lot.state == State.EVALUATING and bool(await openings.technically_scored(session, lot))


async def _helpers(session: AsyncSession, lot: LotFacts, row: OpeningRow | None) -> list[Helper]:
    if lot.opening_key_hash is None:
        return []
    key = await ceremony.of_lot(session, lot.id)
    given: dict[int, datetime] = {}
    if row is not None:
        query = select(ShareRow.custodian, ShareRow.received_at).where(ShareRow.opening_id == row.id)
        given = {share.custodian: share.received_at for share in await session.execute(query)}
    return [
        Helper(one.index, one.name, one.role, given.get(one.index), bytes.fromhex(one.device_key))
        for one in key.custodians
    ]


async def _offers(session: AsyncSession, row: OpeningRow, said: set[tuple[str, str]]) -> list[Offer]:
    listed = await openings.entries(session, row.id)
    verdicts = await verdict.list_all(session, row.id)
    names = await parties.names(session, {bid.party for _, bid in listed})
    bids = {bid.id: bid for _, bid in listed}
    return [
        _offer(bid, names.get(bid.party, bid.party), [e for e, b in listed if b.id == bid.id], verdicts, said)
        for bid in bids.values()
    ]


def _offer(
    bid: BidRow,
    name: str,
    listed: Sequence[EntryRow],
    verdicts: Mapping[tuple[UUID, str], Verdict],
    said: set[tuple[str, str]],
) -> Offer:
    envelopes = tuple(_envelope(entry.kind, verdicts.get((bid.id, entry.kind))) for entry in listed)
    heard = {kind: (bid.party, kind) in said for kind in (CONFIRMED, OBJECTED)}
    offer = Offer(bid.party, name, bid.received_at, envelopes, confirmed=heard[CONFIRMED], objected=heard[OBJECTED])
    for one in envelopes:
        if one.kind == EnvelopeKind.PRICE and one.form.get("price"):
            price = Decimal(str(one.form["price"]))
            mismatch = tuple(amounts.discrepancies(price, one.form.get("particulars") or {}))
            return replace(offer, price=price, words=amounts.write(price), mismatch=mismatch)
    return offer


def _envelope(kind: str, made: Verdict | None) -> Envelope:
    if made is None:
        return Envelope(kind, "sealed")
    return Envelope(kind, made.outcome, made.code, made.form or {})
