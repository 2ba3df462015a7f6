"""Is a trade's package complete? What its filing said of the log, beside what the trail counts now."""

from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.pages.supervision import enter
from api.web import PAGE, Page, page
from archive.package import completeness, service
from kernel.actor import Actor
from trading import lots


class Packages(Controller):
    """Filed packages, for those who supervise their trades."""

    path = "/supervision/packages"
    include_in_schema = False
    opt = PAGE

    @get("/{tender_id:uuid}")
    async def show(self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Compare a package with the trail."""
        enter(actor)
        filed = await service.filed(session, actor, tender_id)
        found = (await lots.of_tenders(session, [tender_id]))[tender_id]
        return page(
            request,
            "supervision/package.html",
            filed=filed,
            code=found[0].tender_code,
            title=found[0].tender_title,
            compared=await completeness.compare(session, actor, tender_id),
        )
