"""A tender written step by step: the project, its lots with amounts and terms, everything checked, then registered."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import rules
from api.pages.purchase import drafting
from api.pages.purchase.drafting import Work
from api.web import PAGE, Form, Page, page, rows, see, values
from kernel import database
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import not_found, permit
from trading import parties, regions, registration, sites, sketches, tenders
from trading.draft import LotDraft
from trading.lot import LotFacts
from trading.rulepack import Pack, pack_at
from trading.sketches import Sketch

TRADE_TYPE = "construction"


class Sketches(Controller):
    """One's own sketches."""

    path = "/purchase"
    include_in_schema = False
    opt = PAGE

    @get("/new")
    async def new(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the first step, with one's own party filled in."""
        permit(policy.must_be_person(actor))
        return await _project_page(request, session, actor, Form.of(**_own(actor)), None)

    @post("/new")
    async def begin(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Response[Any]:
        """Begin a sketch with the project."""
        form = await Form.read(request)
        if rows.changed(form, drafting.INVITEES) or drafting.project(form) is None:
            return await _project_page(request, session, actor, form, None)
        work = Work(drafting.typed(form, drafting.PROJECT, drafting.INVITEES))
        made = await sketches.begin(session, actor, work.content(), entropy=entropy)
        return see(f"/purchase/sketches/{made.id}/lots/1")

    @get("/sketches/{sketch_id:uuid}")
    async def show(self, sketch_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show what is written and what is missing."""
        permit(policy.must_be_person(actor))
        kept = await sketches.get(session, actor, sketch_id)
        return await _overview(request, session, kept, Form())

    @get("/sketches/{sketch_id:uuid}/project")
    async def project(self, sketch_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the project's step as it was typed."""
        permit(policy.must_be_person(actor))
        kept = await sketches.get(session, actor, sketch_id)
        form = drafting.refilled(Work.of(kept.content).project)
        return await _project_page(request, session, actor, form, kept)

    @post("/sketches/{sketch_id:uuid}/project")
    async def keep_project(self, sketch_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[Any]:
        """Keep the project's step."""
        form = await Form.read(request)
        kept = await sketches.get(session, actor, sketch_id)
        if rows.changed(form, drafting.INVITEES) or drafting.project(form) is None:
            return await _project_page(request, session, actor, form, kept)
        work = Work.of(kept.content)
        work.project = drafting.typed(form, drafting.PROJECT, drafting.INVITEES)
        await sketches.save(session, actor, sketch_id, work.content())
        return see(f"/purchase/sketches/{sketch_id}")

    @get("/sketches/{sketch_id:uuid}/lots/{number:int}")
    async def lot(
        self, sketch_id: UUID, number: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show a lot's title and amounts, those of a new one too."""
        permit(policy.must_be_person(actor))
        kept = await sketches.get(session, actor, sketch_id)
        work = Work.of(kept.content)
        _is_lot(work, number)
        form = drafting.refilled(work.lots.get(number, {"title": work.project.get("title", "")}))
        return page(request, "purchase/lot_amounts.html", form=form, **await _of_lot(session, kept, number))

    @post("/sketches/{sketch_id:uuid}/lots/{number:int}")
    async def keep_lot(
        self, sketch_id: UUID, number: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[Any]:
        """Keep a lot's title and amounts."""
        form = await Form.read(request)
        kept = await sketches.get(session, actor, sketch_id)
        work = Work.of(kept.content)
        _is_lot(work, number)
        if drafting.amounts(form) is None:
            return page(request, "purchase/lot_amounts.html", form=form, **await _of_lot(session, kept, number))
        usual = drafting.USUAL if number not in work.lots else {}
        work.lots[number] = usual | work.lots.get(number, {}) | drafting.typed(form, drafting.AMOUNTS)
        await sketches.save(session, actor, sketch_id, work.content())
        return see(f"/purchase/sketches/{sketch_id}/lots/{number}/terms")

    @get("/sketches/{sketch_id:uuid}/lots/{number:int}/terms")
    async def terms(
        self, sketch_id: UUID, number: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show a lot's terms; a deadline that leaves the legal period is proposed."""
        permit(policy.must_be_person(actor))
        kept = await sketches.get(session, actor, sketch_id)
        form = drafting.refilled(_written(kept, number))
        return page(request, "purchase/lot_terms.html", form=form, **await _of_lot(session, kept, number))

    @post("/sketches/{sketch_id:uuid}/lots/{number:int}/terms")
    async def keep_terms(
        self, sketch_id: UUID, number: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[Any]:
        """Keep a lot's terms if the whole lot is right."""
        form = await Form.read(request)
        kept = await sketches.get(session, actor, sketch_id)
        if rows.changed(form, *drafting.ITEMS.values()):
            return page(request, "purchase/lot_terms.html", form=form, **await _of_lot(session, kept, number))
        amounts = {name: _written(kept, number)[name] for name in drafting.AMOUNTS}
        fields = amounts | drafting.typed(form, drafting.TERMS, *drafting.ITEMS.values())
        whole = drafting.refilled(fields)
        if drafting.lot(whole, number, await _pack(session, kept)) is None:
            return page(request, "purchase/lot_terms.html", form=whole, **await _of_lot(session, kept, number))
        work = Work.of(kept.content)
        work.lots[number] = fields
        await sketches.save(session, actor, sketch_id, work.content())
        return see(f"/purchase/sketches/{sketch_id}")

    @post("/sketches/{sketch_id:uuid}/lots/{number:int}/removal")
    async def remove_lot(
        self, sketch_id: UUID, number: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[Any]:
        """Take a lot out of the sketch."""
        await Form.read(request)
        work = Work.of((await sketches.get(session, actor, sketch_id)).content)
        work.lots.pop(number, None)
        await sketches.save(session, actor, sketch_id, work.content())
        return see(f"/purchase/sketches/{sketch_id}")

    @post("/sketches/{sketch_id:uuid}/registration")
    async def register(
        self, sketch_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Register the tender, or amend the registered draft, and throw the sketch away."""
        form = await Form.read(request)
        kept = await sketches.get(session, actor, sketch_id)
        with form.trying():
            draft = drafting.tender(Work.of(kept.content), await _pack(session, kept))
            if kept.tender_id is None:
                tender = await registration.register(session, actor, draft, entropy=entropy)
            else:
                tender = await registration.amend(session, actor, kept.tender_id, draft, entropy=entropy)
            await sketches.discard(session, actor, sketch_id)
            return see(f"/purchase/tenders/{tender.id}", done="tender_registered")
        return await _overview(request, session, kept, form)

    @post("/sketches/{sketch_id:uuid}/discarding")
    async def discard(self, sketch_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[Any]:
        """Throw the sketch away."""
        await Form.read(request)
        await sketches.discard(session, actor, sketch_id)
        return see("/purchase", done="sketch_discarded")

    @post("/tenders/{tender_id:uuid}/sketch")
    async def amend(
        self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """Take a registered draft back into steps, to be amended."""
        await Form.read(request)
        tender = await tenders.get(session, actor, tender_id)
        stated = {name: getattr(tender, name) or "" for name in drafting.PROJECT}
        work = Work(stated | drafting.INVITEES.fields((code,) for code in tender.invitees))
        work.lots = {lot.number: drafting.fields_of(_draft(lot)) for lot in tender.lots}
        made = await sketches.begin(session, actor, work.content(), entropy=entropy, tender_id=tender_id)
        return see(f"/purchase/sketches/{made.id}")


async def _overview(request: Page, session: AsyncSession, kept: Sketch, form: Form) -> Response[bytes]:
    work, pack = Work.of(kept.content), await _pack(session, kept)
    lots = []
    for number, fields in work.lots.items():
        checked = drafting.refilled(fields)
        lots.append((number, fields, drafting.lot(checked, number, pack), checked.problems))
    codes = {work.project.get("purchaser", ""), work.project.get("agency", "")}
    return page(
        request,
        "purchase/sketch.html",
        form=form,
        sketch=kept,
        work=work,
        invitees=drafting.INVITEES.typed(drafting.refilled(work.project)).values(),
        lots=lots,
        names=await parties.names(session, codes),
        sites=await sites.names(session),
        ready=bool(lots) and all(draft is not None for _, _, draft, _ in lots),
    )


async def _project_page(
    request: Page, session: AsyncSession, actor: Actor, form: Form, kept: Sketch | None
) -> Response[bytes]:
    found = await sites.page(session)
    pack = pack_at(TRADE_TYPE, found[0].code, await database.now(session)) if found else None
    known: dict[str, Any] = {
        "sites": found,
        "sketch": kept,
        "rules": rules.shown(pack, rules.ENTRY) if pack else [],
        "agent": bool(actor.parties(Role.AGENCY)),
        "invitees": drafting.INVITEES,
        "regions": regions.offered(form["region"]),
    }
    form.arrange(*drafting.SHOWN)
    return page(request, "purchase/project.html", form=form, **known)


async def _of_lot(session: AsyncSession, kept: Sketch, number: int) -> dict[str, Any]:
    now = await database.now(session)
    pack = await _pack(session, kept, now)
    return {
        "sketch": kept,
        "number": number,
        "formulas": drafting.formulas(),
        "kinds": drafting.KINDS,
        "items": drafting.ITEMS,
        "local": values.local,
        "proposed": await rules.deadline(session, pack, now),
        "amount_rules": rules.shown(pack, rules.AMOUNTS),
        "term_rules": rules.shown(pack, rules.TERMS),
    }


async def _pack(session: AsyncSession, kept: Sketch, now: datetime | None = None) -> Pack:
    region = Work.of(kept.content).project.get("region", "")
    return pack_at(TRADE_TYPE, region, now or await database.now(session))


def _own(actor: Actor) -> dict[str, str]:
    """Return the fields that follow from for whom the person acts."""
    own = {
        "purchaser": sorted(actor.parties(Role.PURCHASER)),
        "agency": sorted(actor.parties(Role.AGENCY)),
    }
    return {name: codes[0] for name, codes in own.items() if len(codes) == 1}


def _is_lot(work: Work, number: int) -> None:
    if number not in work.lots and number != work.next_number:
        raise not_found("lot")


def _written(kept: Sketch, number: int) -> dict[str, str]:
    fields = Work.of(kept.content).lots.get(number)
    if fields is None:
        raise not_found("lot")
    return fields


def _draft(lot: LotFacts) -> LotDraft:
    stated = {
        "number": lot.number,
        "title": lot.title,
        "estimate": str(lot.estimate),
        "ceiling": None if lot.ceiling is None else str(lot.ceiling),
        "bond": str(lot.bond),
        "deadline": lot.deadline,
        "envelopes": [{"kind": rule.kind, "stage": rule.stage} for rule in lot.envelopes],
        "evaluation": dict(lot.evaluation),
        "opening_policy": str(lot.opening_policy),
        "threshold": lot.threshold,
        "custodians": lot.custodians,
    }
    return msgspec.convert(stated, LotDraft)
