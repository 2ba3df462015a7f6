"""After the announcement: clarifications and corrections, and the deadline that they move (法23, 条例21)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import documents, lots, notices, policy
from trading.documents import DocumentDraft
from trading.draft import check_moment
from trading.lifecycle import By
from trading.lot import UNANNOUNCED, LotFacts, State
from trading.notices import Notice
from trading.rulepack import Pack
from trading.tables import LotRow
from trading.text import Line, Text

TENDERER = frozenset({By.TENDERER})


class ClarificationDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A clarification or change of the tender documents, with new versions of them; `deadline` if it moves."""

    title: Line
    text: Text
    lots: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=99)]
    documents: Annotated[tuple[DocumentDraft, ...], msgspec.Meta(max_length=50)] = ()
    deadline: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    material: bool = True


async def clarify(
    session: AsyncSession, actor: Actor, tender_id: UUID, draft: ClarificationDraft, *, entropy: Entropy
) -> list[Notice]:
    """Publish a clarification for the lots of these numbers, attach its documents, move the deadline if told to.

    What may affect the making of bids (`material`) must come at least so many days before the deadline as the rule pack
    says (15 by 条例21), or the deadline moves: ``deadline.must_move`` names the earliest. Also raises
    ``clarification.not_open``, ``deadline.not_later``, ``step.not_yours``, ``lot.not_found``.
    """
    found = await lots.lock_all(session, tender_id)
    chosen = await _announced(session, actor, found, draft.lots)
    now = await database.now(session)
    for lot in chosen:
        permit(is_in_time(lot, draft, lots.rules(lot, now), now))
    added = [await documents.add(session, actor, found, document, entropy=entropy) for document in draft.documents]
    attached = {"documents": [str(document.id) for document in added]} if added else {}
    published = []
    for lot in chosen:
        after = await _set_deadline(session, actor, lot, draft.deadline, entropy=entropy) if draft.deadline else lot
        data = _deadlines(lot, after) | attached
        told = await notices.publish(
            session, actor, lot, "clarification", title=draft.title, text=draft.text, data=data, entropy=entropy
        )
        published.append(told)
    return published


async def move_deadline(
    session: AsyncSession, actor: Actor, lot_id: UUID, deadline: datetime, reason: str, *, entropy: Entropy
) -> LotFacts:
    """Move the deadline of one lot to a later time, publish it and record ``deadline.moved`` with old and new.

    A suspended lot too: the deadline that passed meanwhile must move before the lot is resumed.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_act(actor, lot, TENDERER, seen=await lots.seen(session, actor, lot)))
    if lot.state in UNANNOUNCED or not reason.strip():
        raise GgzyError("clarification.not_open", Kind.CONFLICT) if reason.strip() else GgzyError("step.no_reason")
    after = await _set_deadline(session, actor, lot, deadline, entropy=entropy)
    data = _deadlines(lot, after)
    await notices.publish(session, actor, lot, "correction", title=lot.title, text=reason, data=data, entropy=entropy)
    return after


def is_in_time(lot: LotFacts, draft: ClarificationDraft, pack: Pack, now: datetime) -> GgzyError | None:
    """Tell whether a clarification leaves bidders the days that the law gives them. Pure."""
    if lot.deadline is None or now >= lot.deadline:
        return GgzyError("clarification.not_open", Kind.CONFLICT)
    earliest = now + timedelta(days=pack.value("clarification.min_days"))
    if draft.material and (draft.deadline or lot.deadline) < earliest:
        article = pack.rule("clarification.min_days").article
        return GgzyError("deadline.must_move", Kind.CONFLICT, earliest=isoformat(earliest), article=article)
    return None


async def _announced(
    session: AsyncSession, actor: Actor, found: list[LotFacts], numbers: Sequence[int]
) -> list[LotFacts]:
    if not found:
        raise not_found("tender")
    unseen = await lots.seen(session, actor, found[0])
    permit(policy.may_act(actor, found[0], TENDERER, seen=unseen and not_found("tender")))
    known = {lot.number: lot for lot in found}
    if not set(numbers) <= set(known):
        raise not_found("lot")
    chosen = [known[number] for number in sorted(set(numbers))]
    if any(lot.state != State.ANNOUNCED for lot in chosen):
        raise GgzyError("clarification.not_open", Kind.CONFLICT)
    return chosen


async def _set_deadline(
    session: AsyncSession, actor: Actor, lot: LotFacts, deadline: datetime, *, entropy: Entropy
) -> LotFacts:
    check_moment(deadline)
    now = await database.now(session)
    if lot.state != State.ANNOUNCED or lot.deadline is None or (lot.deadline <= now and not lot.suspended):
        raise GgzyError("clarification.not_open", Kind.CONFLICT)
    if deadline <= max(lot.deadline, now):
        raise GgzyError("deadline.not_later", Kind.CONFLICT, deadline=isoformat(lot.deadline))
    await session.execute(update(LotRow).where(LotRow.id == lot.id).values(deadline=deadline))
    data = {"lot": str(lot.id), "old": isoformat(lot.deadline), "new": isoformat(deadline)}
    await trail.record(session, actor, "deadline.moved", data, trade=lot.tender_id, entropy=entropy)
    return replace(lot, deadline=deadline)


def _deadlines(before: LotFacts, after: LotFacts) -> dict[str, str]:
    if before.deadline is None or after.deadline is None or before.deadline == after.deadline:
        return {}
    return {"old_deadline": isoformat(before.deadline), "new_deadline": isoformat(after.deadline)}
