"""Draws of experts as the centre conducts them: a round prepared, its three nonces followed, calls by code."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy as accounts
from api.pages.draws_form import QUOTAS, conditions, signature
from api.web import PAGE, Entry, Form, page, see
from experts import draws, invitations, policy, transcripts
from experts.invitations import Call
from experts.rounds import Draw
from experts.tables import ROLES
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import lots, sites, tenders

NAVIGATION = (Entry("/centre/draws", "pages.draws.nav", frozenset({Role.WITNESS, Role.SUPERVISOR})),)
SHOWN = 100
PLACES = {"draw.beacon_missing": "beacon_signature", "field.unfit": "beacon_signature"}


@dataclass(frozen=True, slots=True)
class Round:
    """A round with its calls by code; `replayable` when who looks may have its transcript."""

    draw: Draw
    calls: tuple[Call, ...]
    replayable: bool


class DrawDesk(Controller):
    """Draws, for those who take part in them."""

    path = "/centre/draws"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List the lots for which experts can be drawn now."""
        permit(accounts.must_be_person(actor))
        found = [lot for one in await tenders.page(session, actor, limit=SHOWN) for lot in one.lots]
        open_lots = [lot for lot in found if policy.may_see_draw(actor, lot) is None and lot.state in policy.DRAWABLE]
        return page(request, "draws/list.html", lots=open_lots, sites=await sites.names(session))

    @get("/{lot_id:uuid}")
    async def read(
        self, lot_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show the rounds of a lot."""
        permit(accounts.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @post("/{lot_id:uuid}")
    async def prepare(
        self, lot_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Prepare a round: roster, quotas and exclusions are fixed and logged."""
        form = await Form.read(request)
        try:
            await draws.prepare(session, actor, lot_id, conditions(form), entropy=entropy)
        except GgzyError as error:
            form.refuse(error, "reason" if error.code == "draw.no_reason" else "")
            return await _show(request, session, actor, lot_id, form)
        return see(f"/centre/draws/{lot_id}", done="draw_prepared")

    @post("/{lot_id:uuid}/{draw_id:uuid}/{step:str}")
    async def take(
        self,
        lot_id: UUID,
        draw_id: UUID,
        step: str,
        *,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
    ) -> Response[bytes] | Redirect:
        """Fix the seed, let overdue calls time out, or give a round up before its seed."""
        form = await Form.read(request)
        try:
            await _step(session, actor, draw_id, step, form=form, entropy=entropy)
        except GgzyError as error:
            form.refuse(error, "abandon" if step == "abandonment" else PLACES.get(error.code, ""))
            return await _show(request, session, actor, lot_id, form)
        return see(f"/centre/draws/{lot_id}", done=f"draw_{step}")


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


async def _show(
    request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, lot_id: UUID, form: Form
) -> Response[bytes]:
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
