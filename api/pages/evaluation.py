"""A committee as its purchaser forms it and as witness and supervisor follow it: figures, no name and no score.

One page at two addresses: /purchase/committees/… for the tenderer, /centre/evaluations/… for those who oversee.
"""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy as accounts
from api.pages.evaluation_form import members, person
from api.pages.expert_report import reading
from api.web import PAGE, Entry, Form, Task, page, see
from experts import committees, policy, reports, seats
from experts.seats import Progress
from kernel import canonical
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, permit
from trading import lots, sites, tenders
from trading.lot import LotFacts, State

NAVIGATION = (
    Entry("/centre/evaluations", "pages.evaluation.nav", frozenset({Role.WITNESS, Role.SUPERVISOR})),
    Entry("/purchase/committees", "pages.evaluation.nav_purchase", frozenset({Role.PURCHASER, Role.AGENCY})),
)
CENTRE, PURCHASE = "/centre/evaluations", "/purchase/committees"
SHOWN = 100
FOLLOWED = frozenset({State.ANNOUNCED, State.OPENING, State.OPENED, State.EVALUATING, State.EVALUATED})


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return lots whose experts have accepted and whose committee waits for its tenderer."""
    found = [lot for lot in await _followed(session, actor, PURCHASE) if lot.state in (State.OPENED, State.ANNOUNCED)]
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
    async def show(self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List the lots that may have a committee."""
        permit(accounts.must_be_person(actor))
        base = _base(request)
        found = await _followed(session, actor, base)
        return page(request, "evaluation/list.html", lots=found, base=base, sites=await sites.names(session))

    @get([f"{CENTRE}/{{lot_id:uuid}}", f"{PURCHASE}/{{lot_id:uuid}}"])
    async def read(
        self, lot_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show a committee's progress, or the form that makes it."""
        permit(accounts.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @get([f"{CENTRE}/{{lot_id:uuid}}/report", f"{PURCHASE}/{{lot_id:uuid}}/report"])
    async def report(
        self, lot_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show the final report to those who may read it."""
        permit(accounts.must_be_person(actor))
        report = canonical.decode(await reports.final(session, actor, lot_id))
        told = {**reading(report), "back": f"{_base(request)}/{lot_id}"}
        return page(request, "expert/report_final.html", lot=await lots.facts(session, lot_id), **told)

    @post(f"{PURCHASE}/{{lot_id:uuid}}")
    async def assemble(
        self, lot_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Form the committee from those who accepted, with representatives and, if the pool is exhausted, appointed."""
        form = await Form.read(request)
        permit(policy.may_appoint(actor, await lots.facts(session, lot_id)))  # before any login is looked up
        try:
            representatives, appointed = await members(session, form)
            await committees.assemble(
                session, actor, lot_id, representatives=representatives, appointed=appointed, entropy=entropy
            )
        except GgzyError as error:
            form.refuse(error)
            return await _show(request, session, actor, lot_id, form)
        return see(f"{PURCHASE}/{lot_id}", done="committee_formed")

    @post(f"{CENTRE}/{{lot_id:uuid}}/{{step:str}}")
    async def oversee(
        self,
        lot_id: UUID,
        step: str,
        *,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
    ) -> Response[bytes] | Redirect:
        """Replace a member, seat successors, or note that a member refuses to sign."""
        form = await Form.read(request)
        try:
            await _step(session, actor, lot_id, step, form=form, entropy=entropy)
        except GgzyError as error:
            if error.kind is Kind.NOT_FOUND and error.code != "member.not_found":
                raise
            form.refuse(error, "reason" if error.code == "committee.no_reason" else "")
            return await _show(request, session, actor, lot_id, form)
        return see(f"{CENTRE}/{lot_id}", done=f"committee_{step}")


async def _step(session: AsyncSession, actor: Actor, lot_id: UUID, step: str, *, form: Form, entropy: Entropy) -> None:
    if step == "replacements":
        await committees.replace(session, actor, lot_id, person(form["member"]), form["reason"], entropy=entropy)
    elif step == "successors":
        await committees.refill(session, actor, lot_id, entropy=entropy)
    elif step == "refusals":
        await reports.note_refusal(session, actor, lot_id, person(form["refuser"]), form["written"], entropy=entropy)
    else:
        raise GgzyError("pages.expert.choose")


async def _show(
    request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, lot_id: UUID, form: Form
) -> Response[bytes]:
    lot = await lots.facts(session, lot_id)
    progress = await _progress(session, actor, lot)
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


async def _progress(session: AsyncSession, actor: Actor, lot: LotFacts) -> Progress | None:
    """Return the progress; None while there is no committee. To whom the lot is none of theirs, there is nothing."""
    if policy.may_appoint(actor, lot) is not None:
        permit(policy.may_oversee(actor, lot))
    try:
        return await seats.progress(session, actor, lot.id)
    except GgzyError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None


async def _followed(session: AsyncSession, actor: Actor, base: str) -> list[LotFacts]:
    mine = policy.may_appoint if base == PURCHASE else policy.may_oversee
    found = [lot for one in await tenders.page(session, actor, limit=SHOWN) for lot in one.lots]
    return [lot for lot in found if mine(actor, lot) is None and lot.state in FOLLOWED]


def _base(request: Request[Any, Any, Any]) -> str:
    return PURCHASE if request.url.path.startswith(PURCHASE) else CENTRE
