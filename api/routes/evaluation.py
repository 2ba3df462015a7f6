"""The evaluation of a lot over HTTP: sheets, votes, the report and who signs it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post, put
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.routes.drafts import SignedDraft
from experts import drafts, evaluations, reports
from experts.drafts import Content, Draft
from experts.evaluations import Papers
from experts.reports import Report
from kernel import canonical
from kernel.actor import Actor
from kernel.entropy import Entropy
from trading import heading
from trading.awards import Candidate

JSON, PDF = "application/json", "application/pdf"


class RefusalDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member who does not sign, with the reasons given in writing, if any."""

    member_id: UUID
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class ReportDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tie that the documents leave open is settled."""

    tie_order: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=100)] = ()
    tie_reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class SheetDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was typed on a sheet so far, and the version of the draft that it changes (0: there was none)."""

    content: Content
    version: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report's draft: its result, the digest that members sign, how many have answered."""

    id: UUID
    result: dict[str, Any]
    digest: str
    answered: int
    members: int
    finished: bool


class EvaluationController(Controller):
    """A committee's work and its report: docs/spec/evaluation.md."""

    path = "/api/v1/lots/{lot_id:uuid}"
    tags = ("experts",)

    @post("/evaluation", status_code=200, summary="Begin the evaluation")
    async def begin(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> Papers:
        """Begin, as one of the members."""
        await evaluations.begin(session, actor, lot_id, entropy=entropy)
        return await evaluations.papers(session, actor, lot_id)

    @get("/evaluation", summary="What a member works on")
    async def papers(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Papers:
        """Show criteria and offers to a declared member."""
        return await evaluations.papers(session, actor, lot_id)

    @post("/evaluation/sheets", summary="A score sheet")
    async def score(
        self, lot_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> dict[str, UUID]:
        """Take a signed ``ggzy/score-sheet/v1``."""
        return {"id": await evaluations.score(session, actor, lot_id, data.message.encode(), entropy=entropy)}

    @get("/evaluation/drafts", summary="My sheets in the making")
    async def drafts(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[Draft]:
        """List a member's own drafts; nobody else sees them."""
        return await drafts.mine(session, actor, lot_id)

    @put("/evaluation/drafts/{bid_id:uuid}", summary="Keep a sheet in the making")
    async def keep(self, lot_id: UUID, bid_id: UUID, data: SheetDraft, session: AsyncSession, actor: Actor) -> Draft:
        """Keep what was typed; ``evaluation.draft_changed`` when another window has saved since."""
        return await drafts.save(session, actor, lot_id, bid_id, data.content, version=data.version)

    @post("/evaluation/votes", summary="A vote on rejecting a bid")
    async def vote(
        self, lot_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> dict[str, UUID]:
        """Take a signed ``ggzy/rejection-vote/v1``."""
        return {"id": await evaluations.vote(session, actor, lot_id, data.message.encode(), entropy=entropy)}

    @post("/evaluation/technical", status_code=200, summary="Close the scores given by hand")
    async def finish_technical(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> Papers:
        """Close the technical scores; envelopes of stage 2 may be opened from now on."""
        await evaluations.finish_technical(session, actor, lot_id, entropy=entropy)
        return await evaluations.papers(session, actor, lot_id)

    @post("/evaluation/report", summary="Draft the report")
    async def draft(
        self, lot_id: UUID, data: ReportDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> ReportView:
        """Compute the result from the sheets."""
        order, reason = data.tie_order, data.tie_reason
        return _report(await reports.draft(session, actor, lot_id, tie_order=order, tie_reason=reason, entropy=entropy))

    @get("/evaluation/report", summary="The draft that is to be signed")
    async def current(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> ReportView:
        """Show the live draft to a member."""
        return _report(await reports.current(session, actor, lot_id))

    @post("/evaluation/report/opinions", summary="Sign or dissent")
    async def sign(
        self, lot_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> ReportView:
        """Take a signed ``ggzy/report-opinion/v1``."""
        return _report(await reports.sign(session, actor, lot_id, data.message.encode(), entropy=entropy))

    @post("/evaluation/report/refusals", summary="Note that a member refuses to sign")
    async def refuse(
        self, lot_id: UUID, data: RefusalDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> ReportView:
        """Note a refusal, as witness or supervisor; without reasons it counts as consent."""
        return _report(await reports.note_refusal(session, actor, lot_id, data.member_id, data.reason, entropy=entropy))

    @post("/evaluation/report/end", status_code=200, summary="Make the report final")
    async def finish(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> ReportView:
        """Make the report final; the lot is evaluated."""
        return _report(await reports.finish(session, actor, lot_id, entropy=entropy))

    @get("/report", media_type=JSON, summary="The final report")
    async def final(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Return ``ggzy/evaluation-report/v1``."""
        return download.private(await reports.final(session, actor, lot_id), JSON, "evaluation-report.json")

    @get("/report.pdf", media_type=PDF, summary="The final report as PDF")
    async def paper(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Return the report on paper."""
        report = await reports.final(session, actor, lot_id)
        above = await heading.of_lot(session, lot_id, "evaluation")
        pdf = await asyncio.to_thread(reports.render, report, above)
        return download.private(pdf, PDF, "evaluation-report.pdf", inline=True)

    @get("/candidates", summary="The ranked candidates of the final report")
    async def candidates(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[Candidate]:
        """List the candidates to those who may read the report."""
        await reports.final(session, actor, lot_id)
        return list(await reports.candidates(session, lot_id))


def _report(one: Report) -> ReportView:
    result: dict[str, Any] = canonical.decode(one.result)
    return ReportView(one.id, result, one.digest.hex(), one.answered, one.members, one.report is not None)
