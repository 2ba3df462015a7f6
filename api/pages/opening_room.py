"""The opening room: its page, its live board, and what somebody in it can do now."""

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from api.broadcast import Boards, Render, View
from api.transaction import STREAMED
from api.web import PAGE, Form, page
from api.web.rendering import environment, locale_of, worded
from bidding import hearing, papers, rights
from bidding.hearing import Room
from bidding.room import STEPS, Phase
from bidding.room_tables import CAUSES, DECISIONS, FAILED
from kernel.actor import ANONYMOUS, Actor
from kernel.clock import CHINA
from kernel.database import Sessions
from kernel.errors import GgzyError, Kind

TOPIC = "opening"


class RoomPages(Controller):
    """What is read in the room."""

    path = "/openings/{lot_id:uuid}/{stage:int}"
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def show(
        self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Show the room."""
        return await shown(request, session, actor, lot_id=lot_id, stage=stage)

    @get("/panel")
    async def panel(
        self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, lot_id: UUID, stage: int
    ) -> Response[bytes]:
        """Give what the person can do now, as a piece of the page."""
        room = await hearing.read(session, actor, lot_id, stage)
        return page(request, "opening/panel.html", **context(room, actor))

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
        """Stream the board to who is in the room."""
        async with sessions() as session:
            await hearing.let_in(session, actor, lot_id, stage)
        return await stream(request, sessions, boards, opening=(lot_id, stage), name="board", seen=seen)

    @get("/record.pdf")
    async def paper(self, session: AsyncSession, lot_id: UUID, stage: int) -> Response[bytes]:
        """Give the signed record of a finished opening to everybody."""
        found = await papers.find(session, lot_id, stage)
        headers = {
            "Content-Disposition": f'inline; filename="opening-record-{stage}.pdf"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(found.content, media_type="application/pdf", headers=headers)


async def shown(
    request: Request[Any, Any, Any],
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
    return page(request, "opening/room.html", form=form, **context(room, actor))


def context(room: Room, actor: Actor) -> dict[str, Any]:
    """Return what the templates of the room need."""
    names = {offer.party: offer.name for offer in room.offers}
    local = room.at.astimezone(CHINA).replace(microsecond=0, tzinfo=None)
    outage = {
        "failed": FAILED,
        "causes": CAUSES,
        "decisions": DECISIONS,
        "now": local.isoformat(),
    }
    return {**board_context(room), "rights": rights.of(actor, room), "names": names, "outage": outage}


def board_context(room: Room) -> dict[str, Any]:
    """Return what the board's template needs: the same for everybody."""
    standing = room.standing
    told = (room.phase, standing.paused, standing.closed, room.orders, room.remarks, room.helpers, room.paper, room.due)
    heard = [offer.confirmed for offer in room.offers]
    reached = STEPS.index(room.phase) if room.phase in STEPS else -1
    return {
        "room": room,
        "steps": STEPS,
        "place": len(STEPS) if room.phase is Phase.CLOSED else reached,
        "names": {offer.party: offer.name for offer in room.offers},
        "fingerprint": hashlib.sha256(repr((told, heard)).encode()).hexdigest()[:12],
    }


async def stream(
    request: Request[Any, Any, Any],
    sessions: Sessions,
    boards: Boards,
    *,
    opening: tuple[UUID, int],
    name: str,
    seen: str | None,
) -> Stream:
    """Stream a board of an opening (lot and stage): ``board`` in the room, ``hall`` on the wall."""
    lot_id, stage = opening
    locale = locale_of(request.scope, request.app.state.installation.settings.locale)
    render = board(sessions, lot_id, stage, f"opening/{name}.html", locale)
    return await boards.stream(TOPIC, f"{lot_id}/{stage}", f"{name}/{locale}", render, seen)


def board(sessions: Sessions, lot_id: UUID, stage: int, template: str, locale: str) -> Render:
    """Return what renders a board of this opening for many."""

    async def render() -> View:
        async with sessions() as session:
            room = await hearing.present(session, lot_id, stage)
        html = environment().get_template(template).render(t=partial(worded, locale), **board_context(room))
        return View(html, _until_it_changes(room))

    return render


def _until_it_changes(room: Room) -> float | None:
    """Return the seconds until time alone changes what is shown."""
    moment = room.lot.deadline if room.phase is Phase.WAITING else room.hearing_ends
    left = None if moment is None else (moment - room.at) / timedelta(seconds=1)
    return left + 0.1 if left is not None and left > 0 else None
