"""Calls to drawn experts: accept, decline, time out, recuse; whoever does not come is followed by the next ticket.

The drawing staff sees codes only, and who is called sees a coded request: half a day, a site, a specialty. Which lot it
is they learn by accepting. Answers are logged under the expert's code by the system, so that no account can be linked
to a code through the trail.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from experts import draws, policy, quota, reveals, rounds
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
from kernel.clock import CHINA
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts

MAX_REASON = 500
NOON = 12


@dataclass(frozen=True, slots=True)
class Invitation:
    """A call as the called expert sees it; no bidder is ever named.

    `code` is what staff call the request by. `day` and `half` (``am``, ``pm``; China time) say when to come; the very
    hour is public and would name the trade. `lot_id` and `title` are None until the expert has accepted.
    """

    draw_id: UUID
    code: str
    site: str
    specialties: tuple[str, ...]
    day: date | None
    half: str | None
    state: str
    invited_at: datetime
    expires_at: datetime
    lot_id: UUID | None
    title: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the drawing staff sees it: an opaque code and a state."""

    code: bytes
    position: int
    state: str
    expires_at: datetime


async def mine(session: AsyncSession, actor: Actor) -> list[Invitation]:
    """Return the newest hundred calls of the expert whose account this is, newest first. Two queries."""
    query = (
        select(CallRow, DrawRow, ExpertRow)
        .join(DrawRow, DrawRow.id == CallRow.draw_id)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(ExpertRow.user_id == actor.user_id)
        .order_by(CallRow.invited_at.desc())
        .limit(100)
    )
    found = (await session.execute(query)).all()
    grouped = await lots.of_tenders(session, list({row.tender_id for _, row, _ in found}))
    by_id = {lot.id: lot for group in grouped.values() for lot in group}
    return [_invitation(call, row, expert, by_id[row.lot_id]) for call, row, expert in found]


async def get(session: AsyncSession, actor: Actor, draw_id: UUID) -> Invitation:
    """Return the call of a round to the expert who was called; ``invitation.not_found``."""
    call, row, expert = await _called(session, actor, draw_id)
    return _invitation(call, row, expert, await lots.facts(session, row.lot_id))


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
    return await get(session, actor, draw_id)


async def recuse(session: AsyncSession, actor: Actor, draw_id: UUID, reason: str, *, entropy: Entropy) -> Invitation:
    """Step back after having accepted, for a reason of avoidance learned later; GgzyError ``invitation.no_reason``."""
    row, call = await _own(session, actor, draw_id)
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise GgzyError("invitation.no_reason", Kind.INVALID)
    await _settle(session, row, call, RECUSED, reason.strip(), now=await database.now(session), entropy=entropy)
    return await get(session, actor, draw_id)


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


async def awaited(session: AsyncSession, draw_id: UUID) -> list[UUID]:
    """Return the accounts of the experts of a draw whose answer is awaited, for telling them."""
    query = select(ExpertRow.user_id).join(CallRow, CallRow.expert_id == ExpertRow.id)
    called = query.where(CallRow.draw_id == draw_id, CallRow.state == INVITED, ExpertRow.user_id.is_not(None))
    return [user_id for user_id in await session.scalars(called) if user_id is not None]


async def of_draw(session: AsyncSession, actor: Actor, draw_id: UUID) -> list[Call]:
    """Return a draw's calls to its participants, by code."""
    await draws.find(session, actor, draw_id)
    query = select(CallRow).where(CallRow.draw_id == draw_id).order_by(CallRow.position)
    return [Call(one.code, one.position, one.state, one.expires_at) for one in await session.scalars(query)]


async def _called(session: AsyncSession, actor: Actor, draw_id: UUID) -> tuple[CallRow, DrawRow, ExpertRow]:
    query = (
        select(CallRow, DrawRow, ExpertRow)
        .join(DrawRow, DrawRow.id == CallRow.draw_id)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(CallRow.draw_id == draw_id, ExpertRow.user_id == actor.user_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("invitation")
    permit(policy.may_answer(actor, found.ExpertRow.user_id))
    return found.CallRow, found.DrawRow, found.ExpertRow


async def _own(session: AsyncSession, actor: Actor, draw_id: UUID) -> tuple[DrawRow, CallRow]:
    call, _, _ = await _called(session, actor, draw_id)
    row, _ = await rounds.locked(session, draw_id)
    await session.refresh(call)
    return row, call


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


def _invitation(call: CallRow, row: DrawRow, expert: ExpertRow, lot: LotFacts) -> Invitation:
    wanted = [one for one in quota.read(row.quotas) if one.fits(expert.specialties, expert.sites)]
    begins = None if lot.deadline is None else lot.deadline.astimezone(CHINA)
    named = policy.may_know_lot(call.state)
    return Invitation(
        draw_id=row.id,
        code=call.code.hex()[:8].upper(),
        site=lot.site,
        specialties=tuple(dict.fromkeys(one.specialty for one in wanted)),
        day=None if begins is None else begins.date(),
        half=None if begins is None else "am" if begins.hour < NOON else "pm",
        state=call.state,
        invited_at=call.invited_at,
        expires_at=call.expires_at,
        lot_id=lot.id if named else None,
        title=lot.title if named else None,
    )
