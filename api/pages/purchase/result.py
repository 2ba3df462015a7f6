"""From the report to the contract: candidates made public, the award, the contract; and who took the documents."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import rules
from api.pages.purchase.lot import inside, owned
from api.web import PAGE, Form, Page, page, see, values
from experts import reports
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit, unless_missing
from trading import awards, documents, lots, notices, parties
from trading.text import Reason, Text

PLACES = {"publicity.too_short": "ends_at", "notice.no_text": "text", "award.not_first_rank": "reason"}


class Results(Controller):
    """The result of a lot for its tenderer."""

    path = "/purchase/lots/{lot_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get("/publicity")
    async def publicity(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the ranked candidates of the report and the form of their publication."""
        permit(policy.must_be_person(actor))
        return await _publicity(request, session, actor, lot_id, Form())

    @post("/publicity")
    async def publicize(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Publish the candidates of the final report."""
        form = await Form.read(request)
        text, ends_at = values.text(form, "text", Text), values.moment(form, "ends_at")
        if text is not None and ends_at is not None:
            with form.trying(PLACES, missing=["report.not_found"]):
                ranked = await reports.candidates(session, lot_id)
                await awards.publicize(session, actor, lot_id, ranked, text=text, ends_at=ends_at, entropy=entropy)
                return see(f"/purchase/lots/{lot_id}", done="candidates_published")
        return await _publicity(request, session, actor, lot_id, form)

    @get("/award")
    async def choose(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the public candidates and the form of the award."""
        permit(policy.must_be_person(actor))
        return await _award(request, session, actor, lot_id, Form())

    @post("/award")
    async def award(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Award the lot and publish it."""
        form = await Form.read(request)
        text, reason = values.text(form, "text", Text), values.text(form, "reason", Reason, required=False) or ""
        if not form["winner"]:
            form.refuse(GgzyError("field.unchosen"), "winner")
        if text is not None and not form.problems:
            with form.trying(PLACES):
                told = {"text": text, "reason": reason}
                await awards.award(session, actor, lot_id, form["winner"], entropy=entropy, **told)
                return see(f"/purchase/lots/{lot_id}", done="lot_awarded")
        return await _award(request, session, actor, lot_id, form)

    @get("/contract")
    async def contract(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show which contract is attached and the button that ends the trade."""
        permit(policy.must_be_person(actor))
        return await _contract(request, session, actor, lot_id, Form())

    @post("/contract")
    async def conclude(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Register the contract that was attached."""
        form = await Form.read(request)
        with form.trying(PLACES):
            await lots.move(session, actor, lot_id, "contract", entropy=entropy)
            return see(f"/purchase/lots/{lot_id}", done="lot_contracted")
        return await _contract(request, session, actor, lot_id, form)

    @get("/issues")
    async def issues(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show who took the documents, once the law allows it."""
        permit(policy.must_be_person(actor))
        lot = await inside(session, actor, lot_id)
        taken = await documents.issues(session, actor, lot_id)
        names = await parties.names(session, {one.bidder for one in taken})
        return page(request, "purchase/issues.html", lot=lot, issues=taken, names=names)


async def _publicity(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await owned(session, actor, lot_id)
    now = await database.now(session)
    pack = lots.rules(lot, now)
    found = await unless_missing(reports.candidates(session, lot_id)) or ()
    return page(
        request,
        "purchase/publicity.html",
        form=form,
        lot=lot,
        candidates=found,
        names=await parties.names(session, {one.bidder for one in found}),
        rules=rules.shown(pack, rules.AWARD),
        proposed=values.local(await rules.publicity_end(session, pack, now)),
    )


async def _award(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await owned(session, actor, lot_id)
    notice = await notices.newest(session, lot, "candidates")
    pack = lots.rules(lot, await database.now(session))
    return page(
        request,
        "purchase/award.html",
        form=form,
        lot=lot,
        notice=notice,
        candidates=notice.data["candidates"] if notice else [],
        rules=rules.shown(pack, rules.AWARD),
    )


async def _contract(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await owned(session, actor, lot_id)
    attached = await documents.of_tender(session, actor, lot.tender_id)
    contracts = [one for one in attached if one.kind == "contract" and one.lot_id in (None, lot_id)]
    return page(request, "purchase/contract.html", form=form, lot=lot, contracts=contracts)
