"""The boards of an opening, live: the room's, for who takes part or looks on, and the one that hangs in the hall."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.response import Stream

from api.broadcast import Boards, Place, Render, View
from api.transaction import STREAMED
from api.web import PAGE, Page
from api.web.policy import HEADERS
from api.web.rendering import environment, locale_of, worded
from bidding import hearing
from bidding.hearing import Room
from bidding.room import STEPS, Phase
from kernel.actor import Actor
from kernel.database import Sessions

TOPIC = "opening"
FRAGMENT = HEADERS | {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A board for one audience: where it is kept and how it is rendered."""

    place: Place
    render: Render


async def provide_shown(request: Page, sessions: Sessions, actor: Actor, lot_id: UUID, stage: int) -> Shown:
    """Give the board that the address names, as whoever asks may see it; ``opening.not_found``."""
    name = "hall" if "/display/" in request.url.path else "board"
    async with sessions() as session:
        takes_part = await hearing.let_in(session, actor, lot_id, stage)
    inside = takes_part and name == "board"  # the hall is the public's, whoever looks
    locale = locale_of(request.scope, request.app.state.installation.settings.locale)
    return board(sessions, (lot_id, stage), f"{name}/{locale}", inside=inside)


def board(sessions: Sessions, opening: tuple[UUID, int], kind: str, *, inside: bool) -> Shown:
    """Return a board of an opening (lot and stage); `kind` is ``board`` or ``hall``, a slash and the locale."""
    name, _, locale = kind.partition("/")

    async def render() -> View:
        async with sessions() as session:
            room = await hearing.present(session, *opening, inside=inside)
        template = environment().get_template(f"opening/{name}.html")
        return View(template.render(t=partial(worded, locale), **board_context(room)), _until_it_changes(room))

    lot_id, stage = opening
    return Shown((TOPIC, f"{lot_id}/{stage}", f"{kind}/{'inside' if inside else 'public'}"), render)


class LiveBoards(Controller):
    """What is followed in the room and in the hall."""

    path = "/openings/{lot_id:uuid}/{stage:int}"
    include_in_schema = False
    opt = PAGE
    dependencies = {"shown": Provide(provide_shown)}  # noqa: RUF012 - Litestar reads it from the class

    @get(["/events", "/display/events"], opt=STREAMED)
    async def events(self, shown: Shown, boards: Boards, whence: str, seen: str | None = None) -> Stream:
        """Stream a board."""
        return await boards.stream(shown.place, shown.render, address=whence, seen=seen)

    @get(["/board", "/display/board"], opt=STREAMED)
    async def now(self, shown: Shown, boards: Boards) -> Response[str]:
        """Give a board once, to who found no seat at its stream."""
        return Response(await boards.glance(shown.place, shown.render), media_type="text/html", headers=FRAGMENT)


def board_context(room: Room) -> dict[str, Any]:
    """Return what the board's template needs: the same for everybody."""
    standing = room.standing
    waits = room.awaits if room.phase is Phase.WAITING else ""
    told = (room.phase, standing.paused, standing.closed, room.orders, room.remarks, room.helpers, room.paper, waits)
    heard = [offer.confirmed for offer in room.offers]
    reached = STEPS.index(room.phase) if room.phase in STEPS else -1
    return {
        "room": room,
        "steps": STEPS,
        "place": len(STEPS) if room.phase is Phase.CLOSED else reached,
        "names": {offer.party: offer.name for offer in room.offers},
        "fingerprint": hashlib.sha256(repr((told, heard)).encode()).hexdigest()[:12],
    }


def _until_it_changes(room: Room) -> float | None:
    """Return the seconds until time alone changes what is shown."""
    waits = room.phase is Phase.WAITING and room.awaits == "deadline"
    moment = room.lot.deadline if waits else room.hearing_ends
    left = None if moment is None else (moment - room.at) / timedelta(seconds=1)
    return left + 0.1 if left is not None and left > 0 else None
