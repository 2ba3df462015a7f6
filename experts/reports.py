"""The evaluation report (``ggzy/evaluation-report/v1``): drafted from the sheets, signed or dissented from, then final.

招标投标法实施条例 第五十三条: at most three ranked candidates; dissent is recorded; who refuses to sign and
gives no reasons in writing consents. docs/spec/evaluation.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import paper, recording, trail
from bidding import amounts
from experts import committees, evaluations, offers, policy, scoring
from experts.evaluations import Desk
from experts.scoring import OPINION, SHEET, Offer, Opinion, Sheet
from experts.tables import CommitteeRow, MemberRow, OpinionRow, RejectionRow, ReportRow
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import isoformat, parse
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.awards import Candidate
from trading.heading import Heading

FORMAT = "ggzy/evaluation-report/v1"
TEMPLATE = Path(__file__).with_name("report.typ")
MIN_COMPETITION = 3


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its result as drafted with its SHA-256, and the final bytes once everybody has answered."""

    id: UUID
    result: bytes
    digest: bytes
    answered: int
    members: int
    report: bytes | None


async def draft(
    session: AsyncSession,
    actor: Actor,
    lot_id: UUID,
    *,
    tie_order: Sequence[UUID] = (),
    tie_reason: str = "",
    entropy: Entropy,
) -> Report:
    """Compute the result from the valid sheets; one live draft at a time.

    `tie_order` settles ties that price and technical score leave open, with a reason that the report shows. Raises
    ``evaluation.technical_open``, ``evaluation.not_opened``, ``evaluation.tie``, ``evaluation.drafted``.
    """
    desk = await evaluations.seat(session, actor, lot_id)
    if desk.committee.technical_finished_at is None:
        raise GgzyError("evaluation.technical_open", Kind.CONFLICT)
    if not await offers.is_opened(session, desk.lot):
        raise GgzyError("evaluation.not_opened", Kind.CONFLICT)
    found = await offers.of_lot(session, desk.lot)
    await evaluations.require_sheets(session, desk.committee.id, found)
    now = await database.now(session)
    result = canonical.encode(
        await _result(session, desk, found, [str(b) for b in tie_order], tie_reason=tie_reason, now=now)
    )
    row = await _keep_draft(session, desk.committee.id, result, now=now, entropy=entropy)
    told = {"committee": str(desk.committee.id), "lot": str(lot_id), "result": row.digest.hex()}
    await trail.record(session, actor, "evaluation.drafted", told, trade=desk.lot.tender_id, entropy=entropy, at=now)
    return await _view(session, row)


async def sign(session: AsyncSession, actor: Actor, lot_id: UUID, message: bytes, *, entropy: Entropy) -> Report:
    """Take a member's signed consent or dissent.

    Raises ``evaluation.no_dissent_reason``, ``evaluation.signed``, ``evaluation.other_report``.
    """
    desk = await evaluations.seat(session, actor, lot_id)
    row = await _live(session, desk.committee.id)
    said: Opinion = scoring.read(message, OPINION, Opinion, desk.device)
    if said.report != row.digest.hex():
        raise GgzyError("evaluation.other_report", Kind.CONFLICT)
    if said.kind == "dissent" and not said.reason.strip():
        raise GgzyError("evaluation.no_dissent_reason", Kind.INVALID)
    await _keep(
        session, actor, desk.member, row, (said.kind, said.reason, message, desk.device), desk=desk, entropy=entropy
    )
    return await _view(session, row)


