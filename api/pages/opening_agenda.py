"""The openings of the week: where people find their room, and what waits for the witness."""

from litestar import Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Entry, Page, Task, page
from bidding import agenda, custody, papers
from kernel.actor import STAFF, Actor, Role
from kernel.errors import permit

COMERS = STAFF | {Role.SUPERVISOR, Role.PURCHASER, Role.AGENCY, Role.BIDDER}
NAVIGATION = [Entry("/openings", "room.places", COMERS)]


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Tell the witness what to begin, supervisors what is near, and everybody concerned what is under way.

    Who is asked for shares of an opening has that one task of it, at their custodian's desk.
    """
    asked = {(one.lot_id, one.stage) for one in await custody.awaited(session, actor) if not (one.given or one.enough)}
    return [
        Task(_code(one), f"/openings/{one.lot.id}/{one.stage}", {"title": one.lot}, None if one.due else one.deadline)
        for one in await agenda.of(session, actor)
        if (one.begun or one.leads or one.watches) and (one.lot.id, one.stage) not in asked
    ]


@get("/openings", opt=PAGE, include_in_schema=False)
async def openings(request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
    """List the openings that a person may come to, and those of late in which they had a part."""
    permit(policy.must_be_person(actor))
    past = await agenda.past(session, actor)
    made = await papers.stages(session, {one.lot.id for one in past})
    return page(request, "opening/agenda.html", dates=await agenda.of(session, actor), past=past, papers=made)


def _code(one: agenda.Date) -> str:
    if one.begun:
        return "room.task.run"
    if not one.due:
        return "room.task.soon"
    return "room.task.begin" if one.leads else "room.task.due"


HANDLERS = (openings,)
