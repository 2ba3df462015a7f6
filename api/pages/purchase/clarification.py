"""A clarification or change of the tender documents, with the files that it replaces or adds."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import rules
from api.pages.purchase.papers import SMALL, drafted
from api.pages.purchase.tender import own
from api.web import PAGE, Form, Page, page, see, values
from archive.store import ObjectStore
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import amendments, documents, lots
from trading.amendments import ClarificationDraft
from trading.documents import INVITING, DocumentDraft
from trading.lot import State
from trading.text import Line, Text

ROWS = ("-1", "-2", "-3")
MOST_LOTS = 99


class Clarification(Controller):
    """The form of a clarification and its publication."""

    path = "/purchase/tenders/{tender_id:uuid}/clarification"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the form."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, tender_id, Form())

    @post(request_max_body_size=len(ROWS) * SMALL + (1 << 20))
    async def clarify(
        self,
        *,
        tender_id: UUID,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        store: ObjectStore,
    ) -> Response[Any]:
        """Publish for the chosen lots; the deadline moves where it has to, and documents get their next version."""
        permit(policy.must_be_person(actor))  # before so large a form is read
        form = await Form.read(request)
        await own(session, actor, tender_id)
        stated = _stated(form)
        with form.trying({"deadline": "deadline"}, missing=["file.not_found"]):
            brought = await _brought(session, actor, store, form, entropy=entropy)
            if stated is not None and not form.problems:
                draft = msgspec.structs.replace(stated, documents=brought)
                await amendments.clarify(session, actor, tender_id, draft, entropy=entropy)
                return see(f"/purchase/tenders/{tender_id}", done="clarification_published")
        return await _show(request, session, actor, tender_id, form)


async def _show(request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form) -> Response[bytes]:
    tender = await own(session, actor, tender_id)
    now = await database.now(session)
    pack = lots.rules(tender.lots[0], now)
    return page(
        request,
        "purchase/clarification.html",
        form=form,
        tender=tender,
        open_lots=[lot for lot in tender.lots if lot.state == State.ANNOUNCED],
        known=[one for one in await documents.of_tender(session, actor, tender_id) if one.kind in INVITING],
        kinds=sorted(INVITING),
        file_rows=ROWS,
        rules=rules.shown(pack, ("clarification.min_days",)),
        earliest=await rules.clarified_deadline(session, pack, now),
    )


def _stated(form: Form) -> ClarificationDraft | None:
    title, text = values.text(form, "title", Line), values.text(form, "text", Text)
    deadline = values.moment(form, "deadline", required=False)
    numbers = tuple(number for told in form.all("lots")[:MOST_LOTS] if (number := values.whole(told)) is not None)
    if not numbers:
        form.refuse(GgzyError("field.unchosen"), "lots")
    if form.problems or title is None or text is None:
        return None
    draft = ClarificationDraft(title, text, numbers, deadline=deadline, material=form["material"] != "no")
    return msgspec.convert(msgspec.to_builtins(draft), ClarificationDraft)


async def _brought(
    session: AsyncSession, actor: Actor, store: ObjectStore, form: Form, *, entropy: Entropy
) -> tuple[DocumentDraft, ...]:
    found: list[DocumentDraft] = []
    for row in ROWS:
        with form.trying({"field.unfit": f"title{row}"}, missing=["file.not_found"]):
            draft = await drafted(session, actor, store, form, entropy=entropy, row=row)
            found += [] if draft is None else [draft]
    return tuple(found)
