"""Questions on the tender documents (答疑): asked by who took them, answered together in one published clarification.

Who asked is secret until the opening (招标投标法 第二十二条): the purchaser sees the question and its time, the
publication shows a wording that names nobody. The answers are a notice like any clarification: numbered, hashed,
in the trail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor, Role
from kernel.clock import isoformat
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, permit
from trading import amendments, lots, parties, policy, taken
from trading.amendments import TENDERER, ClarificationDraft
from trading.entry_tables import AnswerRow, QuestionRow
from trading.lot import LotFacts, State
from trading.notices import Notice
from trading.rulepack import Pack
from trading.tables import IssueRow
from trading.text import Line

MOST_OPEN = 20
LONGEST = 4000  # characters
RULE = "objection.documents_min_days"
Wording = Annotated[
    str, msgspec.Meta(min_length=1, max_length=LONGEST, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$(?!\n)")
]


class AnswerDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer, with the wording under which its question is published."""

    question: UUID
    wording: Wording
    answer: Wording


class AnswersDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers published together; `deadline` and `material` as in a clarification."""

    title: Line
    answers: Annotated[tuple[AnswerDraft, ...], msgspec.Meta(min_length=1, max_length=200)]
    deadline: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    material: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What was published for a question, with the notice in which it stands."""

    notice_id: UUID
    wording: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `bidder` is None for whom it is secret, `mine` tells the asker's own people."""

    id: UUID
    lot_id: UUID
    text: str
    at: datetime
    bidder: str | None
    mine: bool
    answer: Answer | None


def closes(lot: LotFacts, pack: Pack) -> datetime | None:
    """Return until when questions are taken: so many days before the deadline as the pack says. Pure."""
    return None if lot.deadline is None else lot.deadline - timedelta(days=pack.value(RULE))


async def ask(
    session: AsyncSession, actor: Actor, lot_id: UUID, bidder: str, text: str, *, entropy: Entropy
) -> Question:
    """Ask about the documents that one's party took, and record ``question.asked``.

    Raises ``question.no_text``, ``question.too_long``, ``question.not_taken``, ``question.too_late``,
    ``question.not_open``, ``question.too_many``, ``issue.not_the_bidder``, ``lot.not_found``.
    """
    lot = await lots.share(session, lot_id)  # a question keeps no bid waiting
    await database.lock(session, f"question:{lot_id}:{bidder}")
    permit(await lots.enterable(session, actor, lot, bidder))
    permit(policy.may_ask(actor, bidder, taken=await session.get(IssueRow, (lot_id, bidder)) is not None))
    now = await database.now(session)
    permit(_is_open(lot, lots.rules(lot, now), now))
    permit(_is_wording(text))
    mine = (QuestionRow.lot_id == lot_id, QuestionRow.bidder == bidder, AnswerRow.question_id.is_(None))
    open_ones = select(func.count()).select_from(QuestionRow).outerjoin(AnswerRow).where(*mine)
    if (await session.scalar(open_ones) or 0) >= MOST_OPEN:
        raise GgzyError("question.too_many", Kind.TOO_MANY, limit=MOST_OPEN)
    row = QuestionRow(id=new_id(entropy), lot_id=lot_id, bidder=bidder, text=text.strip(), by=actor.user_id, at=now)
    session.add(row)
    await session.flush()
    data = {"question": str(row.id), "lot": str(lot_id), "bidder": bidder}
    await trail.record(session, actor, "question.asked", data, trade=lot.tender_id, entropy=entropy)
    return _value(actor, row, None, told=True)


