"""Questions and answers: who asks until when, who learns what, and that the answers name nobody."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from archive.tables import EventRow
from kernel import database
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError
from tests.trading.conftest import AGENCY, BIDDERS, PEOPLE, Stage, lot_draft
from trading import documents, dossier, lots, notices, questions
from trading.questions import AnswerDraft, AnswersDraft, Question
from trading.tenders import Tender

ASKER, OTHER = PEOPLE.bidders[0], PEOPLE.bidders[1]


async def taken(stage: Stage, *bidders: int, days: int = 40) -> Tender:
    """Announce a tender whose documents these bidders take."""
    tender = await stage.announce(lots=await soon(stage, days))
    for number in bidders or (0, 1):
        actor, bidder = PEOPLE.bidders[number], BIDDERS[number]
        await documents.take(stage.session, actor, tender.lots[0].id, bidder, entropy=stage.entropy)
    return tender


async def soon(stage: Stage, days: int) -> tuple[Any, ...]:
    """Return one lot whose deadline leaves so many days."""
    deadline = await database.now(stage.session) + timedelta(days=days)
    return (lot_draft(1, deadline=deadline),)


async def ask(
    stage: Stage, lot: UUID, text: str = "图纸比例？", actor: Actor = ASKER, bidder: str = BIDDERS[0]
) -> Question:
    """Ask as the first bidder."""
    return await questions.ask(stage.session, actor, lot, bidder, text, entropy=stage.entropy)


async def answer(stage: Stage, lot: UUID, *said: AnswerDraft, actor: Actor = PEOPLE.agency, **how: Any) -> Any:
    """Answer as the agency."""
    draft = AnswersDraft("答疑（一）", said, **how)
    return await questions.answer(stage.session, actor, lot, draft, entropy=stage.entropy)


def said(question: Question, text: str = "见第3页。", wording: str | None = None) -> AnswerDraft:
    """Return an answer under the question's own wording."""
    return AnswerDraft(question.id, wording or question.text, text)


async def test_who_took_the_documents_asks(stage: Stage) -> None:
    """Nobody else does, and nobody for another's party."""
    lot = (await taken(stage)).lots[0].id
    assert (await ask(stage, lot)).mine
    for actor, bidder, code in (
        (PEOPLE.bidders[2], BIDDERS[2], "question.not_taken"),
        (ASKER, BIDDERS[1], "issue.not_the_bidder"),
        (ANONYMOUS, BIDDERS[0], "issue.not_the_bidder"),
    ):
        with pytest.raises(GgzyError, match=code.replace(".", r"\.")):
            await ask(stage, lot, actor=actor, bidder=bidder)
    for text, code in ((" ", "question.no_text"), ("x" * 4001, "question.too_long"), ("\x07", "question.too_long")):
        with pytest.raises(GgzyError, match=code.replace(".", r"\.")):
            await ask(stage, lot, text)


async def test_questions_end_as_the_rule_pack_says(stage: Stage) -> None:
    """Ten days before the deadline nobody asks any more; the refusal names the article."""
    tender = await taken(stage, days=21)
    facts = await lots.facts(stage.session, tender.lots[0].id)
    pack = lots.rules(facts, await database.now(stage.session))
    until = questions.closes(facts, pack)
    assert until is not None
    assert facts.deadline is not None
    assert facts.deadline - until == timedelta(days=10)
    assert questions._is_open(facts, pack, until - timedelta(seconds=1)) is None
    late = questions._is_open(facts, pack, until)
    assert late is not None
    assert (late.code, "第二十二条" in str(late.params["article"])) == ("question.too_late", True)


async def test_a_suspended_lot_takes_no_questions(stage: Stage) -> None:
    """Nor does one that is over."""
    lot = (await taken(stage)).lots[0].id
    await stage.move(PEOPLE.agency, lot, "suspend", reason="核查")
    with pytest.raises(GgzyError, match=r"question\.not_open"):
        await ask(stage, lot)


async def test_nobody_floods_the_purchaser(stage: Stage) -> None:
    """Twenty questions of one party wait at most."""
    lot = (await taken(stage)).lots[0].id
    for number in range(questions.MOST_OPEN):
        await ask(stage, lot, f"问题{number}")
    with pytest.raises(GgzyError, match=r"question\.too_many"):
        await ask(stage, lot)
    assert await ask(stage, lot, actor=OTHER, bidder=BIDDERS[1])


async def test_who_asked_is_secret_until_the_opening(stage: Stage) -> None:
    """The purchaser reads questions without their askers; rivals and the public read nothing before the answer."""
    lot = (await taken(stage)).lots[0].id
    await ask(stage, lot)
    for actor in (PEOPLE.purchaser, PEOPLE.agency):
        (seen,) = await questions.of_lot(stage.session, actor, lot)
        assert (seen.text, seen.bidder, seen.mine) == ("图纸比例？", None, False)
    (own,) = await questions.of_lot(stage.session, ASKER, lot)
    assert (own.bidder, own.mine) == (BIDDERS[0], True)
    for actor in (OTHER, ANONYMOUS, PEOPLE.supervisor, PEOPLE.witness, PEOPLE.acceptance, PEOPLE.stranger):
        assert await questions.of_lot(stage.session, actor, lot) == []


