"""Handing in and replacing bids: the deadline is decided here.

The order is that of 电子招标投标办法 第二十七条: everything is in the store first; then the lot is held; then the
database tells the time; what follows either happens as a whole before the deadline or not at all. If the time
authority does not answer, nothing is accepted: a bid without a receipt is worse than a bidder who tries again.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.timestamp import Authority
from bidding import manifest as manifests
from bidding import policy, segments, uploads
from bidding import receipt as receipts
from bidding.manifest import Expectations, Manifest
from bidding.receipt import Receipt
from bidding.tables import CONFIRMATION, LIVE, OPEN, REPLACED, USED, BidRow, PartRow, StatementRow, UploadRow
from kernel.actor import Actor, Role
from kernel.clock import isoformat
from kernel.database import lock, now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import EnvelopeKind, LotFacts

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Submission:
    """What finalises an upload: the manifest's canonical bytes and the 64-byte signature of the person's device."""

    upload_id: UUID
    manifest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands at the counter: the time authority, the log's origin, and randomness."""

    authority: Authority
    log: str
    entropy: Entropy


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid as its bidder sees it. `stands_until` is the newest deadline under which it was handed in or confirmed."""

    id: UUID
    lot_id: UUID
    bidder: str
    state: str
    received_at: datetime
    deadline: datetime
    stands_until: datetime
    receipt: Receipt


async def receive(session: AsyncSession, actor: Actor, lot_id: UUID, submission: Submission, *, desk: Desk) -> Bid:
    """Take a bid whose parts are all stored, or replace the one before it, and issue the receipt.

    Refusals: ``upload.closed``, ``bid.parts_missing``, ``bid.wrong_root``, ``bid.late``, ``bid.not_open``,
    ``lot.suspended``, ``bid.replaces_other``, ``device.not_enrolled`` and those of `manifest.parse` and
    `manifest.check`.
    """
    upload = await _whole_upload(session, actor, lot_id, submission.upload_id)
    manifest = manifests.parse(submission.manifest)
    _agree(upload, await uploads.parts(session, upload.id), manifest)
    lot = await hold(session, lot_id, upload.party)
    moment = await now(session)
    permit(policy.may_receive(actor, upload.party, lot, moment))
    _check(manifest, submission, lot, upload.party, actor)
    await _use(session, upload)
    previous = await _replace(session, lot_id, upload.party, manifest.previous)
    bid_id = new_id(desk.entropy)
    said = {"bid": str(bid_id), "bidder": upload.party, **_said(lot, manifest, submission, actor)}
    opening = await trail.record(
        session, actor, "bid.received", said, trade=lot.tender_id, entropy=desk.entropy, at=moment
    )
    issued = await receipts.issue(opening, log=desk.log, authority=desk.authority, at=moment)
    row = BidRow(
        id=bid_id,
        lot_id=lot_id,
        party=upload.party,
        user_id=actor.user_id,
        upload_id=upload.id,
        state=LIVE,
        manifest=submission.manifest,
        signature=submission.signature,
        deadline=lot.deadline,
        received_at=moment,
        receipt=issued.content,
        token=issued.token,
        digest=issued.digest,
        commitment=issued.commitment,
        replaces=None if previous is None else previous.id,
    )
    session.add(row)
    await session.flush()
    return view(row, row.deadline)


async def hold(session: AsyncSession, lot_id: UUID, bidder: str) -> LotFacts:
    """Hold the lot beside other bidders, and the bidder's own bids alone, until the transaction ends.

    Openings and whatever moves the deadline or the state take the lot for themselves, so the time read after this is
    the time that decides (docs/decisions/deadline.md); bidders do not wait for each other's receipts.
    """
    await lock(session, f"bids/{lot_id}/{bidder}")
    return await lots.share(session, lot_id)


async def refuse_late(
    session: AsyncSession,
    actor: Actor,
    lot_id: UUID,
    refusal: GgzyError,
    *,
    bidder: str,
    upload: UUID | None = None,
    entropy: Entropy,
) -> None:
    """Record that a bid came late, with the time of its arrival (实施条例 第三十六条); in a transaction of its own.

    `upload` is the session whose bid it was, or none if already the session was refused.
    """
    lot = await lots.facts(session, lot_id)
    said = {"lot": str(lot_id), "bidder": bidder, "upload": None if upload is None else str(upload), **refusal.params}
    await trail.record(session, actor, "bid.refused", said, trade=lot.tender_id, entropy=entropy)


async def find(session: AsyncSession, actor: Actor, bid_id: UUID) -> Bid:
    """Return a bid of the actor's own party; to everybody else it does not exist."""
    row = await session.get(BidRow, bid_id)
    if row is None:
        raise not_found("bid")
    permit(policy.may_bid(actor, row.party))
    return view(row, await confirmed(session, row))


async def list_own(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Bid]:
    """Return the bids of the actor's own parties on a lot, oldest first; an empty list to everybody else."""
    parties = actor.parties(Role.BIDDER)
    query = select(BidRow).where(BidRow.lot_id == lot_id, BidRow.party.in_(parties)).order_by(BidRow.received_at)
    return [view(row, await confirmed(session, row)) for row in (await session.execute(query)).scalars().all()]


