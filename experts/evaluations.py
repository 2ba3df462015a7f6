"""Evaluation: signed score sheets, votes on rejection, technical scores before prices where the documents say so.

Every number that a member gives is signed by their device and stays; what a replaced member gave is void (条例 48).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from experts import committees, composition, offers, policy, scoring
from experts.scoring import SHEET, VOTE, Offer, Scheme, Sheet, Vote
from experts.tables import CommitteeRow, DraftRow, MemberRow, RejectionRow, SheetRow
from kernel import canonical, database
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import LotFacts


@dataclass(frozen=True, slots=True)
class Desk:
    """A declared member at work: committee, membership, lot, the way of scoring."""

    committee: CommitteeRow
    member: MemberRow
    lot: LotFacts
    scheme: Scheme
    device: bytes


@dataclass(frozen=True, slots=True)
class Papers:
    """What a member sees: the criteria, the opened offers, and which of them they have scored."""

    scheme: Scheme
    offers: tuple[Offer, ...]
    scored: tuple[UUID, ...]
    rejected: tuple[UUID, ...]


async def begin(session: AsyncSession, actor: Actor, lot_id: UUID, *, entropy: Entropy) -> LotFacts:
    """Begin the evaluation once the committee is whole, declared and led; by one of its members.

    Raises ``committee.undeclared``, ``committee.not_declared``, ``committee.no_leader``, ``evaluation.bad_scheme`` and
    those of the lifecycle.
    """
    row, member, lot = await committees.membership(session, actor, lot_id)
    if member.declared_at is None:
        raise GgzyError("committee.not_declared", Kind.FORBIDDEN)
    members = await committees.active(session, row.id)
    drawn = sum(one.source != "representative" for one in members)
    permit(composition.refuse(drawn, len(members) - drawn, lots.rules(lot, await database.now(session))))
    if waiting := sum(one.declared_at is None for one in members):
        raise GgzyError("committee.undeclared", Kind.CONFLICT, members=waiting)
    if committees.leader_of(members) is None:
        raise GgzyError("committee.no_leader", Kind.CONFLICT)
    scoring.scheme(lot.evaluation)
    return await lots.move(session, actor, lot_id, "begin_evaluation", entropy=entropy)


async def papers(session: AsyncSession, actor: Actor, lot_id: UUID) -> Papers:
    """Return what a declared member works on; the bids' files are read through bidding."""
    desk = await seat(session, actor, lot_id, lock=False)
    query = select(SheetRow.bid_id).where(SheetRow.member_id == desk.member.id, SheetRow.void.is_(False))
    found = await offers.of_lot(session, desk.lot)
    rejected = await rejections(session, desk.committee.id, len(await committees.active(session, desk.committee.id)))
    return Papers(desk.scheme, tuple(found), tuple((await session.scalars(query)).all()), tuple(rejected))


async def score(session: AsyncSession, actor: Actor, lot_id: UUID, message: bytes, *, entropy: Entropy) -> UUID:
    """Take a member's signed sheet for one bid and return its id.

    Raises ``evaluation.bad_message``, ``evaluation.bad_score``, ``evaluation.scored``,
    ``evaluation.technical_finished``.
    """
    desk = await seat(session, actor, lot_id)
    sheet: Sheet = scoring.read(message, SHEET, Sheet, desk.device)
    bid_id = await _same(session, desk, sheet)
    scoring.check_sheet(sheet, desk.scheme)
    finished = desk.committee.technical_finished_at
    if finished is not None and desk.member.joined_at < finished:
        raise GgzyError("evaluation.technical_finished", Kind.CONFLICT)
    row = SheetRow(
        id=new_id(entropy),
        committee_id=desk.committee.id,
        member_id=desk.member.id,
        bid_id=bid_id,
        message=message,
        device_key=desk.device,
        void=False,
        at=await database.now(session),
    )
    await _keep(session, row, "evaluation.scored")
    await session.execute(delete(DraftRow).where(DraftRow.member_id == desk.member.id, DraftRow.bid_id == bid_id))
    await _record(session, actor, desk, "evaluation.scored", row.id, message=message, entropy=entropy)
    return row.id


async def vote(session: AsyncSession, actor: Actor, lot_id: UUID, message: bytes, *, entropy: Entropy) -> UUID:
    """Take a member's signed vote on rejecting a bid (条例 51) and return its id.

    Raises ``evaluation.bad_message``, ``evaluation.bad_ground``, ``evaluation.voted``.
    """
    desk = await seat(session, actor, lot_id)
    said: Vote = scoring.read(message, VOTE, Vote, desk.device)
    bid_id = await _same(session, desk, said)
    scoring.check_vote(said)
    row = RejectionRow(
        id=new_id(entropy),
        committee_id=desk.committee.id,
        member_id=desk.member.id,
        bid_id=bid_id,
        reject=said.reject,
        ground=said.ground,
        reason=said.reason,
        message=message,
        device_key=desk.device,
        void=False,
        at=await database.now(session),
    )
    await _keep(session, row, "evaluation.voted")
    await _record(session, actor, desk, "evaluation.voted", row.id, message=message, entropy=entropy)
    return row.id