async def test_answers_are_one_clarification_that_names_nobody(stage: Stage) -> None:
    """Two questions, one notice; everybody reads the published wording, the asker's own words stay unpublished."""
    lot = (await taken(stage)).lots[0].id
    first, second = await ask(stage, lot), await ask(stage, lot, "我公司可否踏勘？", OTHER, BIDDERS[1])
    notice = await answer(stage, lot, said(first), said(second, "可以，周三。", "可否踏勘现场？"))
    assert (notice.kind, notice.text) == (
        "clarification",
        "1. 图纸比例？\n见第3页。\n\n2. 可否踏勘现场？\n可以，周三。",
    )
    assert not any(bidder in notices.encode(notice).decode() for bidder in BIDDERS)
    public = await questions.of_lot(stage.session, ANONYMOUS, lot)
    assert [(one.text, one.bidder, one.mine) for one in public] == [
        ("图纸比例？", None, False),
        ("可否踏勘现场？", None, False),
    ]
    assert all(one.answer and one.answer.notice_id == notice.id for one in public)
    assert await questions.open_count(stage.session, [lot]) == {}
    with pytest.raises(GgzyError, match=r"question\.answered"):
        await answer(stage, lot, said(first))


@pytest.mark.parametrize("where", ["wording", "answer"])
async def test_an_asker_that_would_be_named_stops_the_publication(stage: Stage, where: str) -> None:
    """Neither the name nor the code of who asked gets into what is published."""
    lot = (await taken(stage)).lots[0].id
    asked = await ask(stage, lot, f"单位{BIDDERS[0][-4:]}问：工期可否顺延？")
    bad = said(asked) if where == "wording" else said(asked, f"请{BIDDERS[0]}注意", "工期可否顺延？")
    with pytest.raises(GgzyError, match=r"question\.names_asker"):
        await answer(stage, lot, bad)
    assert await answer(stage, lot, said(asked, "可以", "工期可否顺延？"))


async def test_a_refusal_tells_nothing_of_who_asked(stage: Stage) -> None:
    """Who tries names to find out which is refused meets the same refusal at every party; its own it may name."""
    lot = (await taken(stage)).lots[0].id
    asked = await ask(stage, lot)
    for bidder in BIDDERS[:3]:
        for name in (bidder, f"单位{bidder[-4:]}"):
            with pytest.raises(GgzyError, match=r"question\.names_asker"):
                await answer(stage, lot, said(asked, f"不是{name}所问"))
    assert await answer(stage, lot, said(asked, f"请与单位{AGENCY[-4:]}联系"))


async def test_only_the_tenderer_answers_and_only_questions_of_the_lot(stage: Stage) -> None:
    """Staff and bidders do not; a question of nowhere is none."""
    lot = (await taken(stage)).lots[0].id
    asked = await ask(stage, lot)
    for actor in (PEOPLE.acceptance, ASKER, PEOPLE.stranger):
        with pytest.raises(GgzyError, match=r"step\.not_yours"):
            await answer(stage, lot, said(asked), actor=actor)
    for wrong in ((AnswerDraft(stage.new_id(), "a", "b"),), (said(asked), said(asked))):
        with pytest.raises(GgzyError, match=r"question\.not_found"):
            await answer(stage, lot, *wrong)


async def test_a_late_answer_moves_the_deadline(stage: Stage) -> None:
    """Within fifteen days of the deadline what matters needs a later one, as with every clarification."""
    tender = await taken(stage, days=21)
    lot, deadline = tender.lots[0].id, tender.lots[0].deadline
    assert deadline is not None
    asked = await ask(stage, lot)
    moved = deadline + timedelta(days=9)
    notice = await answer(stage, lot, said(asked), deadline=moved)
    assert set(notice.data) == {"old_deadline", "new_deadline"}
    assert (await lots.facts(stage.session, lot)).deadline == moved


async def test_questions_are_in_the_trail_and_in_the_file_of_the_trade(stage: Stage) -> None:
    """Each question and each publication is an event, and the archive keeps who asked what."""
    tender = await taken(stage)
    asked = await ask(stage, tender.lots[0].id)
    await answer(stage, tender.lots[0].id, said(asked))
    kinds = (await stage.session.scalars(select(EventRow.kind).where(EventRow.trade == tender.id))).all()
    assert {"question.asked", "question.answered", "notice.published"} <= set(kinds)
    kept = [item async for item in dossier.items(stage.session, tender.id) if item.role == "question_record"]
    (item,) = kept
    assert BIDDERS[0].encode() in item.source
    assert "见第3页。".encode() in item.source


async def test_after_the_opening_the_tenderer_learns_who_asked(stage: Stage) -> None:
    """As with who took the documents: secret before, on record after."""
    tender = await taken(stage)
    lot = tender.lots[0].id
    await ask(stage, lot)
    await stage.move(PEOPLE.agency, lot, "terminate", reason="取消")
    (seen,) = await questions.of_lot(stage.session, PEOPLE.purchaser, lot)
    assert seen.bidder == BIDDERS[0]
