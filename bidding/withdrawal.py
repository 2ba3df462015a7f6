"""Withdrawing a bid, and confirming one under a moved deadline: a signed statement in time, and a receipt for it.

招标投标法 第二十九条: a bidder may withdraw until the deadline; 实施条例 第三十五条: the bond then goes back within
five days.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import policy, submissions
from bidding import receipt as receipts
from bidding import statement as statements
from bidding.receipt import Receipt
from bidding.submissions import Desk
from bidding.tables import CONFIRMATION, LIVE, WITHDRAWAL, WITHDRAWN, BidRow, StatementRow
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import now
from kernel.entropy import new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading.lot import LotFacts

_EVENTS = {WITHDRAWAL: "bid.withdrawn", CONFIRMATION: "bid.confirmed"}


@dataclass(frozen=True, slots=True)
class _Case:
    """A live bid under its lot's lock, at the deciding moment before the deadline."""

    row: BidRow
    lot: LotFacts
    deadline: datetime
    moment: datetime


async def withdraw(session: AsyncSession, actor: Actor, bid_id: UUID, statement: bytes, *, desk: Desk) -> Receipt:
    """Withdraw a live bid before the deadline by a signed statement; return the acknowledgment (a receipt)."""
    case = await _case(session, actor, bid_id)
    issued = await _keep(session, actor, case, WITHDRAWAL, statement, desk=desk)
    case.row.state = WITHDRAWN
    await session.flush()
    return issued


async def confirm(session: AsyncSession, actor: Actor, bid_id: UUID, statement: bytes, *, desk: Desk) -> Receipt:
    """Confirm by a signed statement that a live bid stands under a deadline that moved after it was received.

    Raises GgzyError ``bid.nothing_to_confirm``.
    """
    case = await _case(session, actor, bid_id)
    if case.deadline in (case.row.deadline, await submissions.confirmed(session, case.row)):
        raise GgzyError("bid.nothing_to_confirm", Kind.CONFLICT)
    return await _keep(session, actor, case, CONFIRMATION, statement, desk=desk)


async def acknowledgment(session: AsyncSession, actor: Actor, bid_id: UUID, kind: str) -> Receipt:
    """Return the receipt of the newest withdrawal or confirmation of a bid of the actor's own party."""
    await submissions.find(session, actor, bid_id)
    query = (
        select(StatementRow)
        .where(StatementRow.bid_id == bid_id, StatementRow.kind == kind)
        .order_by(StatementRow.made_at.desc())
        .limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        raise not_found("statement")
    return Receipt(row.receipt, row.token, hashlib.sha256(row.receipt).digest(), row.commitment)


async def _case(session: AsyncSession, actor: Actor, bid_id: UUID) -> _Case:
    row = await session.get(BidRow, bid_id)
    if row is None:
        raise not_found("bid")
    permit(policy.may_bid(actor, row.party))
    lot = await submissions.hold(session, row.lot_id, row.party)
    moment = await now(session)
    permit(policy.may_receive(actor, row.party, lot, moment))
    await session.refresh(row, with_for_update=True)
    if row.state != LIVE or lot.deadline is None:
        raise GgzyError("bid.not_live", Kind.CONFLICT, state=row.state)
    return _Case(row, lot, lot.deadline, moment)


async def _keep(
    session: AsyncSession, actor: Actor, case: _Case, kind: str, statement: bytes, *, desk: Desk
) -> Receipt:
    """Keep a checked statement with its event and its acknowledgment."""
    row, lot = case.row, case.lot
    expected = statements.fields(kind, lot=lot.id, bid=row.id, receipt=row.digest, deadline=case.deadline)
    digest = statements.check(kind, statement, expected, actor.device_key)
    said = {
        "bid": str(row.id),
        "bidder": row.party,
        "deadline": isoformat(case.deadline),
        "lot": str(lot.id),
        "receipt": row.digest.hex(),
        "signer": (actor.device_key or b"").hex(),
        "statement": digest.hex(),
    }
    opening = await trail.record(
        session, actor, _EVENTS[kind], said, trade=lot.tender_id, entropy=desk.entropy, at=case.moment
    )
    issued = await receipts.issue(opening, log=desk.log, authority=desk.authority, at=case.moment)
    session.add(
        StatementRow(
            id=new_id(desk.entropy),
            bid_id=row.id,
            kind=kind,
            deadline=case.deadline,
            content=statement,
            receipt=issued.content,
            token=issued.token,
            commitment=issued.commitment,
            made_at=case.moment,
        )
    )
    await session.flush()
    return issued
