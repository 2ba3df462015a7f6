"""A custodian's own page: what waits for them, and what an opening key is."""

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Entry, Page, Task, page
from bidding import ceremony, custody, keysetup
from bidding.ceremony import Ceremony
from bidding.custody import Awaited
from bidding.keymaking_policy import ROLES
from bidding.keymaking_tables import CERTIFYING, DEALING
from experts import participation
from experts.participation import COMMIT, WAIT, Part
from kernel.actor import Actor, Role
from kernel.errors import permit
from trading import lots
from trading.lot import LotFacts

NAVIGATION = (Entry("/custody", "pages.custody.nav", frozenset({*ROLES, Role.AGENCY})),)
OPEN = (DEALING, CERTIFYING)
TAGS = {"dealing": "wait", "certifying": "wait", "finished": "good", "aborted": "bad", "expired": "off"}


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return key makings, openings and draws that wait for this person's device."""
    made = [_making_task(one) for one in await ceremony.list_own(session, actor) if await _waits(session, actor, one)]
    awaited = [one for one in await custody.awaited(session, actor) if not (one.given or one.enough)]
    known = await lots.facts_of(session, {one.lot_id for one in awaited})
    asked = [_opening_task(one, known[one.lot_id]) for one in awaited]
    return made + asked + [_draw_task(one) for one in await participation.mine(session, actor) if one.step != WAIT]


def unchanged(request: Page, seen: str) -> Response[bytes] | None:
    """Return the empty answer to a page that shows this state already, so that nothing of it is read out again."""
    return Response(b"", status_code=204) if request.query_params.get("seen") == seen else None


class CustodyDesk(Controller):
    """What waits for a custodian."""

    path = "/custody"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List key makings, openings and draws with their states."""
        permit(policy.must_be_person(actor))
        awaited = await custody.awaited(session, actor)
        known = await lots.facts_of(session, {one.lot_id for one in awaited})
        return page(
            request,
            "custody/home.html",
            ceremonies=[(one, keysetup.read(one.setup)) for one in await custody.ceremonies(session, actor)],
            openings=[(one, known[one.lot_id]) for one in awaited],
            parts_of_draws=await participation.mine(session, actor),
            may_begin=actor.holds(Role.WITNESS),
            tags=TAGS,
        )

    @get("/about")
    async def about(self, request: Page) -> Response[bytes]:
        """Explain what an opening key is, for custodians and everybody else."""
        return page(request, "custody/about.html")


async def _waits(session: AsyncSession, actor: Actor, one: Ceremony) -> bool:
    """Tell whether it is this person whom the round waits for."""
    index = await custody.index_in(session, actor, one.id)
    return index not in (one.dealt if one.state == DEALING else one.certified)


def _making_task(one: Ceremony) -> Task:
    setup = keysetup.read(one.setup)
    return Task("pages.custody.task_making", f"/custody/ceremonies/{one.id}", {"count": setup.count}, one.expires_at)


def _opening_task(one: Awaited, lot: LotFacts) -> Task:
    return Task("pages.custody.task_opening", f"/custody/openings/{one.lot_id}/{one.stage}", {"title": lot})


def _draw_task(one: Part) -> Task:
    due = one.draw.release_at if one.step != COMMIT else None
    return Task(f"pages.custody.task_{one.step}", f"/custody/draws/{one.draw.id}", {"title": one.lot}, due)
