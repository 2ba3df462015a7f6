"""Experts over HTTP: the pool, draws, invitations, committees, evaluation."""

import asyncio
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from api.transaction import STREAMED
from api.wiring import Installation
from experts import (
    committees,
    draws,
    evaluations,
    invitations,
    pool,
    reports,
    reveals,
    table_file,
    transcripts,
)
from experts.committees import Committee, Person
from experts.draws import Conditions
from experts.evaluations import Papers
from experts.invitations import Invitation
from experts.pool import Expert
from experts.quota import Quota
from experts.reports import Report
from experts.rounds import Beacon, Draw
from kernel import canonical
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading.awards import Candidate

JSON, PDF = "application/json", "application/pdf"
PEPPER_SIZE = 32

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})+$", max_length=1024)]
Message = Annotated[str, msgspec.Meta(min_length=2, max_length=65536)]


class ChangeDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of an expert's standing; `until` for a training."""

    action: Literal["train", "suspend", "reinstate", "clear_out", "penalize"]
    reason: Reason
    until: date | None = None


class LinkDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account with which an expert answers."""

    user_id: UUID


class QuotaDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seats for a specialty, at a site or anywhere."""

    specialty: Annotated[str, msgspec.Meta(max_length=11)]
    count: Annotated[int, msgspec.Meta(ge=1, le=99)]
    site: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")] | None = None


class BeaconDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A future round of a drand chain."""

    chain: Hex32
    round: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


class DrawDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be drawn."""

    quotas: Annotated[tuple[QuotaDraft, ...], msgspec.Meta(min_length=1, max_length=32)]
    representatives: Annotated[int, msgspec.Meta(ge=0, le=33)] = 0
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    per_expert: Annotated[int, msgspec.Meta(ge=1)] | None = None
    per_employer: Annotated[int, msgspec.Meta(ge=1)] | None = None
    beacon: BeaconDraft | None = None
    release_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30
    answer_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30

    def conditions(self) -> Conditions:
        """Return the conditions."""
        return Conditions(
            tuple(Quota(one.specialty, one.count, one.site) for one in self.quotas),
            self.representatives,
            self.reason,
            self.per_expert,
            self.per_employer,
            None if self.beacon is None else Beacon(self.beacon.chain, self.beacon.round),
            self.release_minutes,
            self.answer_minutes,
        )


class SignedDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed canonical JSON message, as text."""

    message: Message


class FixDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The beacon's signature, when a beacon was named."""

    beacon_signature: Hex | None = None


class ShareDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian's share of a withheld nonce."""

    role: Literal["centre", "purchaser", "supervisor"]
    message: Message


class ReasonDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason."""

    reason: Reason


class AnswerDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expert's answer; declining needs a reason."""

    accept: bool
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class PersonDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A representative, or a directly appointed expert with the reason and its document."""

    user_id: UUID
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=100)]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class CommitteeDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins the drawn experts."""

    representatives: Annotated[tuple[PersonDraft, ...], msgspec.Meta(max_length=33)] = ()
    appointed: Annotated[tuple[PersonDraft, ...], msgspec.Meta(max_length=33)] = ()


class MemberDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member."""

    member_id: UUID


class ReplaceDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member to replace, and why."""

    member_id: UUID
    reason: Reason


class RefusalDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member who does not sign, with the reasons given in writing, if any."""

    member_id: UUID
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class ReportDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tie that the documents leave open is settled."""

    tie_order: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=100)] = ()
    tie_reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class ImportedView:
    """What an import took in; `sha256` of the file in hex."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DrawView:
    """A draw; binary values in hex. `public_key` is the lot's opening key, to which nonces are sealed.

    `checkpoint` and `beacon_signature` are the seed, which reveals and shares name.
    """

    id: UUID
    lot_id: UUID
    tender_id: UUID
    round: int
    reason: str
    state: str
    quotas: tuple[Quota, ...]
    representatives: int
    roster: str
    key_hash: str
    public_key: str
    release_at: datetime
    beacon: Beacon | None
    checkpoint: str | None
    beacon_signature: str | None
    committed: tuple[str, ...]
    revealed: tuple[str, ...]
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class SealedView:
    """A withheld nonce's commitment message, the device key that signed it (hex), and the seed."""

    message: str
    device_key: str
    checkpoint: str
    beacon_signature: str | None


