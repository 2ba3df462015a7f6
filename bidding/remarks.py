"""What bidders say about what was read out, and the answers: on the spot, in writing, in the record.

实施条例 第四十四条: a bidder who objects to the opening does so at the opening; the tenderer answers there and then,
and both are recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import openings, room, room_policy, standing
from bidding.room_tables import CONFIRMED, OBJECTED, AnswerRow, RemarkRow
from bidding.tables import OpeningRow
from kernel.actor import Actor
from kernel.database import notify, now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts

MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Remark:
    """A bidder's word by one of its people (`name`); `answer` with who gave it and when, once it is there.

    `answered_for` is the party (统一社会信用代码) that `answered_by` speaks for, None for the witness.
    """

    id: UUID
    party: str
    name: str
    kind: str
    text: str
    made_at: datetime
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    answered_for: str | None = None

    @property
    def unnamed(self) -> "Remark":
        """Return it as the public sees it: by parties, without the names of their people."""
        return replace(self, name="", answered_by=None)


async def confirm(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, bidder: str, entropy: Entropy
) -> None:
    """Say for a bidder that there is no objection to what was read out; said again, it changes nothing.

    Raises ``opening.not_read_out``, ``opening.closed``, ``opening.not_found``.
    """
    lot, row = await _speaking(session, actor, lot_id, stage, bidder=bidder, kind=CONFIRMED)
    moment = await now(session)
    values = _values(actor, row, bidder, moment) | {"id": new_id(entropy), "kind": CONFIRMED, "content": ""}
    kept = insert(RemarkRow).values(values).on_conflict_do_nothing().returning(RemarkRow.id)
    if (await session.execute(kept)).first() is None:
        return
    said = {"lot": str(lot.id), "opening": str(row.id), "bidder": bidder}
    await trail.record(session, actor, "opening.confirmed", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await changed(session, row)


async def complain(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, bidder: str, text: str, entropy: Entropy
) -> UUID:
    """Object for a bidder; the opening does not close before it is answered.

    Raises ``opening.no_text``, ``opening.text_too_long``, ``opening.closed``, ``opening.not_found``.
    """
    lot, row = await _speaking(session, actor, lot_id, stage, bidder=bidder, kind=OBJECTED)
    check_text(text)
    moment = await now(session)
    remark_id = new_id(entropy)
    session.add(RemarkRow(id=remark_id, kind=OBJECTED, content=text, **_values(actor, row, bidder, moment)))
    await session.flush()
    said = {"lot": str(lot.id), "opening": str(row.id), "remark": str(remark_id), "bidder": bidder, "text": text}
    await trail.record(session, actor, "opening.objected", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await changed(session, row)
    return remark_id


async def answer(session: AsyncSession, actor: Actor, remark_id: UUID, text: str, *, entropy: Entropy) -> None:
    """Answer an objection, once.

    Raises ``opening.no_text``, ``opening.text_too_long``, ``opening.answered``, ``opening.closed``,
    ``opening.not_found``.
    """
    remark = await session.get(RemarkRow, remark_id)
    if remark is None or remark.kind != OBJECTED:
        raise not_found("opening")
    row = await session.get_one(OpeningRow, remark.opening_id)
    lot = await lots.facts(session, row.lot_id)
    permit(room_policy.may_answer(actor, lot))
    await session.refresh(row, with_for_update=True)
    permit(room.may_speak(await standing.of(session, lot, row), OBJECTED))
    check_text(text)
    moment = await now(session)
    values = {
        "remark_id": remark_id,
        "party": room_policy.answers_for(actor, lot),
        "user_id": actor.user_id,
        "name": actor.name,
        "content": text,
        "made_at": moment,
    }
    kept = insert(AnswerRow).values(values).on_conflict_do_nothing().returning(AnswerRow.remark_id)
    if (await session.execute(kept)).first() is None:
        raise GgzyError("opening.answered", Kind.CONFLICT)
    said = {"lot": str(lot.id), "opening": str(row.id), "remark": str(remark_id), "text": text}
    await trail.record(session, actor, "opening.answered", said, trade=lot.tender_id, entropy=entropy, at=moment)
    await changed(session, row)


async def list_all(session: AsyncSession, opening_id: UUID) -> Sequence[Remark]:
    """Return everything that was said in an opening, with the answers, in order."""
    query = (
        select(RemarkRow, AnswerRow)
        .outerjoin(AnswerRow, AnswerRow.remark_id == RemarkRow.id)
        .where(RemarkRow.opening_id == opening_id)
        .order_by(RemarkRow.made_at, RemarkRow.id)
    )
    return [_remark(said, given) for said, given in (await session.execute(query)).all()]


def check_text(text: str) -> None:
    """Raise ``opening.no_text`` or ``opening.text_too_long`` unless somebody said something, in bounds."""
    if not text.strip():
        raise GgzyError("opening.no_text")
    if len(text) > MAX_TEXT:
        raise GgzyError("opening.text_too_long", limit=MAX_TEXT)


async def changed(session: AsyncSession, row: OpeningRow) -> None:
    """Tell whoever watches the room."""
    await notify(session, "opening", f"{row.lot_id}/{row.stage}")


async def _speaking(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, bidder: str, kind: str
) -> tuple[LotFacts, OpeningRow]:
    """Return lot and opening, the opening's row shared with other speakers and locked against its end."""
    lot = await lots.facts(session, lot_id)
    row = await openings.begun(session, lot_id, stage)
    listed = await openings.entries(session, row.id)
    permit(room_policy.may_speak(actor, bidder, {bid.party for _, bid in listed}))
    await session.refresh(row, with_for_update={"read": True})
    permit(room.may_speak(await standing.of(session, lot, row), kind))
    return lot, row


def _values(actor: Actor, row: OpeningRow, bidder: str, moment: datetime) -> dict[str, object]:
    return {
        "opening_id": row.id,
        "party": bidder,
        "user_id": actor.user_id,
        "name": actor.name,
        "made_at": moment,
    }


def _remark(said: RemarkRow, given: AnswerRow | None) -> Remark:
    told = Remark(said.id, said.party, said.name, said.kind, said.content, said.made_at)
    if given is None:
        return told
    return replace(
        told, answer=given.content, answered_by=given.name, answered_at=given.made_at, answered_for=given.party
    )