async def note_refusal(
    session: AsyncSession, actor: Actor, lot_id: UUID, member_id: UUID, reason: str, *, entropy: Entropy
) -> Report:
    """Note, as witness or supervisor, that a member refuses to sign; `reason` is what they gave in writing.

    Without reasons it counts as consent (条例 53).
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_oversee(actor, lot))
    member = await session.get(MemberRow, member_id)
    if member is None or member.replaced_at is not None:
        raise not_found("member")
    row = await _live(session, member.committee_id)
    found = await committees.find(session, actor, lot_id)
    if found.id != member.committee_id:
        raise not_found("member")
    await _opine(session, row, member, ("refusal", reason.strip(), b"", None))
    told = {"member": str(member.id), "reason": reason.strip(), "result": row.digest.hex()}
    await trail.record(session, actor, "evaluation.refused", told, trade=lot.tender_id, entropy=entropy)
    return await _view(session, row)


async def finish(session: AsyncSession, actor: Actor, lot_id: UUID, *, entropy: Entropy) -> Report:
    """Write the final report once every member has answered, and move the lot on.

    Raises ``evaluation.opinions_missing``, ``evaluation.no_candidates``.
    """
    desk = await evaluations.seat(session, actor, lot_id)
    row = await _live(session, desk.committee.id)
    members = await committees.active(session, desk.committee.id)
    opinions = {one.member_id: one for one in await _opinions(session, row.id)}
    if missing := sum(one.id not in opinions for one in members):
        raise GgzyError("evaluation.opinions_missing", Kind.CONFLICT, missing=missing)
    result = canonical.decode(row.result)
    if not result["candidates"]:
        raise GgzyError("evaluation.no_candidates", Kind.CONFLICT)
    now = await database.now(session)
    document = {
        "finished_at": isoformat(now),
        "format": FORMAT,
        "opinions": [_opinion(one, opinions[one.id]) for one in members],
        "result": result,
        "result_sha256": row.digest.hex(),
        "sandbox": await recording.in_sandbox(session),
    }
    row.report, row.finished_at = canonical.encode(document), now
    await session.flush()
    told = {
        "committee": str(desk.committee.id),
        "lot": str(lot_id),
        "report": hashlib.sha256(row.report).hexdigest(),
    }
    await trail.record(session, actor, "evaluation.reported", told, trade=desk.lot.tender_id, entropy=entropy, at=now)
    await lots.move(session, actor, lot_id, "finish_evaluation", entropy=entropy)
    return await _view(session, row)


async def current(session: AsyncSession, actor: Actor, lot_id: UUID) -> Report:
    """Return the live draft to a member who is to sign it."""
    desk = await evaluations.seat(session, actor, lot_id, lock=False)
    return await _view(session, await _live(session, desk.committee.id))


async def own_opinion(session: AsyncSession, actor: Actor, lot_id: UUID) -> str | None:
    """Return what a member has said under the live draft (``consent``, ``dissent``, ``refusal``), None before that."""
    desk = await evaluations.seat(session, actor, lot_id, lock=False)
    row = await _live(session, desk.committee.id)
    given = await session.get(OpinionRow, (row.id, desk.member.id))
    return None if given is None else given.kind


async def final(session: AsyncSession, actor: Actor, lot_id: UUID) -> bytes:
    """Return the final report's bytes to those who may read it; ``report.not_found``."""
    lot = await lots.facts(session, lot_id)
    members = await committees.user_ids(session, lot_id)
    permit(policy.may_read_report(actor, lot, members))
    return await _final(session, lot_id)


async def candidates(session: AsyncSession, lot_id: UUID) -> tuple[Candidate, ...]:
    """Return the ranked candidates of the final report, for `trading.awards.publicize`."""
    result = canonical.decode(await _final(session, lot_id))["result"]
    return tuple(Candidate(one["rank"], one["bidder"], Decimal(one["price"])) for one in result["candidates"])


def render(report: bytes, above: Heading) -> bytes:
    """Return the report as PDF under the heading of its lot; blocking."""
    document = canonical.decode(report)
    capitals = {one["bid"]: amounts.write(Decimal(one["price"])) for one in document["result"]["candidates"]}
    data = {"report": document, "heading": asdict(above), "capitals": capitals}
    return paper.render(TEMPLATE, data, created=parse(document["finished_at"]))


