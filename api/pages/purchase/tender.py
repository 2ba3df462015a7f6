"""One tender of a purchaser: what is there, entered under commitment, announced, clarified; its documents."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import rules
from api.pages.trade import facts
from api.web import PAGE, Form, Page, page, see, values
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found, permit
from trading import lots, questions, tenders
from trading import policy as rights
from trading.lot import State
from trading.party import COMMITMENT_VERSION
from trading.tenders import Tender
from trading.text import Text


class OwnTender(Controller):
    """A tender for its tenderer."""

    path = "/purchase/tenders/{tender_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the tender, its life, its documents, and what can be done."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, tender_id, Form())

    @post("/entry")
    async def enter(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Hand the tender to the centre under notification and commitment."""
        form = await Form.read(request)
        if form["commitment"] != COMMITMENT_VERSION:
            form.refuse(GgzyError("field.not_committed"), "commitment")
            return await _show(request, session, actor, tender_id, form)
        with form.trying():
            await tenders.step(session, actor, tender_id, "enter", entropy=entropy)
            return see(f"/purchase/tenders/{tender_id}", done="tender_entered")
        return await _show(request, session, actor, tender_id, form)

    @get("/announcement")
    async def announcement(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show the form of the notice."""
        permit(policy.must_be_person(actor))
        return await _announcement(request, session, actor, tender_id, Form())

    @post("/announcement")
    async def announce(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Publish the notice; all lots take bids from now on."""
        form = await Form.read(request)
        text = values.text(form, "text", Text)
        if text is not None:
            with form.trying():
                await tenders.step(session, actor, tender_id, "announce", entropy=entropy, text=text)
                return see(f"/purchase/tenders/{tender_id}", done="tender_announced")
        return await _announcement(request, session, actor, tender_id, form)


async def _show(request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form) -> Response[bytes]:
    tender = await own(session, actor, tender_id)
    pack = lots.rules(tender.lots[0], await database.now(session))
    known = await facts(session, actor, tender)
    attached = {one.kind for one in known["documents"]}
    return page(
        request,
        "purchase/tender.html",
        form=form,
        rules=rules.shown(pack, rules.ENTRY),
        lacking=sorted(set(pack.value("entry.required")) - attached),
        asked=await questions.open_count(session, [lot.id for lot in tender.lots]),
        keyless=[lot.number for lot in tender.lots if lot.opening_key_hash is None],
        state=tender.lots[0].state,
        open_lots=[lot for lot in tender.lots if lot.state == State.ANNOUNCED],
        commitment=COMMITMENT_VERSION,
        **known,
    )


async def own(session: AsyncSession, actor: Actor, tender_id: UUID) -> Tender:
    """Return a tender to its tenderer; to others this desk has none: ``tender.not_found``."""
    tender = await tenders.get(session, actor, tender_id)
    permit(None if rights.is_tenderer(actor, tender) else not_found("tender"))
    return tender


async def _announcement(
    request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form
) -> Response[bytes]:
    tender = await own(session, actor, tender_id)
    pack = lots.rules(tender.lots[0], await database.now(session))
    known = await facts(session, actor, tender)
    return page(request, "purchase/announcement.html", form=form, rules=rules.shown(pack, rules.TERMS), **known)
