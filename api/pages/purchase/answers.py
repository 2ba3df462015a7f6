"""Questions on the documents as their purchaser sees them: without who asked, answered together in one publication."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import rules
from api.pages.purchase.lot import owned
from api.web import PAGE, Form, Page, page, see, values
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import lots, questions
from trading.questions import AnswerDraft, AnswersDraft, Question, Wording
from trading.text import Line

PLACES = {"deadline": "deadline"}


class Answers(Controller):
    """The questions of a lot for its tenderer."""

    path = "/purchase/lots/{lot_id:uuid}/questions"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show what waits for an answer and what was answered."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @post()
    async def answer(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Publish the answers that were written; questions left empty wait on."""
        form = await Form.read(request)
        await owned(session, actor, lot_id)
        found = await questions.of_lot(session, actor, lot_id)
        stated = _stated(form, [one for one in found if one.answer is None])
        if stated is not None:
            with form.trying(PLACES):
                await questions.answer(session, actor, lot_id, stated, entropy=entropy)
                return see(f"/purchase/lots/{lot_id}/questions", done="questions_answered")
        return await _show(request, session, actor, lot_id, form)


async def _show(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await owned(session, actor, lot_id)
    now = await database.now(session)
    pack = lots.rules(lot, now)
    return page(
        request,
        "purchase/questions.html",
        form=form,
        lot=lot,
        questions=await questions.of_lot(session, actor, lot_id),
        until=questions.closes(lot, pack),
        rules=rules.shown(pack, ("clarification.min_days", questions.RULE)),
        earliest=await rules.clarified_deadline(session, pack, now),
    )


def _stated(form: Form, waiting: list[Question]) -> AnswersDraft | None:
    said = []
    for one in waiting:
        if form[f"answer-{one.id}"]:
            wording = values.text(form, f"wording-{one.id}", Wording)
            answer = values.text(form, f"answer-{one.id}", Wording)
            if wording is not None and answer is not None:
                said.append(AnswerDraft(one.id, wording, answer))
    title = values.text(form, "title", Line)
    deadline = values.moment(form, "deadline", required=False)
    if not said and not form.problems:
        form.refuse(GgzyError("question.no_answer"), f"answer-{waiting[0].id}" if waiting else "")
    if form.problems or title is None:
        return None
    draft = AnswersDraft(title, tuple(said), deadline=deadline, material=form["material"] != "no")
    return msgspec.convert(msgspec.to_builtins(draft), AnswersDraft)
