"""Streams that tell a page when to look anew (docs/spec/live.md, section 3); each asks who may see the page itself."""

from uuid import UUID

from litestar import Controller, get
from litestar.response import Stream

from api.accounts import policy
from api.broadcast import Boards
from api.transaction import STREAMED
from api.web import PAGE
from bidding import ceremony, openings
from experts import draws, participation
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.errors import permit


class Signals(Controller):
    """What key makings, share givings and draws say of themselves: that something changed, and nothing else."""

    path = "/"
    include_in_schema = False
    opt = PAGE | STREAMED

    @get("/custody/ceremonies/{ceremony_id:uuid}/events")
    async def making(self, ceremony_id: UUID, sessions: Sessions, actor: Actor, boards: Boards, whence: str) -> Stream:
        """Follow a key making."""
        permit(policy.must_be_person(actor))
        async with sessions() as session:
            await ceremony.find(session, actor, ceremony_id)
        return boards.signals(("ceremony", str(ceremony_id)), address=whence)

    @get("/custody/openings/{lot_id:uuid}/{stage:int}/events")
    async def shares(
        self, *, lot_id: UUID, stage: int, sessions: Sessions, actor: Actor, boards: Boards, whence: str
    ) -> Stream:
        """Follow whose shares are there."""
        permit(policy.must_be_person(actor))
        async with sessions() as session:
            await openings.find(session, actor, lot_id, stage, taking_part=True)
        return boards.signals(("opening", f"{lot_id}/{stage}"), address=whence)

    @get("/custody/draws/{draw_id:uuid}/events")
    async def nonces(self, draw_id: UUID, sessions: Sessions, actor: Actor, boards: Boards, whence: str) -> Stream:
        """Follow whose nonces are there."""
        permit(policy.must_be_person(actor))
        async with sessions() as session:
            lot_id = (await participation.find(session, actor, draw_id)).lot.id
        return boards.signals(("draw", str(lot_id)), address=whence)

    @get("/centre/draws/{lot_id:uuid}/events")
    async def rounds(self, lot_id: UUID, sessions: Sessions, actor: Actor, boards: Boards, whence: str) -> Stream:
        """Follow the rounds of a lot."""
        permit(policy.must_be_person(actor))
        async with sessions() as session:
            await draws.of_lot(session, actor, lot_id)
        return boards.signals(("draw", str(lot_id)), address=whence)
