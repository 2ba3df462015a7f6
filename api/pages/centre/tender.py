"""One trade for the staff of its site: complete or not, accepted or returned, its opening keys, its filing."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api import filing
from api.accounts import policy
from api.pages.purchase import rules
from api.pages.purchase.tender import facts
from api.web import PAGE, Form, page, see
from api.wiring import Installation
from archive import package_policy
from archive.package import service as packages
from archive.package.service import Filed
from bidding import ceremony
from kernel import database
from kernel.actor import Actor, Role
from kernel.actor import site as at_site
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots, tenders
from trading import policy as rights
from trading.dossier import READY
from trading.lifecycle import By
from trading.lot import UNANNOUNCED
from trading.tenders import Tender
from trading.text import Line

Page = Request[Any, Any, Any]


class SiteTender(Controller):
    """A trade for those who work at its site."""

    path = "/centre/tenders/{tender_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the trade and what can be done with it."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, tender_id, Form())

    @post("/acceptance")
    async def accept(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Find the tender complete."""
        form = await Form.read(request)
        try:
            await tenders.step(session, actor, tender_id, "accept", entropy=entropy)
        except GgzyError as error:
            return await _refused(request, session, actor, tender_id, form=form, error=error)
        return see(f"/centre/tenders/{tender_id}", done="tender_accepted")

    @post("/return")
    async def give_back(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Give the tender back with everything that is missing, told at once."""
        form = await Form.read(request)
        missing = [line.strip() for line in form["missing"].splitlines() if line.strip()]
        try:
            msgspec.convert(missing, tuple[Line, ...])
            await tenders.step(session, actor, tender_id, "return", entropy=entropy, missing=missing)
        except msgspec.ValidationError:
            return await _refused(request, session, actor, tender_id, form=form, error=GgzyError("field.unfit"))
        except GgzyError as error:
            return await _refused(request, session, actor, tender_id, form=form, error=error)
        return see(f"/centre/tenders/{tender_id}", done="tender_returned")

    @post("/lots/{lot_id:uuid}/opening-key")
    async def assign_key(
        self, tender_id: UUID, lot_id: UUID, *, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Give a lot the oldest free opening key that fits."""
        form = await Form.read(request)
        try:
            await ceremony.assign(session, actor, lot_id, entropy=entropy)
        except GgzyError as error:
            return await _refused(request, session, actor, tender_id, form=form, error=error)
        return see(f"/centre/tenders/{tender_id}", done="key_assigned")

    @post("/archive")
    async def file(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[Any]:
        """File the trade whole."""
        form = await Form.read(request)
        try:
            await filing.file_trade(actor, tender_id, installation)
        except GgzyError as error:
            return await _refused(request, session, actor, tender_id, form=form, error=error)
        return see(f"/centre/tenders/{tender_id}", done="trade_filed")


async def _show(request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form) -> Response[bytes]:
    tender = await tenders.get(session, actor, tender_id)
    permit(None if _works_here(actor, tender) else not_found("tender"))
    pack = lots.rules(tender.lots[0], await database.now(session))
    known = await facts(session, actor, tender)
    required = pack.value("entry.required")
    attached = {one.kind for one in known["documents"]}
    able = rights.qualities(actor, tender)
    return page(
        request,
        "centre/tender.html",
        form=form,
        state=tender.lots[0].state,
        checks=[(kind, kind in attached) for kind in required],
        rules=rules.shown(pack, rules.ENTRY),
        accepts=By.ACCEPTANCE in able,
        keeps_keys=bool(able & {By.ACCEPTANCE, By.WITNESS}),
        unannounced=tender.lots[0].state in UNANNOUNCED,
        books=any(actor.holds(role, at_site(tender.site)) for role in (Role.VENUE, Role.ACCEPTANCE)),
        files=package_policy.may_archive(actor, tender.site) is None and all(lot.state in READY for lot in tender.lots),
        filed=await _filed(session, actor, tender_id),
        **known,
    )


async def _refused(
    request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, *, form: Form, error: GgzyError
) -> Response[bytes]:
    if error.kind is Kind.NOT_FOUND and error.code in ("tender.not_found", "lot.not_found", "package.not_found"):
        raise error
    form.refuse(error, "missing" if "missing" in form.fields else "")
    return await _show(request, session, actor, tender_id, form)


async def _filed(session: AsyncSession, actor: Actor, tender_id: UUID) -> Filed | None:
    try:
        return await packages.filed(session, actor, tender_id)
    except GgzyError:
        return None


def _works_here(actor: Actor, tender: Tender) -> bool:
    return bool(rights.qualities(actor, tender) - {By.TENDERER, By.EXPERT})
