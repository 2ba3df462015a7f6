"""The acceptance desk (受理): what waits at a site, trades by state, and what waits for its staff."""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages import life
from api.web import BEFORE, PAGE, Page, page
from api.web.navigation import Entry, Task
from kernel.actor import STAFF, Actor, Role
from kernel.errors import not_found, permit
from trading import cursor, parties, sites, tenders
from trading.lot import State
from trading.sites import Site
from trading.tenders import Tender

SEEING = STAFF | {Role.SUPERVISOR}
NAVIGATION = (Entry("/centre", "pages.centre.places", frozenset({*STAFF})),)
SIZE = 20
ALL = "all"
FILING = (State.CONTRACTED, State.FAILED, State.TERMINATED)
GROUPS = {
    "waiting": (State.ENTERED,),
    "accepted": (State.ACCEPTED,),
    "bidding": (State.ANNOUNCED,),
    "opening": (State.OPENING, State.OPENED),
    "evaluation": (State.EVALUATING, State.EVALUATED),
    "result": (State.PUBLICIZED, State.AWARDED),
    "filing": FILING,
    "filed": (State.ARCHIVED,),
    "all": tuple(State),
}
# What waits for each of the staff.
OWED = {
    Role.ACCEPTANCE: (State.ENTERED, State.ACCEPTED),
    Role.WITNESS: (State.ACCEPTED,),
    Role.ARCHIVIST: FILING,
}


class Desk(Controller):
    """Trades of the sites where somebody works."""

    path = "/centre"
    include_in_schema = False
    opt = PAGE

    @get()
    async def queue(
        self,
        *,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        site: str | None = Parameter(default=None, pattern=r"^([0-9]{6}|all)$"),
        group: str = Parameter(default="waiting", max_length=20),
        before: str | None = BEFORE,
    ) -> Response[bytes]:
        """List trades in a group of states, of one site or of all where the person works."""
        permit(policy.must_be_person(actor))
        mine = await sites_of(session, actor)
        chosen = next((one for one in mine if one.code == site), mine[0] if len(mine) == 1 else None)
        shown = [one.code for one in mine if chosen in (None, one)]
        states = GROUPS.get(group)
        if states is None:
            raise not_found("venue")
        found = await tenders.page(session, actor, before=cursor.read(before), limit=SIZE, sites=shown, states=states)
        last = found[-1] if len(found) == SIZE else None
        where = f"/centre?site={chosen.code if chosen else ALL}&group={group}"
        return page(
            request,
            "centre/desk.html",
            sites=mine,
            site=chosen,
            counts=await tenders.counts(session, actor, sites=[one.code for one in mine], states=states),
            groups=list(GROUPS),
            group=group,
            tenders=found,
            names=await parties.names(session, {one.purchaser for one in found}),
            tag_of=life.tag_of,
            next=f"{where}&before={cursor.write(last.made_at, last.id)}" if last else "",
            first=where if before else "",
        )


async def sites_of(session: AsyncSession, actor: Actor) -> list[Site]:
    """Return the sites where somebody is staff or supervisor, the main one first; ``venue.not_found`` for others."""
    found = await sites.held(session, actor, *SEEING)
    if not found:
        raise not_found("venue")
    return found


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return what waits for acceptance staff, for witness staff (keys), and for archivists."""
    found: dict[UUID, Task] = {}
    for role, states in OWED.items():
        if not actor.holds(role):
            continue
        for tender in await tenders.page(session, actor, limit=100, sites=actor.sites(role), states=states):
            code = _code(tender, states)
            if code:
                told: dict[str, object] = {"code": tender.code, "title": tender.title}
                found[tender.id] = Task(code, f"/centre/tenders/{tender.id}", told)
    return list(found.values())


def _code(tender: Tender, states: tuple[State, ...]) -> str:
    state = tender.lots[0].state
    if state == State.ENTERED and State.ENTERED in states:
        return "pages.centre.task_accept"
    if state == State.ACCEPTED and State.ACCEPTED in states and not all(lot.opening_key_hash for lot in tender.lots):
        return "pages.centre.task_key"
    ended = all(lot.state in FILING for lot in tender.lots)
    return "pages.centre.task_file" if ended and states == FILING else ""
