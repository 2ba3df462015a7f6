"""The display in the hall: read-only, for a screen without an account, and only what is read out there anyway."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcast import Boards
from api.pages.opening_room import board_context, stream
from api.transaction import STREAMED
from api.web import PAGE, page
from bidding import hearing
from kernel.actor import Actor
from kernel.database import Sessions


class HallPages(Controller):
    """What hangs in the hall."""

    path = "/openings/{lot_id:uuid}/{stage:int}/display"
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def show(
        self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Show the display."""
        room = await hearing.watch(session, actor, lot_id, stage)
        return page(request, "opening/display.html", **board_context(room))

    @get("/events", opt=STREAMED)
    async def events(
        self,
        request: Request[Any, Any, Any],
        sessions: Sessions,
        actor: Actor,
        boards: Boards,
        *,
        lot_id: UUID,
        stage: int,
        seen: str | None = None,
    ) -> Stream:
        """Stream what it shows."""
        async with sessions() as session:
            await hearing.let_watch(session, actor, lot_id, stage)
        return await stream(request, sessions, boards, opening=(lot_id, stage), name="hall", seen=seen)
