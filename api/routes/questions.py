"""Questions on the tender documents over HTTP: asked by who took them, answered together, read by everybody then."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kernel.entropy import Entropy
from trading import questions
from trading.draft import Code
from trading.notices import Notice
from trading.questions import AnswersDraft, Question


class QuestionDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, and for which bidder it is asked."""

    bidder: Code
    text: Annotated[str, msgspec.Meta(max_length=questions.LONGEST)]


class QuestionController(Controller):
    """Questions and answers of a lot."""

    path = "/api/v1/lots/{lot_id:uuid}"
    tags = ("trading",)

    @get("/questions", summary="Questions and answers of a lot")
    async def page(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[Question]:
        """List what is answered; besides, to the tenderer every question without its asker, to a bidder its own."""
        return await questions.of_lot(session, actor, lot_id)

    @post("/questions", summary="Ask about the tender documents")
    async def ask(
        self, lot_id: UUID, data: QuestionDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Question:
        """Ask for a bidder that took the documents; who asks stays secret until the opening."""
        return await questions.ask(session, actor, lot_id, data.bidder, data.text, entropy=entropy)

    @post("/answers", summary="Publish answers to questions")
    async def answer(
        self, lot_id: UUID, data: AnswersDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Notice:
        """Publish answers as one clarification, which moves the deadline where it has to."""
        return await questions.answer(session, actor, lot_id, data, entropy=entropy)
