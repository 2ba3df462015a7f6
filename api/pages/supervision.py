"""The supervisors' pages: an overview of their sites, the trail as a timeline, each entry with its proof."""

import re
from datetime import timedelta

from litestar import Controller, Response, get
from litestar.params import Parameter
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api import trail_rows, trail_words, trails
from api.accounts import policy as accounts
from api.pages import life, supervision_query
from api.web import PAGE, Form, Page, page, see
from api.web import Entry as Place
from archive import checkpoint, feed, note, policy, sequencer, trail
from archive import proof as proofs
from archive.package import service as packages
from bidding import agenda
from kernel import database
from kernel.actor import Actor, Role
from kernel.clock import CHINA
from kernel.errors import permit, unless_missing
from trading import oversight, sites
from trading.lot import LotFacts

SIZE = 50
READERS = frozenset({Role.SUPERVISOR, Role.AUDIT_ADMIN})
NAVIGATION = (Place("/supervision", "pages.supervision.nav", READERS),)
COMMITMENT = re.compile(r"[0-9a-f]{64}")
INDEX = re.compile(r"[0-9]{1,15}")


class Supervision(Controller):
    """What supervisors and the audit administrator look at."""

    path = "/supervision"
    include_in_schema = False
    opt = PAGE

    @get()
    async def overview(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show how many lots stand where at their sites, and today's openings."""
        enter(actor)
        own = policy.sites(actor)
        known = await sites.page(session)
        return page(
            request,
            "supervision/overview.html",
            sites=[one for one in known if own is None or one.code in own],
            states=await oversight.states(session, own),
            openings=await _today(session, actor),
            tag_of=life.tag_of,
            desk=actor.holds(Role.SUPERVISOR),
            size=(await _head_size(session)),
        )

    @get("/trail")
    async def timeline(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        before: int | None = Parameter(default=None, ge=0, le=2**62),
    ) -> Response[bytes]:
        """List the entries that fit, newest first; the index is the only cursor."""
        enter(actor)
        form = supervision_query.form_of(request.query_params)
        wanted = await supervision_query.read(session, actor, form)
        rows = [] if form.problems else await _rows(session, actor, wanted, before)
        last = rows[-1].index if len(rows) == SIZE else None
        own = policy.sites(actor)
        return page(
            request,
            "supervision/trail.html",
            form=form,
            rows=rows,
            fields={name: form[name] for name in supervision_query.FIELDS if form[name]},
            nouns=trail_words.nouns(),
            sites=[one for one in await sites.page(session) if own is None or one.code in own],
            next=supervision_query.address(form, before=last) if last is not None else "",
            first=supervision_query.address(form) if before is not None else "",
            filed=wanted.trade and await unless_missing(packages.filed(session, actor, wanted.trade)),
        )

    @get("/find")
    async def find(
        self, session: AsyncSession, actor: Actor, q: str = Parameter(default="", max_length=200)
    ) -> Redirect:
        """Lead to what a number, a commitment, or a tender's code or id names."""
        enter(actor)
        text = q.strip()
        if INDEX.fullmatch(text):
            return see(f"/supervision/trail/{int(text)}")
        if COMMITMENT.fullmatch(text):
            index = proofs.parse(await trail.proof(session, bytes.fromhex(text))).index
            return see(f"/supervision/trail/{index}")
        return see(supervision_query.address(Form.of(trade=text)))

    @get("/trail/{index:int}")
    async def entry(self, request: Page, session: AsyncSession, actor: Actor, index: int) -> Response[bytes]:
        """Show one entry with everything that proves it."""
        enter(actor)
        found = await trails.entry(session, actor, index)
        proof = proofs.parse((await trail.prove(session, [index]))[0])
        row = (await trail_rows.read(session, [found]))[0]
        return page(
            request,
            "supervision/entry.html",
            row=row,
            event=found.opening.event.decode(),
            salt=found.opening.salt.hex(),
            commitment=found.opening.commitment.hex(),
            path_hashes=[one.hex() for one in proof.hashes],
            checkpoint=proof.checkpoint,
            size=(await feed.checkpoint(session)).size,
            stamped=await _stamped(session),
        )

    @get("/alerts")
    async def alerts(self, request: Page, actor: Actor) -> Response[bytes]:
        """Say what alerts are and that there are none."""
        enter(actor)
        return page(request, "supervision/alerts.html")


def enter(actor: Actor) -> None:
    """Refuse who is not signed in, and hide the pages from who may not read the trail."""
    permit(accounts.must_be_person(actor))
    permit(policy.may_search(actor))


async def _rows(session: AsyncSession, actor: Actor, wanted: trail.Filter, before: int | None) -> list[trail_rows.Row]:
    reading = await trails.reading(session, actor)
    narrowed = supervision_query.below(wanted, before)
    found = await trail.search(session, actor, narrowed, reading, limit=SIZE, newest=True)
    return await trail_rows.read(session, found)


async def _today(session: AsyncSession, actor: Actor) -> list[tuple[LotFacts, int]]:
    """Return today's openings with their stages: of the lots due today, and the later stages that wait or run."""
    now = (await database.now(session)).astimezone(CHINA)
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = await oversight.openings(session, policy.sites(actor), begin, begin + timedelta(days=1))
    later = [(one.lot, one.stage) for one in await agenda.of(session, actor) if one.stage > 1]
    return [(lot, 1) for lot in due] + later


async def _head_size(session: AsyncSession) -> int:
    newest = await feed.newest(session)
    return 0 if newest is None else newest.size


async def _stamped(session: AsyncSession) -> int | None:
    """Return the size of the newest stamped checkpoint, None before the first."""
    found = await unless_missing(sequencer.newest_stamp(session))
    return None if found is None else checkpoint.parse(note.parse(found[0]).text).size