async def standing(session: AsyncSession, lot: LotFacts, *, of: Collection[str] | None = None) -> list[BidRow]:
    """Return the live bids that stand under the lot's present deadline, in the order of their arrival.

    A bid from before the deadline moved stands only if its bidder confirmed it under the newest one. Called under the
    lot's lock by the opening; nobody else may count bids, but ask for those `of` some parties (统一社会信用代码).
    """
    query = select(BidRow).where(BidRow.lot_id == lot.id, BidRow.state == LIVE)
    if of is not None:
        query = query.where(BidRow.party.in_(of))
    rows = (await session.execute(query.order_by(BidRow.received_at, BidRow.id))).scalars().all()
    return [row for row in rows if lot.deadline in (row.deadline, await confirmed(session, row))]


async def confirmed(session: AsyncSession, row: BidRow) -> datetime:
    """Return the newest deadline under which a bid was handed in or confirmed."""
    query = (
        select(StatementRow.deadline)
        .where(StatementRow.bid_id == row.id, StatementRow.kind == CONFIRMATION)
        .order_by(StatementRow.made_at.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none() or row.deadline


async def _whole_upload(session: AsyncSession, actor: Actor, lot_id: UUID, upload_id: UUID) -> UploadRow:
    upload = await uploads.find(session, actor, upload_id)
    if upload.lot_id != lot_id:
        raise not_found("upload")
    if upload.state != OPEN:
        raise GgzyError("upload.closed", Kind.CONFLICT)
    missing = [
        f"{kind}/{number}"
        for kind, length in upload.bodies.items()
        for number in sorted(set(range(uploads.count(length))) - set(upload.present[kind]))
    ]
    if missing:
        raise GgzyError("bid.parts_missing", Kind.CONFLICT, count=len(missing), missing=", ".join(missing[:50]))
    return await session.get_one(UploadRow, upload_id)


def _agree(upload: UploadRow, stored: list[PartRow], manifest: Manifest) -> None:
    """Compare the manifest's bodies with what lies in the store; each root is computed from the parts' roots."""
    lengths = {str(kind): int(length) for kind, length in upload.bodies}
    if {envelope.kind.value: envelope.length for envelope in manifest.envelopes} != lengths:
        raise GgzyError("bid.wrong_length", Kind.INTEGRITY)
    for envelope in manifest.envelopes:
        sizes = [(part.root, part.length) for part in stored if part.kind == envelope.kind.value]
        if not hmac.compare_digest(segments.body_root(sizes), envelope.root):
            raise GgzyError("bid.wrong_root", Kind.INTEGRITY, envelope=envelope.kind.value)


def _check(manifest: Manifest, submission: Submission, lot: LotFacts, bidder: str, actor: Actor) -> None:
    """Check under the lock that the manifest is for this lot as it now is, and signed by the person's own device."""
    if actor.device_key is None:
        raise GgzyError("device.not_enrolled", Kind.FORBIDDEN)
    expected = Expectations(
        tender=lot.tender_id,
        lot=lot.id,
        bidder=bidder,
        deadline=_fixed(lot.deadline),
        policy=lot.opening_policy,
        kinds=tuple(EnvelopeKind(rule.kind) for rule in lot.envelopes),
        key=_fixed(lot.opening_key_hash),
        signer=actor.device_key,
    )
    manifests.check(manifest, submission.signature, expected)


async def _use(session: AsyncSession, upload: UploadRow) -> None:
    await session.refresh(upload, with_for_update=True)
    if upload.state != OPEN:
        raise GgzyError("upload.closed", Kind.CONFLICT)
    upload.state = USED


async def _replace(session: AsyncSession, lot_id: UUID, bidder: str, replaces: bytes | None) -> BidRow | None:
    """Mark the bidder's live bid as replaced; the manifest must name its receipt, and none if there is none."""
    query = select(BidRow).where(BidRow.lot_id == lot_id, BidRow.party == bidder, BidRow.state == LIVE)
    row = (await session.execute(query.with_for_update())).scalar_one_or_none()
    if (None if row is None else row.digest) != replaces:
        raise GgzyError("bid.replaces_other", Kind.CONFLICT, receipt="" if row is None else row.digest.hex())
    if row is not None:
        row.state = REPLACED
        await session.flush()
    return row


def _said(lot: LotFacts, manifest: Manifest, submission: Submission, actor: Actor) -> dict[str, object]:
    return {
        "deadline": isoformat(_fixed(lot.deadline)),
        "envelopes": [
            {"kind": envelope.kind.value, "length": envelope.length, "root": envelope.root.hex()}
            for envelope in manifest.envelopes
        ],
        "lot": str(lot.id),
        "manifest": hashlib.sha256(submission.manifest).hexdigest(),
        "replaces": None if manifest.previous is None else manifest.previous.hex(),
        "signer": (actor.device_key or b"").hex(),
    }


def _fixed(value: Value | None) -> Value:
    """Return what every lot that takes bids has; `policy.is_biddable` has refused the others."""
    if value is None:
        raise GgzyError("bid.not_open", Kind.CONFLICT, state="")
    return value


def view(row: BidRow, stands_until: datetime) -> Bid:
    """Return a bid's row as its bidder sees it."""
    issued = Receipt(row.receipt, row.token, row.digest, row.commitment)
    return Bid(row.id, row.lot_id, row.party, row.state, row.received_at, row.deadline, stands_until, issued)
