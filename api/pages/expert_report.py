"""The report from a member's side: drafted, read, signed or dissented from on the device, made final."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see, values
from experts import committees, evaluations, offers, reports, seats
from experts.scoring import Offer
from kernel import canonical
from kernel.actor import Actor
from kernel.clock import parse
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit, unless_missing
from trading.lot import State


class ReportDesk(Controller):
    """The report of a lot, for its members."""

    path = "/expert/lots/{lot_id:uuid}/report"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the draft, or how to make it, or the final report."""
        permit(policy.must_be_person(actor))
        return await _show(request, session, actor, lot_id, Form())

    @post()
    async def draft(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Compute the result from the sheets; a tie that matters is ordered by the committee."""
        form = await Form.read(request)
        order = _ordered(form)
        reason = form["tie_reason"]
        try:
            await reports.draft(session, actor, lot_id, tie_order=order, tie_reason=reason, entropy=entropy)
        except GgzyError as error:
            tied = str(error.params.get("bids", "")).split(", ") if error.code == "evaluation.tie" else []
            form.refuse(GgzyError("pages.expert.tied", error.kind) if tied else error, "tie" if tied else "")
            return await _show(request, session, actor, lot_id, form, tied=tied)
        return see(f"/expert/lots/{lot_id}/report", done="report_drafted")

    @post("/end")
    async def finish(
        self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Make the report final once every member has answered."""
        form = await Form.read(request)
        with form.trying():
            await reports.finish(session, actor, lot_id, entropy=entropy)
            return see(f"/expert/lots/{lot_id}/report", done="report_finished")
        return await _show(request, session, actor, lot_id, form)


def reading(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the page of a final report shows of it."""
    return {"report": report, "result": report["result"], "finished_at": parse(report["finished_at"])}


async def _show(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    lot_id: UUID,
    form: Form,
    *,
    tied: list[str] | None = None,
) -> Response[bytes]:
    seat = await seats.take(session, actor, lot_id)
    if seat.lot.state != State.EVALUATING:
        report = canonical.decode(await reports.final(session, actor, lot_id))
        told = {**reading(report), "back": f"/expert/lots/{lot_id}"}
        return page(request, "expert/report_final.html", form=form, lot=seat.lot, **told)
    await evaluations.papers(session, actor, lot_id)  # tells why a member may not judge now
    live = await unless_missing(reports.current(session, actor, lot_id))
    found = await offers.of_lot(session, seat.lot)
    return page(
        request,
        "expert/report.html",
        form=form,
        seat=seat,
        live=live,
        result=None if live is None else canonical.decode(live.result),
        own=None if live is None else await reports.own_opinion(session, actor, lot_id),
        closed=(await committees.find(session, actor, lot_id)).technical_finished_at,
        opened=await offers.is_opened(session, seat.lot),
        tied=_tied(found, tied or []),
    )


def _ordered(form: Form) -> list[UUID]:
    """Return the tied bids by the places that the committee wrote beside them; what is no place comes last."""
    places = {name.removeprefix("place_"): form[name] for name in form.fields if name.startswith("place_")}
    stated = {bid: values.whole(text) for bid, text in places.items()}
    try:
        return [UUID(bid) for bid in sorted(stated, key=lambda bid: (stated[bid] is None, stated[bid]))]
    except ValueError as error:
        raise GgzyError("pages.expert.choose") from error


def _tied(found: list[Offer], bids: list[str]) -> list[Offer]:
    return [one for one in found if one.bid in bids]
