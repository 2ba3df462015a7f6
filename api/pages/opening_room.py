"""The opening room: its page, and what somebody in it can do now; its live board is `opening_board`."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.accounts import factors
from api.pages.opening_board import board_context
from api.web import PAGE, Form, Page, page, values
from bidding import hearing, papers, rights
from bidding.hearing import Room
from bidding.room_tables import CAUSES, DECISIONS, FAILED
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError, Kind


class RoomPages(Controller):
    """What is read in the room."""

    path = "/openings/{lot_id:uuid}/{stage:int}"
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def show(
        self, request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Show the room."""
        return await shown(request, session, actor, lot_id=lot_id, stage=stage)

    @get("/display")
    async def display(
        self, request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Show what hangs in the hall: read-only, and only what is read out there."""
        room = await hearing.read(session, actor, lot_id, stage)
        return page(request, "opening/display.html", **board_context(room))

    @get("/panel")
    async def panel(
        self, request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Give what the person can do now, as a piece of the page."""
        room = await hearing.read(session, actor, lot_id, stage)
        return page(request, "opening/panel.html", **await context(request, session, room, actor))

    @get("/record.pdf")
    async def paper(self, request: Page, session: AsyncSession, lot_id: UUID, stage: int) -> Response[bytes]:
        """Give the signed record of a finished opening to everybody."""
        found = await papers.find(session, lot_id, stage)
        name = f"opening-record-{stage}.pdf"
        return download.public(request, found.content, "application/pdf", name, inline=True)


async def shown(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    *,
    lot_id: UUID,
    stage: int,
    form: Form | None = None,
) -> Response[bytes]:
    """Return the room's page, with a form that was refused."""
    try:
        room = await hearing.read(session, actor, lot_id, stage)
    except GgzyError as refusal:
        if refusal.kind is Kind.NOT_FOUND and actor == ANONYMOUS:
            raise GgzyError("account.sign_in", Kind.UNAUTHENTICATED) from refusal
        raise
    return page(request, "opening/room.html", form=form, **await context(request, session, room, actor))


async def context(request: Page, session: AsyncSession, room: Room, actor: Actor) -> dict[str, Any]:
    """Return what the templates of the room need; a sandbox shows its second person the code that is asked for."""
    may, code = rights.of(actor, room), None
    if may.consents and actor.user_id:
        code = await factors.shown_code(session, actor.user_id, vault=request.app.state.installation.vault)
    outage = {
        "failed": FAILED,
        "causes": CAUSES,
        "decisions": DECISIONS,
        "now": values.local(room.at),
    }
    return {**board_context(room), "rights": may, "outage": outage, "shown": code}
