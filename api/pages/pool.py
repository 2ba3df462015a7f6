"""The pool of experts for its keeper: a table file taken in whole or refused row by row, experts and their standing."""

from datetime import date
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import lookup, policy
from api.web import PAGE, Entry, Form, Page, page, see, values
from api.wiring import Installation
from experts import pool, table_file
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import sites

NAVIGATION = (Entry("/centre/pool", "pages.pool.nav", frozenset({Role.SUPERVISOR})),)
PAGE_SIZE = 50
ACTIONS = ("train", "suspend", "reinstate", "clear_out", "penalize")
STATES = {"active": "good", "suspended": "wait", "cleared": "off"}


class PoolDesk(Controller):
    """The pool, for its keeper."""

    path = "/centre/pool"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(
        self, request: Page, session: AsyncSession, actor: Actor, after: UUID | None = None
    ) -> Response[bytes]:
        """List experts in a stable order."""
        permit(policy.must_be_person(actor))
        return await _list(request, session, actor, Form(), after=after)

    @post("/import", request_max_body_size=table_file.MAX_BYTES + (1 << 16))
    async def take_in(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        installation: Installation,
    ) -> Response[bytes] | Redirect:
        """Take in a table file, all of it or nothing; every mistake is listed with its row."""
        permit(policy.must_be_person(actor))  # before so large a form is read
        form = await Form.read(request)
        encoding = "gb18030" if form["encoding"] == "gb18030" else "utf-8"
        with form.trying("file"):
            data, pepper = await _content(form), installation.pepper
            done = await pool.import_file(session, actor, data, pepper=pepper, entropy=entropy, encoding=encoding)
            return see("/centre/pool", done="pool_imported", count=done.count)
        return await _list(request, session, actor, form, problems=form.problems[0].error.params.get("problems", ()))

    @get("/{expert_id:uuid}")
    async def read(self, expert_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show an expert with what can be changed."""
        permit(policy.must_be_person(actor))
        return await _one(request, session, actor, expert_id, Form())

    @post("/{expert_id:uuid}/changes")
    async def change(
        self, expert_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Change an expert's standing for a reason."""
        form = await Form.read(request)
        with form.trying({"pool.no_reason": "reason", "pool.no_until": "until", "": "action"}):
            await _change(session, actor, expert_id, form, entropy)
            return see(f"/centre/pool/{expert_id}", done="expert_changed")
        return await _one(request, session, actor, expert_id, form)

    @post("/{expert_id:uuid}/account")
    async def link(
        self, expert_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Give an expert the account with which they answer calls."""
        form = await Form.read(request)
        await pool.get(session, actor, expert_id)  # who may not keep the pool learns of no account
        with form.trying("login", missing=["account.not_found"]):
            user = await lookup.by_login(session, form["login"])
            await pool.link(session, actor, expert_id, user.user_id, entropy=entropy)
            return see(f"/centre/pool/{expert_id}", done="expert_linked")
        return await _one(request, session, actor, expert_id, form)


async def _content(form: Form) -> bytes:
    file = form.file("file")
    if file is None:
        raise GgzyError("pages.pool.no_file")
    return await file.read()


async def _change(session: AsyncSession, actor: Actor, expert_id: UUID, form: Form, entropy: Entropy) -> None:
    action, reason = form["action"], form["reason"]
    if action not in ACTIONS:
        raise GgzyError("pages.expert.choose")
    if action == "train":
        await pool.train(session, actor, expert_id, _day(form), reason, entropy=entropy)
        return
    await getattr(pool, action)(session, actor, expert_id, reason, entropy=entropy)


def _day(form: Form) -> date:
    day = values.day(form["until"])
    if day is None:
        raise GgzyError("pool.no_until")
    return day


async def _list(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    form: Form,
    *,
    after: UUID | None = None,
    problems: object = (),
) -> Response[bytes]:
    found = await pool.page(session, actor, after=after, limit=PAGE_SIZE + 1)
    return page(
        request,
        "draws/pool.html",
        form=form,
        experts=found[:PAGE_SIZE],
        more=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        after=after,
        size=await pool.size(session),
        problems=problems,
        sites=await sites.names(session),
        states=STATES,
    )


async def _one(request: Page, session: AsyncSession, actor: Actor, expert_id: UUID, form: Form) -> Response[bytes]:
    return page(
        request,
        "draws/expert.html",
        form=form,
        expert=await pool.get(session, actor, expert_id),
        changes=await pool.changes(session, actor, expert_id),
        actions=ACTIONS,
        sites=await sites.names(session),
        states=STATES,
    )
