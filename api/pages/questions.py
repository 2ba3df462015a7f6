"""A bidder's questions on the documents of a lot, and everybody's answers."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import permit
from trading import lots, parties, questions


class Questions(Controller):
    """Questions of those who took the documents."""

    path = "/bid/lots/{lot_id:uuid}/questions"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show one's own questions, all answers, and the form for another question."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @post()
    async def ask(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Ask; nobody but the purchaser learns of it, and he not from whom."""
        form = await Form.read(request)
        taken = await questions.taken_for(session, actor, lot_id)
        bidder = form["bidder"] or (taken[0] if taken else "")
        with form.trying("text"):
            await questions.ask(session, actor, lot_id, bidder, form["text"], entropy=entropy)
            return see(f"/bid/lots/{lot_id}/questions", done="question_asked")
        return await _show(request, session, actor, lot_id, form)


async def _show(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await lots.read(session, actor, lot_id)
    now = await database.now(session)
    pack = lots.rules(lot, now)
    taken = await questions.taken_for(session, actor, lot_id)
    return page(
        request,
        "questions/show.html",
        form=form,
        lot=lot,
        questions=await questions.of_lot(session, actor, lot_id),
        until=questions.closes(lot, pack),
        article=pack.rule(questions.RULE).article,
        taken=taken,
        names=await parties.names(session, set(taken)),
    )
