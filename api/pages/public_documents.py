"""Taking the documents of a tender: a bidder chooses the lots, and reads what was taken. Who took them stays secret."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see
from kernel import database
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import documents, parties, tenders
from trading.lot import LotFacts
from trading.tenders import Tender


class Documents(Controller):
    """The documents of one tender, as far as whoever asks may read them."""

    path = "/tenders/{tender_id:uuid}/documents"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, request: Page, session: AsyncSession, actor: Actor, tender_id: UUID) -> Response[bytes]:
        """Show what may be taken and what can be read."""
        return await _page(request, session, actor, tender_id, Form())

    @post()
    async def take(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy, tender_id: UUID
    ) -> Response[bytes] | Redirect:
        """Take the documents of the chosen lots for one bidder."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        tender = await tenders.get(session, actor, tender_id)
        numbers = {str(lot.number): lot.id for lot in tender.lots}
        chosen = [numbers[number] for number in form.all("lot") if number in numbers]
        if not chosen:
            form.refuse(GgzyError("public.no_lot_chosen"), "lot")
        with form.trying("lot"):
            for lot_id in chosen:
                await documents.take(session, actor, lot_id, form["bidder"], entropy=entropy)
        if form.problems:
            return await _page(request, session, actor, tender_id, form)
        return see(f"/tenders/{tender_id}/documents", done="documents_taken")


async def _page(request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form) -> Response[bytes]:
    permit(policy.must_be_person(actor))
    tender = await tenders.get(session, actor, tender_id)
    bidders = sorted(actor.parties(Role.BIDDER))
    return page(
        request,
        "public/documents.html",
        form=form,
        tender=tender,
        open_lots=await _open(session, tender) if bidders else [],
        bidders=bidders,
        names=await parties.names(session, set(bidders)),
        documents=await documents.of_tender(session, actor, tender_id),
        lots={lot.id: lot for lot in tender.lots},
    )


async def _open(session: AsyncSession, tender: Tender) -> list[LotFacts]:
    """Return the lots whose documents may be taken; the service decides again."""
    now = await database.now(session)
    return [lot for lot in tender.lots if lot.takes_bids(now)]
