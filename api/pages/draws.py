"""Draws of experts as the centre conducts them: a round prepared, its three nonces followed, calls by code."""

from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy as accounts
from api.pages import followed
from api.pages.draws_form import QUOTAS, conditions, signature
from api.web import BEFORE, PAGE, Entry, Form, Page, page, see
from experts import draws, invitations, policy, transcripts
from experts.invitations import Call
from experts.rounds import Draw
from experts.tables import ROLES
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import lots, sites

CENTRE = "/centre/draws"
NAVIGATION = (Entry(CENTRE, "pages.draws.nav", frozenset({Role.WITNESS, Role.SUPERVISOR})),)
PLACES = {"draw.beacon_missing": "beacon_signature", "field.unfit": "beacon_signature"}


@dataclass(frozen=True, slots=True)
class Round:
    """A round with its calls by code; `replayable` when who looks may have its transcript."""

    draw: Draw
    calls: tuple[Call, ...]
    replayable: bool


class DrawDesk(Controller):
    """Draws, for those who take part in them."""

    path = CENTRE
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(
        self, request: Page, session: AsyncSession, actor: Actor, before: str | None = BEFORE
    ) -> Response[bytes]:
        """List the lots for which experts can be drawn now."""
        permit(accounts.must_be_person(actor))
        own = not any(actor.holds(role) for role in followed.OVERSEERS)
        found = await followed.page(session, actor, policy.DRAWABLE, own=own, before=before)
        return page(
            request,
            "draws/list.html",
            lots=found.lots,
            sites=await sites.names(session),
            next=found.following(CENTRE),
            first=CENTRE if before else "",
        )

    @get("/{lot_id:uuid}")
    async def read(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the rounds of a lot."""
        permit(accounts.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @post("/{lot_id:uuid}")
    async def prepare(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Prepare a round: roster, quotas and exclusions are fixed and logged."""
        form = await Form.read(request)
        with form.trying({"draw.no_reason": "reason"}):
            await draws.prepare(session, actor, lot_id, conditions(form), entropy=entropy)
            return see(f"{CENTRE}/{lot_id}", done="draw_prepared")
        return await _show(request, session, actor, lot_id, form)

    @post("/{lot_id:uuid}/{draw_id:uuid}/{step:str}")
    async def take(
        self,
        lot_id: UUID,
        draw_id: UUID,
        step: str,
        *,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
    ) -> Response[bytes] | Redirect:
        """Fix the seed, let overdue calls time out, or give a round up before its seed."""
        form = await Form.read(request)
        with form.trying("abandon" if step == "abandonment" else PLACES):
            await _step(session, actor, draw_id, step, form=form, entropy=entropy)
            return see(f"{CENTRE}/{lot_id}", done=f"draw_{step}")
        return await _show(request, session, actor, lot_id, form)


async def _step(session: AsyncSession, actor: Actor, draw_id: UUID, step: str, *, form: Form, entropy: Entropy) -> None:
    if step == "seed":
        await draws.fix(session, actor, draw_id, beacon_signature=signature(form), entropy=entropy)
    elif step == "timeouts":
        await draws.find(session, actor, draw_id)
        await invitations.expire(session, draw_id, entropy=entropy)
    elif step == "abandonment":
        await draws.abandon(session, actor, draw_id, form["abandon"], entropy=entropy)
    else:
        raise GgzyError("pages.expert.choose")


async def _show(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await lots.facts(session, lot_id)
    found = await draws.of_lot(session, actor, lot_id)
    replayable = await transcripts.of_lot(session, actor, lot_id)
    return page(
        request,
        "draws/lot.html",
        form=form,
        lot=lot,
        rounds=[await _round(session, actor, one, replayable) for one in found],
        conducts=policy.may_conduct(actor, lot) is None,
        roles=ROLES,
        quotas=range(1, QUOTAS + 1),
        sites=await sites.names(session),
    )


async def _round(session: AsyncSession, actor: Actor, one: Draw, replayable: list[UUID]) -> Round:
    return Round(one, tuple(await invitations.of_draw(session, actor, one.id)), one.id in replayable)