async def finish_technical(session: AsyncSession, actor: Actor, lot_id: UUID, *, entropy: Entropy) -> None:
    """Close the scores given by hand; only now may envelopes of stage 2 be opened.

    Raises ``evaluation.technical_finished``, ``evaluation.sheets_missing`` unless every member has scored every bid
    that is not rejected.
    """
    desk = await seat(session, actor, lot_id)
    if desk.committee.technical_finished_at is not None:
        raise GgzyError("evaluation.technical_finished", Kind.CONFLICT)
    await require_sheets(session, desk.committee.id, await offers.of_lot(session, desk.lot))
    now = await database.now(session)
    desk.committee.technical_finished_at = now
    await session.flush()
    told = {
        "committee": str(desk.committee.id),
        "lot": str(lot_id),
        "sheets": sheets_digest(await sheets(session, desk.committee.id)).hex(),
    }
    kind = "evaluation.technical_finished"
    await trail.record(session, actor, kind, told, trade=desk.lot.tender_id, entropy=entropy, at=now)


async def own_sheets(session: AsyncSession, actor: Actor, lot_id: UUID) -> dict[UUID, Sheet]:
    """Return the sheets that a declared member has handed in, by bid; nobody else's are shown before the close."""
    desk = await seat(session, actor, lot_id, lock=False)
    query = select(SheetRow).where(SheetRow.member_id == desk.member.id, SheetRow.void.is_(False))
    rows = (await session.scalars(query)).all()
    return {row.bid_id: scoring.read(row.message, SHEET, Sheet, row.device_key) for row in rows}


async def seat(session: AsyncSession, actor: Actor, lot_id: UUID, *, lock: bool = True) -> Desk:
    """Return a declared member's desk; raises what `policy.may_judge` says. `lock`: see `committees.membership`."""
    row, member, lot = await committees.membership(session, actor, lot_id, lock=lock)
    permit(policy.may_judge(actor, lot, is_member=True, declared=member.declared_at is not None))
    return Desk(row, member, lot, scoring.scheme(lot.evaluation), actor.device_key or b"")


async def sheets(session: AsyncSession, committee_id: UUID) -> list[SheetRow]:
    """Return the valid sheets by bid and member."""
    query = (
        select(SheetRow)
        .where(SheetRow.committee_id == committee_id, SheetRow.void.is_(False))
        .order_by(SheetRow.bid_id, SheetRow.member_id)
    )
    return list((await session.scalars(query)).all())


async def votes(session: AsyncSession, committee_id: UUID) -> list[RejectionRow]:
    """Return the valid votes on rejection by bid and member."""
    query = (
        select(RejectionRow)
        .where(RejectionRow.committee_id == committee_id, RejectionRow.void.is_(False))
        .order_by(RejectionRow.bid_id, RejectionRow.member_id)
    )
    return list((await session.scalars(query)).all())


async def rejections(session: AsyncSession, committee_id: UUID, members: int) -> dict[UUID, list[RejectionRow]]:
    """Return the votes of the bids that more than half of the members reject."""
    by_bid: dict[UUID, list[RejectionRow]] = {}
    for row in await votes(session, committee_id):
        by_bid.setdefault(row.bid_id, []).append(row)
    return {bid: rows for bid, rows in by_bid.items() if 2 * sum(row.reject for row in rows) > members}


async def require_sheets(session: AsyncSession, committee_id: UUID, found: Sequence[Offer]) -> None:
    """Raise ``evaluation.sheets_missing`` with the count unless all members have scored all bids still in."""
    members = {one.id for one in await committees.active(session, committee_id)}
    rejected = await rejections(session, committee_id, len(members))
    wanted = {UUID(o.bid) for o in found if o.refused is None} - set(rejected)
    given = {(one.member_id, one.bid_id) for one in await sheets(session, committee_id)}
    missing = {(member, bid) for member in members for bid in wanted} - given
    if missing:
        raise GgzyError("evaluation.sheets_missing", Kind.CONFLICT, missing=len(missing))


def sheets_digest(rows: Sequence[SheetRow]) -> bytes:
    """Return SHA-256 over the SHA-256 of each sheet's message, in the order of `sheets`."""
    return hashlib.sha256(b"".join(hashlib.sha256(row.message).digest() for row in rows)).digest()


async def _same(session: AsyncSession, desk: Desk, said: Sheet | Vote) -> UUID:
    if said.committee != str(desk.committee.id):
        raise GgzyError("evaluation.other_committee", Kind.INVALID)
    bid_id = UUID(said.bid)
    if bid_id not in offers.ids(await offers.of_lot(session, desk.lot)):
        raise not_found("bid")
    return bid_id


async def _keep(session: AsyncSession, row: SheetRow | RejectionRow, code: str) -> None:
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise GgzyError(code, Kind.CONFLICT) from error


async def _record(
    session: AsyncSession, actor: Actor, desk: Desk, kind: str, row_id: UUID, *, message: bytes, entropy: Entropy
) -> None:
    told: dict[str, Any] = {
        "committee": str(desk.committee.id),
        "device": desk.device.hex(),
        "id": str(row_id),
        "message": canonical.decode(message),
    }
    await trail.record(session, actor, kind, told, trade=desk.lot.tender_id, entropy=entropy)
