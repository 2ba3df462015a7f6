"""One trade for the staff of its site: complete or not, accepted or returned, its opening keys, its filing."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api import filing
from api.accounts import policy
from api.pages import rules
from api.pages.trade import facts
from api.web import PAGE, Form, Page, page, see
from api.wiring import Installation
from archive import package_policy
from archive.package import service as packages
from bidding import ceremony
from kernel import database
from kernel.actor import Actor, Role
from kernel.actor import site as at_site
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found, permit, unless_missing
from trading import lots, tenders
from trading import policy as rights
from trading.dossier import READY
from trading.lifecycle import By
from trading.lot import UNANNOUNCED
from trading.tenders import Tender
from trading.text import Line


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
        with form.trying():
            await tenders.step(session, actor, tender_id, "accept", entropy=entropy)
            return see(f"/centre/tenders/{tender_id}", done="tender_accepted")
        return await _show(request, session, actor, tender_id, form)

    @post("/return")
    async def give_back(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Give the tender back with everything that is missing, told at once."""
        form = await Form.read(request)
        with form.trying("missing"):
            await tenders.step(session, actor, tender_id, "return", entropy=entropy, missing=_lines(form["missing"]))
            return see(f"/centre/tenders/{tender_id}", done="tender_returned")
        return await _show(request, session, actor, tender_id, form)

    @post("/lots/{lot_id:uuid}/opening-key")
    async def assign_key(
        self, tender_id: UUID, lot_id: UUID, *, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Give a lot the oldest free opening key that fits."""
        form = await Form.read(request)
        with form.trying():
            await ceremony.assign(session, actor, lot_id, entropy=entropy)
            return see(f"/centre/tenders/{tender_id}", done="key_assigned")
        return await _show(request, session, actor, tender_id, form)

    @post("/archive")
    async def file(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[Any]:
        """File the trade whole."""
        form = await Form.read(request)
        with form.trying():
            await filing.file_trade(actor, tender_id, installation)
            return see(f"/centre/tenders/{tender_id}", done="trade_filed")
        return await _show(request, session, actor, tender_id, form)


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
        filed=await unless_missing(packages.filed(session, actor, tender_id)),
        **known,
    )


def _lines(text: str) -> list[str]:
    """Return what is missing, a line for each; ``field.unfit`` for lines that are too long."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return list(msgspec.convert(lines, tuple[Line, ...]))
    except msgspec.ValidationError as error:
        raise GgzyError("field.unfit") from error


def _works_here(actor: Actor, tender: Tender) -> bool:
    return bool(rights.qualities(actor, tender) - {By.TENDERER, By.EXPERT})
