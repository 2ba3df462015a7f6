"""Giving shares for an opening: the page relays; the device in the browser checks and answers."""

from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages.custody.desk import unchanged
from api.web import PAGE, Page, page
from bidding import ceremony, keysetup, openings
from bidding.tables import BEGAN
from kernel.actor import Actor
from kernel.errors import permit
from trading import lots, parties


class SharePages(Controller):
    """One opening as its custodians see it."""

    path = "/custody/openings"
    include_in_schema = False
    opt = PAGE

    @get("/{lot_id:uuid}/{stage:int}")
    async def show(
        self, lot_id: UUID, stage: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show what is asked and by whom it was given; the custodian's device does the rest."""
        return await _page(request, session, actor, (lot_id, stage), "custody/opening.html")

    @get("/{lot_id:uuid}/{stage:int}/progress")
    async def progress(
        self, lot_id: UUID, stage: int, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show whose shares are there: the part of the page that keeps itself up to date."""
        return await _page(request, session, actor, (lot_id, stage), "custody/shares.html")


async def _page(
    request: Page, session: AsyncSession, actor: Actor, place: tuple[UUID, int], template: str
) -> Response[bytes]:
    permit(policy.must_be_person(actor))
    lot_id, stage = place
    progress = await openings.find(session, actor, lot_id, stage, taking_part=True)
    seen = f"{progress.state}.{len(progress.custodians)}"
    if same := unchanged(request, seen):
        return same
    lot = await lots.facts(session, lot_id)
    key = await ceremony.of_lot(session, lot_id)
    device = (actor.device_key or b"").hex()
    listed = await openings.entries(session, (await openings.begun(session, lot_id, stage)).id)
    names = await parties.names(session, {lot.purchaser, *(bid.party for _, bid in listed)})
    return page(
        request,
        template,
        lot=lot,
        stage=stage,
        progress=progress,
        seen=seen,
        going=progress.state == BEGAN,
        key=key,
        people=[(one, keysetup.fingerprint(bytes.fromhex(one.device_key))) for one in key.custodians],
        index=next((one.index for one in key.custodians if one.device_key == device), None),
        purchaser=names.pop(lot.purchaser, lot.purchaser),
        bidders=names,
        kinds=[rule.kind for rule in lot.envelopes if rule.stage == stage],
    )
