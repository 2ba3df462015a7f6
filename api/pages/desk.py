"""A signed-in person's desk: what waits for them, and where they can go."""

from litestar import Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Page, page
from api.web.navigation import Directory
from kernel.actor import Actor
from kernel.errors import permit


@get("/desk", opt=PAGE, include_in_schema=False)
async def desk(request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
    """Show tasks and navigation."""
    permit(policy.must_be_person(actor))
    directory: Directory = request.app.state.directory
    return page(request, "desk.html", tasks=await directory.tasks(session, actor))


HANDLERS = (desk,)