async def answer(session: AsyncSession, actor: Actor, lot_id: UUID, draft: AnswersDraft, *, entropy: Entropy) -> Notice:
    """Publish answers as one clarification, which may move the deadline, and record ``question.answered``.

    No published wording names a registered party but the tenderer's own: ``question.names_asker``. Also raises
    ``question.not_found``, ``question.answered``, and what `amendments.clarify` raises.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_act(actor, lot, TENDERER, seen=await lots.seen(session, actor, lot)))
    await _require_open(session, lot_id, [one.question for one in draft.answers])
    await _check_names(session, lot, draft.answers)
    said = ClarificationDraft(
        title=draft.title,
        text="\n\n".join(f"{number}. {one.wording}\n{one.answer}" for number, one in enumerate(draft.answers, 1)),
        lots=(lot.number,),
        deadline=draft.deadline,
        material=draft.material,
    )
    (notice,) = await amendments.clarify(session, actor, lot.tender_id, said, entropy=entropy)
    for one in draft.answers:
        session.add(
            AnswerRow(
                question_id=one.question, notice_id=notice.id, wording=one.wording.strip(), text=one.answer.strip()
            )
        )
    await session.flush()
    data = {"lot": str(lot_id), "notice": str(notice.id), "questions": [str(one.question) for one in draft.answers]}
    await trail.record(session, actor, "question.answered", data, trade=lot.tender_id, entropy=entropy)
    return notice


async def of_lot(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Question]:
    """Return what somebody may see, oldest first: the tenderer every question, a bidder its own; else what is answered.

    Of an answered question others see the published wording alone. Raises ``lot.not_found``.
    """
    lot = await lots.read(session, actor, lot_id)
    told = await taken.hidden(session, actor, lot) is None
    found = [_value(actor, *row, told=told) for row in await session.execute(_of(lot_id))]
    everything = policy.may_read_questions(actor, lot)
    return [one if everything or one.mine else _published(one) for one in found if everything or one.mine or one.answer]


async def open_count(session: AsyncSession, lot_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many questions of each lot wait for their answer; for whoever may read them all."""
    query = (
        select(QuestionRow.lot_id, func.count())
        .outerjoin(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.lot_id.in_(list(lot_ids)), AnswerRow.question_id.is_(None))
        .group_by(QuestionRow.lot_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def taken_for(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[str]:
    """Return those of the person's own parties that took the documents of the lot."""
    query = select(IssueRow.bidder).where(IssueRow.lot_id == lot_id, IssueRow.bidder.in_(actor.parties(Role.BIDDER)))
    return list((await session.scalars(query.order_by(IssueRow.bidder))).all())


async def every(session: AsyncSession, lot_id: UUID) -> list[dict[str, Any]]:
    """Return all questions of a lot as its archive keeps them; asks nobody's rights."""
    return [_kept(*row) for row in await session.execute(_of(lot_id))]


def _of(lot_id: UUID) -> Select[QuestionRow, AnswerRow]:
    """Return the query of a lot's questions with their answers, oldest first."""
    return (
        select(QuestionRow, AnswerRow)
        .outerjoin(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.lot_id == lot_id)
        .order_by(QuestionRow.at, QuestionRow.id)
    )


def _is_open(lot: LotFacts, pack: Pack, now: datetime) -> GgzyError | None:
    until = closes(lot, pack)
    if lot.state != State.ANNOUNCED or lot.suspended or until is None:
        return GgzyError("question.not_open", Kind.CONFLICT)
    if now >= until:
        return GgzyError("question.too_late", Kind.CONFLICT, until=isoformat(until), article=pack.rule(RULE).article)
    return None


def _is_wording(text: str) -> GgzyError | None:
    if not text.strip():
        return GgzyError("question.no_text")
    try:
        msgspec.convert(text.strip(), Wording)
    except msgspec.ValidationError:
        return GgzyError("question.too_long", limit=LONGEST)
    return None


async def _require_open(session: AsyncSession, lot_id: UUID, wanted: Sequence[UUID]) -> None:
    """Require open questions of the lot, each once; the lot's lock keeps others from answering meanwhile."""
    query = (
        select(QuestionRow.id, AnswerRow)
        .outerjoin(AnswerRow, AnswerRow.question_id == QuestionRow.id)
        .where(QuestionRow.lot_id == lot_id, QuestionRow.id.in_(wanted))
    )
    found = {row[0]: row[1] for row in await session.execute(query)}
    if set(wanted) != set(found) or len(set(wanted)) != len(wanted):
        raise GgzyError("question.not_found", Kind.NOT_FOUND)
    if any(answered is not None for answered in found.values()):
        raise GgzyError("question.answered", Kind.CONFLICT)


async def _check_names(session: AsyncSession, lot: LotFacts, answers: Sequence[AnswerDraft]) -> None:
    """Refuse wordings that name any party but the tenderer's own: a refusal of askers alone would tell who asked."""
    texts = [f"{one.wording}\n{one.answer}" for one in answers]
    named = await parties.mentioned(session, "\n".join(texts)) - {lot.purchaser, lot.agency}
    known = named | set((await parties.names(session, {code for code in named if code})).values())
    for number, text in enumerate(texts, 1):
        if any(name in text for name in known if name):
            raise GgzyError("question.names_asker", number=number)


def _value(actor: Actor, row: QuestionRow, answered: AnswerRow | None, *, told: bool) -> Question:
    """Return a question; who asked where that is `told` or one's own."""
    mine = row.bidder in actor.parties(Role.BIDDER)
    found = None if answered is None else Answer(answered.notice_id, answered.wording, answered.text)
    return Question(row.id, row.lot_id, row.text, row.at, row.bidder if mine or told else None, mine, found)


def _published(one: Question) -> Question:
    """Return the question as everybody sees it: in the published wording, of nobody."""
    text = one.answer.wording if one.answer else ""
    return Question(one.id, one.lot_id, text, one.at, None, mine=False, answer=one.answer)


def _kept(row: QuestionRow, answered: AnswerRow | None) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "bidder": row.bidder,
        "at": isoformat(row.at),
        "text": row.text,
        "notice": None if answered is None else str(answered.notice_id),
        "wording": None if answered is None else answered.wording,
        "answer": None if answered is None else answered.text,
    }