@dataclass(frozen=True, slots=True)
class CallView:
    """A call by code (hex)."""

    code: str
    position: int
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report's draft: its result, the digest that members sign, how many have answered."""

    id: UUID
    result: dict[str, Any]
    digest: str
    answered: int
    members: int
    finished: bool


class PoolController(Controller):
    """The pool of experts, for its keeper."""

    path = "/api/v1/experts"
    tags = ("experts",)

    @post(
        "/import",
        opt=STREAMED,
        request_max_body_size=table_file.MAX_BYTES,
        summary="Take in experts from a table file (xlsx, xls, ods, csv)",
    )
    async def import_file(
        self,
        *,
        request: Request[Any, Any, Any],
        sessions: Sessions,
        actor: Actor,
        entropy: Entropy,
        installation: Installation,
        encoding: Annotated[Literal["utf-8", "gb18030"], Parameter()] = "utf-8",
    ) -> ImportedView:
        """Take the raw file as the body, all of it or nothing; every mistake is listed with row and column."""
        data = b"".join([chunk async for chunk in request.stream()])
        pepper = await asyncio.to_thread(_pepper, installation.settings.data_dir, entropy)
        async with sessions.begin() as session:
            done = await pool.import_file(session, actor, data, pepper=pepper, entropy=entropy, encoding=encoding)
        return ImportedView(done.count, done.sha256.hex())

    @get(summary="Experts by id")
    async def page(
        self,
        session: AsyncSession,
        actor: Actor,
        after: UUID | None = None,
        limit: Annotated[int, Parameter(ge=1, le=100)] = 50,
    ) -> list[Expert]:
        """List experts, without 身份证号 and telephone."""
        return await pool.page(session, actor, after=after, limit=limit)

    @get("/{expert_id:uuid}", summary="One expert")
    async def read(self, expert_id: UUID, session: AsyncSession, actor: Actor) -> Expert:
        """Show an expert."""
        return await pool.get(session, actor, expert_id)

    @post("/{expert_id:uuid}/changes", summary="Train, suspend, reinstate, clear out, penalize")
    async def change(
        self, expert_id: UUID, data: ChangeDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Expert:
        """Change an expert's standing for a reason."""
        if data.action == "train":
            if data.until is None:
                raise GgzyError("pool.no_until", Kind.INVALID)
            await pool.train(session, actor, expert_id, data.until, data.reason, entropy=entropy)
        else:
            verb = getattr(pool, data.action)
            await verb(session, actor, expert_id, data.reason, entropy=entropy)
        return await pool.get(session, actor, expert_id)

    @post("/{expert_id:uuid}/account", status_code=200, summary="Give an expert their account")
    async def link(
        self, expert_id: UUID, data: LinkDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Expert:
        """Link the account with which the expert answers calls."""
        await pool.link(session, actor, expert_id, data.user_id, entropy=entropy)
        return await pool.get(session, actor, expert_id)


class DrawController(Controller):
    """Draws: docs/spec/draw.md."""

    path = "/api/v1"
    tags = ("experts",)

    @post("/lots/{lot_id:uuid}/draws", summary="Prepare a round")
    async def prepare(
        self, lot_id: UUID, data: DrawDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Fix roster, quotas and exclusions."""
        return _draw(await draws.prepare(session, actor, lot_id, data.conditions(), entropy=entropy))

    @get("/lots/{lot_id:uuid}/draws", summary="The rounds of a lot")
    async def of_lot(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[DrawView]:
        """List rounds to their participants."""
        return [_draw(one) for one in await draws.of_lot(session, actor, lot_id)]

    @get("/draws/{draw_id:uuid}", summary="A round")
    async def read(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> DrawView:
        """Show a round to its participants."""
        return _draw(await draws.find(session, actor, draw_id))

    @post("/draws/{draw_id:uuid}/commitments", summary="Commit to a nonce")
    async def commit(
        self, draw_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-commitment/v1``."""
        return _draw(await draws.commit(session, actor, draw_id, data.message.encode(), entropy=entropy))

    @post("/draws/{draw_id:uuid}/seed", status_code=200, summary="Fix the seed checkpoint")
    async def fix(
        self, draw_id: UUID, data: FixDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Fix the checkpoint over all commitments; ``trail.not_sequenced`` for a moment after the last of them."""
        signature = None if data.beacon_signature is None else bytes.fromhex(data.beacon_signature)
        return _draw(await draws.fix(session, actor, draw_id, beacon_signature=signature, entropy=entropy))

    @post("/draws/{draw_id:uuid}/reveals", summary="Reveal a nonce")
    async def reveal(
        self, draw_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-reveal/v1``; the third makes the draw."""
        return _draw(await reveals.reveal(session, actor, draw_id, data.message.encode(), entropy=entropy))

    @get("/draws/{draw_id:uuid}/sealed", summary="Withheld nonces, for custodians")
    async def sealed(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> list[SealedView]:
        """Show withheld nonces after the release time."""
        found = await reveals.sealed(session, actor, draw_id)
        return [
            SealedView(one.message.decode(), one.device_key.hex(), one.checkpoint, _hex(one.beacon_signature))
            for one in found
        ]

    @post("/draws/{draw_id:uuid}/shares", summary="A custodian's share of a withheld nonce")
    async def share(
        self, draw_id: UUID, data: ShareDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-share/v1``."""
        message = data.message.encode()
        return _draw(await reveals.share(session, actor, draw_id, data.role, message, entropy=entropy))

    @post("/draws/{draw_id:uuid}/abandonment", status_code=200, summary="Give up a round before its seed")
    async def abandon(
        self, draw_id: UUID, data: ReasonDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Give up a round while nobody can know its result."""
        return _draw(await draws.abandon(session, actor, draw_id, data.reason, entropy=entropy))

    @get("/draws/{draw_id:uuid}/calls", summary="The calls of a round, by code")
    async def calls(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> list[CallView]:
        """List calls by opaque code."""
        found = await invitations.of_draw(session, actor, draw_id)
        return [CallView(one.code.hex(), one.position, one.state, one.expires_at) for one in found]

    @post("/draws/{draw_id:uuid}/timeouts", status_code=200, summary="Let overdue calls time out")
    async def expire(self, draw_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> DrawView:
        """Let calls time out whose hour has passed, and call the next."""
        await draws.find(session, actor, draw_id)
        await invitations.expire(session, draw_id, entropy=entropy)
        return _draw(await draws.find(session, actor, draw_id))

    @get("/draws/{draw_id:uuid}/transcript", media_type=JSON, summary="The transcript, to be replayed offline")
    async def transcript(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Return ``ggzy/draw/v1``: to the supervisor at once, to everybody after the result."""
        return Response(await transcripts.write(session, actor, draw_id), media_type=JSON)


class InvitationController(Controller):
    """Calls, as the called expert sees them."""

    path = "/api/v1/invitations"
    tags = ("experts",)

    @get(summary="My calls")
    async def mine(self, session: AsyncSession, actor: Actor) -> list[Invitation]:
        """List the calls of the expert who asks."""
        return await invitations.mine(session, actor)

    @post("/{draw_id:uuid}/answer", status_code=200, summary="Accept or decline")
    async def answer(
        self, draw_id: UUID, data: AnswerDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Invitation:
        """Answer a call."""
        reason = data.reason
        return await invitations.answer(session, actor, draw_id, accept=data.accept, reason=reason, entropy=entropy)

    @post("/{draw_id:uuid}/recusal", status_code=200, summary="Step back after accepting")
    async def recuse(
        self, draw_id: UUID, data: ReasonDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Invitation:
        """Recuse oneself."""
        return await invitations.recuse(session, actor, draw_id, data.reason, entropy=entropy)


class CommitteeController(Controller):
    """The committee of a lot and its evaluation: docs/spec/evaluation.md."""

    path = "/api/v1/lots/{lot_id:uuid}"
    tags = ("experts",)

    @post("/committee", summary="Form the committee")
    async def assemble(
        self, lot_id: UUID, data: CommitteeDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Form the committee from who accepted, with the purchaser's representatives."""
        return await committees.assemble(
            session,
            actor,
            lot_id,
            representatives=[_person(one) for one in data.representatives],
            appointed=[_person(one) for one in data.appointed],
            entropy=entropy,
        )

    @get("/committee", summary="The committee")
    async def committee(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Committee:
        """Show the committee; names to whom they may be known."""
        return await committees.find(session, actor, lot_id)

    @post("/committee/declarations", summary="Declare avoidance or none")
    async def declare(
        self, lot_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Take a signed ``ggzy/avoidance-declaration/v1``."""
        return await committees.declare(session, actor, lot_id, data.message.encode(), entropy=entropy)

    @post("/committee/leader", status_code=200, summary="Vote for the leader")
    async def vote_leader(
        self, lot_id: UUID, data: MemberDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Vote for the leader."""
        return await committees.vote_leader(session, actor, lot_id, data.member_id, entropy=entropy)

    @post("/committee/replacements", summary="Replace a member")
    async def replace(
        self, lot_id: UUID, data: ReplaceDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Take a member out; the next drawn expert is called."""
        return await committees.replace(session, actor, lot_id, data.member_id, data.reason, entropy=entropy)

    @post("/committee/successors", status_code=200, summary="Seat the successors who have accepted")
    async def refill(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> Committee:
        """Seat successors."""
        return await committees.refill(session, actor, lot_id, entropy=entropy)

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
        return Response(await reports.final(session, actor, lot_id), media_type=JSON)

    @get("/report.pdf", media_type=PDF, summary="The final report as PDF")
    async def paper(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Return the report on paper."""
        report = await reports.final(session, actor, lot_id)
        return Response(await asyncio.to_thread(reports.render, report), media_type=PDF)

    @get("/candidates", summary="The ranked candidates of the final report")
    async def candidates(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[Candidate]:
        """List the candidates to those who may read the report."""
        await reports.final(session, actor, lot_id)
        return list(await reports.candidates(session, lot_id))


def _pepper(data_dir: Path, entropy: Entropy) -> bytes:
    """Return the key of the hashes of 身份证号, made at first use; every server of an installation needs it."""
    path = data_dir / "pool" / "pepper"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{entropy.token(4).hex()}")
    if not path.exists():
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(entropy.token(PEPPER_SIZE))
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(unfinished, path)  # the first one stays, whoever else makes one now
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return path.read_bytes()


def _draw(one: Draw) -> DrawView:
    return DrawView(
        one.id,
        one.lot_id,
        one.tender_id,
        one.round,
        one.reason,
        one.state,
        one.quotas,
        one.representatives,
        one.roster.hex(),
        one.key_hash.hex(),
        one.public_key.hex(),
        one.release_at,
        one.beacon,
        one.checkpoint,
        _hex(one.beacon_signature),
        one.committed,
        one.revealed,
        one.calls,
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _person(one: PersonDraft) -> Person:
    return Person(one.user_id, one.name, one.reason)


def _report(one: Report) -> ReportView:
    result: dict[str, Any] = canonical.decode(one.result)
    return ReportView(one.id, result, one.digest.hex(), one.answered, one.members, one.report is not None)
