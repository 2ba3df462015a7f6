"""A committee as its purchaser forms it and as witness and supervisor follow it: figures, no name and no score.

One page at two addresses: /purchase/committees/… for the tenderer, /centre/evaluations/… for those who oversee.
"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy as accounts
from api.pages import followed
from api.pages.evaluation_form import members, person
from api.pages.expert_report import reading
from api.web import BEFORE, PAGE, Entry, Form, Page, Task, page, see
from experts import committees, policy, reports, seats
from kernel import canonical
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit, unless_missing
from trading import lots, sites
from trading.lot import UNDECIDED, State

NAVIGATION = (
    Entry("/centre/evaluations", "pages.evaluation.nav", frozenset({Role.WITNESS, Role.SUPERVISOR})),
    Entry("/purchase/committees", "pages.evaluation.nav_purchase", frozenset({Role.PURCHASER, Role.AGENCY})),
)
CENTRE, PURCHASE = "/centre/evaluations", "/purchase/committees"


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return lots whose experts have accepted and whose committee waits for its tenderer."""
    if not any(actor.holds(role) for role in (Role.PURCHASER, Role.AGENCY)):
        return []
    found = (await followed.page(session, actor, (State.ANNOUNCED, State.OPENED), own=True)).lots
    ready = await seats.formable(session, [lot.id for lot in found])
    return [
        Task("pages.evaluation.task.form", f"{PURCHASE}/{lot.id}", {"title": lot}) for lot in found if lot.id in ready
    ]


class Evaluations(Controller):
    """Committees and their progress."""

    path = "/"
    include_in_schema = False
    opt = PAGE

    @get([CENTRE, PURCHASE])
    async def show(
        self, request: Page, session: AsyncSession, actor: Actor, before: str | None = BEFORE
    ) -> Response[bytes]:
        """List the lots that may have a committee."""
        permit(accounts.must_be_person(actor))
        base = _base(request)
        found = await followed.page(session, actor, UNDECIDED, own=base == PURCHASE, before=before)
        return page(
            request,
            "evaluation/list.html",
            lots=found.lots,
            base=base,
            sites=await sites.names(session),
            next=found.following(base),
            first=base if before else "",
        )

    @get([f"{CENTRE}/{{lot_id:uuid}}", f"{PURCHASE}/{{lot_id:uuid}}"])
    async def read(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show a committee's progress, or the form that makes it."""
        permit(accounts.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @get([f"{CENTRE}/{{lot_id:uuid}}/report", f"{PURCHASE}/{{lot_id:uuid}}/report"])
    async def report(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the final report to those who may read it."""
        permit(accounts.must_be_person(actor))
        report = canonical.decode(await reports.final(session, actor, lot_id))
        told = {**reading(report), "back": f"{_base(request)}/{lot_id}"}
        return page(request, "expert/report_final.html", lot=await lots.facts(session, lot_id), **told)

    @post(f"{PURCHASE}/{{lot_id:uuid}}")
    async def assemble(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Form the committee from those who accepted, with representatives and, if the pool is exhausted, appointed."""
        form = await Form.read(request)
        permit(policy.may_appoint(actor, await lots.facts(session, lot_id)))  # before any login is looked up
        with form.trying(missing=["account.not_found"]):
            representatives, appointed = await members(session, form)
            await committees.assemble(
                session, actor, lot_id, representatives=representatives, appointed=appointed, entropy=entropy
            )
            return see(f"{PURCHASE}/{lot_id}", done="committee_formed")
        return await _show(request, session, actor, lot_id, form)

    @post(f"{CENTRE}/{{lot_id:uuid}}/{{step:str}}")
    async def oversee(
        self,
        lot_id: UUID,
        step: str,
        *,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
    ) -> Response[bytes] | Redirect:
        """Replace a member, seat successors, or note that a member refuses to sign."""
        form = await Form.read(request)
        with form.trying({"committee.no_reason": "reason"}, missing=["member.not_found"]):
            await _step(session, actor, lot_id, step, form=form, entropy=entropy)
            return see(f"{CENTRE}/{lot_id}", done=f"committee_{step}")
        return await _show(request, session, actor, lot_id, form)


async def _step(session: AsyncSession, actor: Actor, lot_id: UUID, step: str, *, form: Form, entropy: Entropy) -> None:
    if step == "replacements":
        await committees.replace(session, actor, lot_id, person(form["member"]), form["reason"], entropy=entropy)
    elif step == "successors":
        await committees.refill(session, actor, lot_id, entropy=entropy)
    elif step == "refusals":
        await reports.note_refusal(session, actor, lot_id, person(form["refuser"]), form["written"], entropy=entropy)
    else:
        raise GgzyError("pages.expert.choose")


async def _show(request: Page, session: AsyncSession, actor: Actor, lot_id: UUID, form: Form) -> Response[bytes]:
    lot = await lots.facts(session, lot_id)
    permit(policy.may_follow(actor, lot))
    progress = await unless_missing(seats.progress(session, actor, lot_id))
    return page(
        request,
        "evaluation/lot.html",
        form=form,
        lot=lot,
        base=_base(request),
        progress=progress,
        forms=policy.may_appoint(actor, lot) is None,
        oversees=policy.may_oversee(actor, lot) is None,
        drawn=await seats.drawn(session, actor, lot_id) if progress is None else None,
        sites=await sites.names(session),
    )


def _base(request: Page) -> str:
    return PURCHASE if request.url.path.startswith(PURCHASE) else CENTRE
