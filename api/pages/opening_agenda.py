"""The openings of the week: where people find their room, and what waits for the witness."""

from litestar import Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Entry, Page, Task, page
from bidding import agenda
from kernel.actor import STAFF, Actor, Role
from kernel.errors import permit

COMERS = STAFF | {Role.SUPERVISOR, Role.PURCHASER, Role.AGENCY, Role.BIDDER}
NAVIGATION = [Entry("/openings", "room.places", COMERS)]


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Tell the witness what to begin, supervisors what is near, and everybody concerned what is under way."""
    return [
        Task(_code(one), f"/openings/{one.lot.id}/{one.stage}", {"title": one.lot}, one.deadline)
        for one in await agenda.of(session, actor)
        if one.begun or one.leads or one.watches
    ]


@get("/openings", opt=PAGE, include_in_schema=False)
async def openings(request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
    """List the openings that a person may come to."""
    permit(policy.must_be_person(actor))
    return page(request, "opening/agenda.html", dates=await agenda.of(session, actor))


def _code(one: agenda.Date) -> str:
    if one.begun:
        return "room.task.run"
    return "room.task.begin" if one.due and one.leads else "room.task.soon"


HANDLERS = (openings,)
