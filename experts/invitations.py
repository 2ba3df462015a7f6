"""Calls to drawn experts: accept, decline, time out, recuse; whoever does not come is followed by the next ticket.

The drawing staff sees codes only. Answers are logged under the expert's code by the system, so that no account can be
linked to a code through the trail.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from experts import draws, policy, reveals, rounds
from experts.tables import (
    ACCEPTED,
    COMPLETED,
    DECLINED,
    DRAWN,
    EXHAUSTED,
    INVITED,
    RECUSED,
    TIMED_OUT,
    CallRow,
    DrawRow,
    ExpertRow,
)
from kernel import database
from kernel.actor import SYSTEM, Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Invitation:
    """A call as the called expert sees it: what, where, until when; no bidder is named."""

    draw_id: UUID
    lot_id: UUID
    title: str
    site: str
    state: str
    invited_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the drawing staff sees it: an opaque code and a state."""

    code: bytes
    position: int
    state: str
    expires_at: datetime


async def mine(session: AsyncSession, actor: Actor) -> list[Invitation]:
    """Return the calls of the expert whose account this is, newest first."""
    query = (
        select(CallRow, DrawRow)
        .join(DrawRow, DrawRow.id == CallRow.draw_id)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(ExpertRow.user_id == actor.user_id)
        .order_by(CallRow.invited_at.desc())
        .limit(100)
    )
    return [await _invitation(session, call, row) for call, row in (await session.execute(query)).all()]


async def answer(
    session: AsyncSession, actor: Actor, draw_id: UUID, *, accept: bool, reason: str = "", entropy: Entropy
) -> Invitation:
    """Accept or decline a call; declining needs a reason.

    Raises ``invitation.not_found``, ``invitation.no_reason``, ``invitation.expired``, ``draw.answered``.
    """
    row, call = await _own(session, actor, draw_id)
    if not accept and not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("invitation.no_reason", Kind.INVALID)
    now = await database.now(session)
    if call.state == INVITED and now >= call.expires_at:
        raise GgzyError("invitation.expired", Kind.CONFLICT)
    await _settle(session, row, call, ACCEPTED if accept else DECLINED, reason.strip(), now=now, entropy=entropy)
    return await _invitation(session, call, row)


async def recuse(session: AsyncSession, actor: Actor, draw_id: UUID, reason: str, *, entropy: Entropy) -> Invitation:
    """Step back after having accepted, for a reason of avoidance learned later; GgzyError ``invitation.no_reason``."""
    row, call = await _own(session, actor, draw_id)
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("invitation.no_reason", Kind.INVALID)
    await _settle(session, row, call, RECUSED, reason.strip(), now=await database.now(session), entropy=entropy)
    return await _invitation(session, call, row)


async def dismiss(session: AsyncSession, draw_id: UUID, expert_id: UUID, reason: str, *, entropy: Entropy) -> None:
    """Take out an accepted expert who was replaced in the committee; called by `committees`, which decides."""
    row, _ = await rounds.locked(session, draw_id)
    query = select(CallRow).where(CallRow.draw_id == draw_id, CallRow.expert_id == expert_id)
    call = (await session.scalars(query)).one_or_none()
    if call is None:
        raise not_found("invitation")
    await _settle(session, row, call, RECUSED, reason, now=await database.now(session), entropy=entropy)


async def expire(session: AsyncSession, draw_id: UUID, *, entropy: Entropy) -> int:
    """Let calls of a draw time out whose hour has passed, one after the other; return how many did."""
    row, _ = await rounds.locked(session, draw_id)
    count = 0
    while True:
        now = await database.now(session)
        query = (
            select(CallRow)
            .where(CallRow.draw_id == draw_id, CallRow.state == INVITED, CallRow.expires_at <= now)
            .order_by(CallRow.position)
            .limit(1)
        )
        call = (await session.scalars(query)).one_or_none()
        if call is None:
            return count
        await _settle(session, row, call, TIMED_OUT, "", now=now, entropy=entropy)
        count += 1


async def overdue(session: AsyncSession) -> list[UUID]:
    """Return the draws that have calls to let time out, for the job that does it."""
    now = await database.now(session)
    query = select(CallRow.draw_id).where(CallRow.state == INVITED, CallRow.expires_at <= now).distinct()
    return list((await session.scalars(query)).all())


async def of_draw(session: AsyncSession, actor: Actor, draw_id: UUID) -> list[Call]:
    """Return a draw's calls to its participants, by code."""
    await draws.find(session, actor, draw_id)
    query = select(CallRow).where(CallRow.draw_id == draw_id).order_by(CallRow.position)
    return [Call(one.code, one.position, one.state, one.expires_at) for one in await session.scalars(query)]


async def _own(session: AsyncSession, actor: Actor, draw_id: UUID) -> tuple[DrawRow, CallRow]:
    query = (
        select(CallRow, ExpertRow.user_id)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(CallRow.draw_id == draw_id, ExpertRow.user_id == actor.user_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("invitation")
    permit(policy.may_answer(actor, found.user_id))
    row, _ = await rounds.locked(session, draw_id)
    await session.refresh(found.CallRow)
    return row, found.CallRow


async def _settle(
    session: AsyncSession,
    row: DrawRow,
    call: CallRow,
    outcome: str,
    reason: str,
    *,
    now: datetime,
    entropy: Entropy,
) -> None:
    """Write down an answer and what follows from it, under the lock of the draw."""
    rounds.require_state(row, DRAWN, COMPLETED, EXHAUSTED)
    query = select(CallRow).where(CallRow.draw_id == row.id).order_by(CallRow.position)
    calls = reveals.calls_of(row, list((await session.scalars(query)).all()))
    follows = calls.answer(call.code, outcome)
    call.state, call.reason, call.answered_at = outcome, reason, now
    await session.flush()
    told: dict[str, Any] = {"expert": call.code.hex(), "outcome": outcome, "reason": reason}
    await rounds.log(session, SYSTEM, row, "draw.answered", told, entropy=entropy, at=now)
    if follows is None:
        return
    if follows.place is not None:
        await reveals.call(session, row, (follows.place,))
    row.state = {"draw.called": DRAWN, "draw.exhausted": EXHAUSTED, "draw.completed": COMPLETED}[follows.kind]
    await rounds.log(session, SYSTEM, row, follows.kind, follows.data, entropy=entropy, at=now)


async def _invitation(session: AsyncSession, call: CallRow, row: DrawRow) -> Invitation:
    lot = await lots.facts(session, row.lot_id)
    return Invitation(row.id, lot.id, lot.title, lot.site, call.state, call.invited_at, call.expires_at)
