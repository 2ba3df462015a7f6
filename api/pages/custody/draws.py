"""A party's nonce in a draw of experts: committed to, revealed, and recovered where somebody withholds theirs."""

from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages.custody.desk import unchanged
from api.web import PAGE, Page, page
from experts import participation
from experts.tables import ROLES
from kernel.actor import Actor
from kernel.errors import permit


class NoncePages(Controller):
    """One draw as the three who give nonces, and the custodians, see it."""

    path = "/custody/draws"
    include_in_schema = False
    opt = PAGE

    @get("/{draw_id:uuid}")
    async def show(self, draw_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show what is this person's next step."""
        return await _page(request, session, actor, draw_id, "custody/draw.html")

    @get("/{draw_id:uuid}/progress")
    async def progress(self, draw_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show whose nonces are there: the part of the page that keeps itself up to date."""
        return await _page(request, session, actor, draw_id, "custody/nonces.html")


async def _page(request: Page, session: AsyncSession, actor: Actor, draw_id: UUID, template: str) -> Response[bytes]:
    permit(policy.must_be_person(actor))
    part = await participation.find(session, actor, draw_id)
    done = (part.draw.committed, part.draw.revealed, part.withheld)
    seen = f"{part.draw.state}.{part.step}.{'.'.join(str(len(one)) for one in done)}"
    if same := unchanged(request, seen):
        return same
    return page(request, template, part=part, draw=part.draw, lot=part.lot, sides=ROLES, seen=seen)
