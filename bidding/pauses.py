"""Pausing and resuming an opening: one person orders it with a reason, another one consents; then it counts.

The consent is a device's signature over the order (``ggzy/room-order/v1``, docs/spec/opening-record.md), or a second
factor that the person showed at that very moment, which api has checked. While an opening is paused no share is taken
and no envelope is opened, and the time for objections stands still.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import openings, remarks, room, room_policy, signed, standing
from bidding.room_tables import DEVICE, FACTOR, PAUSE, ConsentRow, OrderRow
from bidding.tables import OpeningRow
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts

FORMAT = "ggzy/room-order/v1"
MAX_STATEMENT = 16384
KINDS = ("pause", "resume")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands: `consented_by`, `consented_at` and `method` once a second person has consented."""

    id: UUID
    kind: str
    reason: str
    ordered_by: UUID
    name: str
    ordered_at: datetime
    consented_by: str | None = None
    consented_at: datetime | None = None
    method: str | None = None


async def order(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, kind: str, reason: str, entropy: Entropy
) -> Order:
    """Order a pause or its end; the newest order is the one that waits for consent.

    Raises ``opening.no_text``, ``opening.paused``, ``opening.not_paused``, ``opening.closed``, ``opening.not_found``.
    """
    lot = await lots.facts(session, lot_id)
    row = await openings.begun(session, lot_id, stage)
    permit(room_policy.may_order(actor, lot))
    await session.refresh(row, with_for_update=True)
    if kind not in KINDS:
        raise GgzyError("opening.no_such_order")
    permit(room.may_order(await standing.of(session, lot, row), kind))
    remarks.check_text(reason)
    moment = await now(session)
    made = OrderRow(
        id=new_id(entropy),
        opening_id=row.id,
        kind=kind,
        reason=reason,
        user_id=actor.user_id,
        name=actor.name,
        made_at=moment,
    )
    session.add(made)
    await session.flush()
    said = {"lot": str(lot.id), "opening": str(row.id), "order": str(made.id), "kind": kind, "reason": reason}
    await trail.record(session, actor, "opening.ordered", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await remarks.changed(session, row)
    return _order(made, None)


async def consent(
    session: AsyncSession, actor: Actor, order_id: UUID, statement: bytes | None, *, entropy: Entropy
) -> None:
    """Consent to the newest order as the second person; it counts from now.

    `statement` is signed by the person's device; None says that api has just checked a second factor of theirs.
    Raises ``opening.same_person``, ``opening.order_stale``, ``statement.not_this``, ``device.not_enrolled``,
    ``signed.bad_signature``, ``opening.not_found``.
    """
    asked = await session.get(OrderRow, order_id)
    if asked is None:
        raise not_found("opening")
    row = await session.get_one(OpeningRow, asked.opening_id)
    lot = await lots.facts(session, row.lot_id)
    permit(room_policy.may_consent(actor, lot, asked.user_id))
    await session.refresh(row, with_for_update=True)
    newest = (await list_all(session, row.id))[-1]
    if newest.id != order_id or newest.consented_at is not None:
        raise GgzyError("opening.order_stale", Kind.CONFLICT)
    permit(room.may_order(await standing.of(session, lot, row), asked.kind))
    if statement is not None:
        _check(statement, lot, row, newest, actor)
    moment = await now(session)
    method = FACTOR if statement is None else DEVICE
    session.add(
        ConsentRow(
            order_id=order_id,
            ordered_by=asked.user_id,
            user_id=actor.user_id,
            name=actor.name,
            method=method,
            statement=statement,
            made_at=moment,
        )
    )
    await session.flush()
    said = {"lot": str(lot.id), "opening": str(row.id), "order": str(order_id), "method": method}
    event = "opening.paused" if asked.kind == PAUSE else "opening.resumed"
    await trail.record(session, actor, event, said, trade=lot.tender_id, entropy=entropy, at=moment)
    await remarks.changed(session, row)


async def list_all(session: AsyncSession, opening_id: UUID) -> Sequence[Order]:
    """Return the orders of an opening, oldest first."""
    query = (
        select(OrderRow, ConsentRow)
        .outerjoin(ConsentRow, ConsentRow.order_id == OrderRow.id)
        .where(OrderRow.opening_id == opening_id)
        .order_by(OrderRow.made_at, OrderRow.id)
    )
    return [_order(made, given) for made, given in (await session.execute(query)).all()]


def fields(lot_id: UUID, stage: int, given: Order) -> dict[str, object]:
    """Return what the second person's device signs."""
    return {
        "format": FORMAT,
        "kind": given.kind,
        "lot": str(lot_id),
        "order": str(given.id),
        "ordered_at": isoformat(given.ordered_at),
        "ordered_by": str(given.ordered_by),
        "reason": given.reason,
        "stage": stage,
    }


def _check(statement: bytes, lot: LotFacts, row: OpeningRow, given: Order, actor: Actor) -> None:
    message = signed.read(statement, FORMAT, limit=MAX_STATEMENT)
    if message.fields != fields(lot.id, row.stage, given):
        raise GgzyError("opening.order_stale", Kind.CONFLICT)
    if actor.device_key is None:
        raise GgzyError("device.not_enrolled", Kind.FORBIDDEN)
    signed.verify(message, actor.device_key)


def _order(made: OrderRow, given: ConsentRow | None) -> Order:
    if given is None:
        return Order(made.id, made.kind, made.reason, made.user_id, made.name, made.made_at)
    return Order(
        made.id,
        made.kind,
        made.reason,
        made.user_id,
        made.name,
        made.made_at,
        given.name,
        given.made_at,
        given.method,
    )