async def _keep_draft(
    session: AsyncSession, committee_id: UUID, result: bytes, *, now: datetime, entropy: Entropy
) -> ReportRow:
    row = ReportRow(
        id=new_id(entropy),
        committee_id=committee_id,
        result=result,
        digest=hashlib.sha256(result).digest(),
        report=None,
        void=False,
        drafted_at=now,
        finished_at=None,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise GgzyError("evaluation.drafted", Kind.CONFLICT) from error
    return row


async def _result(
    session: AsyncSession, desk: Desk, found: Sequence[Offer], tie_order: list[str], *, tie_reason: str, now: datetime
) -> dict[str, Any]:
    members = await committees.active(session, desk.committee.id)
    rejected = await evaluations.rejections(session, desk.committee.id, len(members))
    sheets: dict[str, list[Sheet]] = {}
    rows = await evaluations.sheets(session, desk.committee.id)
    for row in rows:
        sheet = scoring.read(row.message, SHEET, Sheet, row.device_key)
        sheets.setdefault(str(row.bid_id), []).append(sheet)
    compared = scoring.compare(desk.scheme, found, sheets, frozenset(str(bid) for bid in rejected), desk.lot.ceiling)
    order = _settle(compared["ranking"], tie_order, tie_reason)
    offered = {one.bid: one for one in found}
    return {
        "candidates": [_candidate(rank, offered[bid]) for rank, bid in enumerate(order[: scoring.MAX_CANDIDATES], 1)],
        "committee": [_person(one, committees.leader_of(members)) for one in members],
        "competition": len(order) >= MIN_COMPETITION,
        "drafted_at": isoformat(now),
        "hints": compared["hints"],
        "lot": str(desk.lot.id),
        "offers": [_told(one, compared["scores"].get(one.bid), order) for one in found],
        "rejections": [_rejection(bid, votes) for bid, votes in sorted(rejected.items())],
        "scheme": canonical_scheme(desk.lot.evaluation),
        "sheets": [canonical.decode(row.message) | {"member": str(row.member_id)} for row in rows],
        "tender": str(desk.lot.tender_id),
        "tie": {"order": tie_order, "reason": tie_reason.strip()} if tie_order else None,
        "title": desk.lot.title,
    }


def canonical_scheme(evaluation: Any) -> dict[str, Any]:
    """Return the documents' scheme as plain data."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in dict(evaluation).items()}


def _settle(ranking: list[list[str]], tie_order: list[str], reason: str) -> list[str]:
    """Return one order; a tie that matters must be settled by the committee, naming its reason."""
    order: list[str] = []
    for group in ranking:
        if len(group) > 1 and len(order) < scoring.MAX_CANDIDATES:
            if not set(group) <= set(tie_order) or not reason.strip():
                raise GgzyError("evaluation.tie", Kind.CONFLICT, bids=", ".join(group))
            order += sorted(group, key=tie_order.index)
        else:
            order += group
    return order


def _candidate(rank: int, offer: Offer) -> dict[str, Any]:
    return {"bid": offer.bid, "bidder": offer.bidder, "name": offer.name, "price": str(offer.price), "rank": rank}


def _person(member: MemberRow, leader: UUID | None) -> dict[str, Any]:
    return {"id": str(member.id), "leader": member.id == leader, "name": member.name, "source": member.source}


def _told(offer: Offer, scores: dict[str, Any] | None, order: list[str]) -> dict[str, Any]:
    return {
        "bid": offer.bid,
        "bidder": offer.bidder,
        "name": offer.name,
        "not_opened": offer.refused,
        "price": None if offer.price is None else str(offer.price),
        "rank": order.index(offer.bid) + 1 if offer.bid in order else None,
        "scores": scores,
    }


def _rejection(bid: UUID, votes: Sequence[RejectionRow]) -> dict[str, Any]:
    return {
        "bid": str(bid),
        "votes": [
            {"ground": one.ground, "member": str(one.member_id), "reason": one.reason, "reject": one.reject}
            for one in votes
        ],
    }


def _opinion(member: MemberRow, given: OpinionRow) -> dict[str, Any]:
    counted = "dissent" if given.kind == "dissent" or (given.kind == "refusal" and given.reason) else "consent"
    return {
        "counts_as": counted,
        "device": None if given.device_key is None else given.device_key.hex(),
        "kind": given.kind,
        "member": str(member.id),
        "message": canonical.decode(given.message) if given.message else None,
        "name": member.name,
        "reason": given.reason,
    }


async def _keep(
    session: AsyncSession,
    actor: Actor,
    member: MemberRow,
    row: ReportRow,
    given: tuple[str, str, bytes, bytes | None],
    *,
    desk: Desk,
    entropy: Entropy,
) -> None:
    await _opine(session, row, member, given)
    told = {"kind": given[0], "member": str(member.id), "message": canonical.decode(given[2])}
    await trail.record(session, actor, "evaluation.signed", told, trade=desk.lot.tender_id, entropy=entropy)


async def _opine(
    session: AsyncSession, row: ReportRow, member: MemberRow, given: tuple[str, str, bytes, bytes | None]
) -> None:
    kind, reason, message, device = given
    kept = OpinionRow(
        report_id=row.id,
        member_id=member.id,
        kind=kind,
        reason=reason,
        message=message,
        device_key=device,
        at=await database.now(session),
    )
    try:
        async with session.begin_nested():
            session.add(kept)
    except IntegrityError as error:
        raise GgzyError("evaluation.signed", Kind.CONFLICT) from error


async def _live(session: AsyncSession, committee_id: UUID) -> ReportRow:
    query = select(ReportRow).where(ReportRow.committee_id == committee_id, ReportRow.void.is_(False))
    row = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if row is None:
        raise not_found("report")
    return row


async def _opinions(session: AsyncSession, report_id: UUID) -> list[OpinionRow]:
    query = select(OpinionRow).where(OpinionRow.report_id == report_id)
    return list((await session.scalars(query)).all())


async def _final(session: AsyncSession, lot_id: UUID) -> bytes:
    query = (
        select(ReportRow.report)
        .join(CommitteeRow, CommitteeRow.id == ReportRow.committee_id)
        .where(CommitteeRow.lot_id == lot_id, ReportRow.void.is_(False), ReportRow.report.is_not(None))
    )
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise not_found("report")
    return found


async def _view(session: AsyncSession, row: ReportRow) -> Report:
    answered = len(await _opinions(session, row.id))
    members = len(await committees.active(session, row.committee_id))
    return Report(row.id, row.result, row.digest, answered, members, row.report)
