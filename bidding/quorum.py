"""The custodians' part of an opening: what the server asks them, with proofs and a fresh token, and what they answer.

Formats and the device's own checks are in docs/spec/opening.md. Every share is checked here against the custodian's
logged verification share before it is kept; a bad one names its custodian and keeps nothing.
"""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.event import decode
from archive.timestamp import Authority
from archive.timestamp.token import TOLERANCE
from archive.trail import Entry
from bidding import ceremony, custodian, opening_request, opening_shares, openings, policy, standing
from bidding import manifest as manifests
from bidding.manifest import Envelope
from bidding.opening_request import Place
from bidding.opening_shares import Question
from bidding.openings import Progress
from bidding.tables import BEGAN, BidRow, OpeningRow
from bidding.verdict import Shares
from kernel import canonical
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import now
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots
from trading.lot import ENDED, UNANNOUNCED, LotFacts


async def request(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, *, authority: Authority) -> bytes:
    """Return the stamped request of an opening that has begun; it is made once, and then always the same.

    Raises ``trail.not_sequenced`` until the log has every bid's entry, ``opening.stage_not_reached``.
    """
    lot, row = await _taking_part(session, actor, lot_id, stage)
    if row.request is None or row.request_token is None:
        await session.refresh(row, with_for_update=True)
    if row.request is None or row.request_token is None:
        content = await _compose(session, lot, row)
        await _wait_out(session, lot)
        token = await authority.stamp(opening_request.digest(content), at=await now(session))
        row.request, row.request_token = content, token
        await session.flush()
    return opening_request.stamp(row.request, row.request_token)


async def take(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, answer: bytes) -> Progress:
    """Check and keep a custodian's answer; given again, it changes nothing.

    Raises ``shares.too_early``, ``shares.not_asked``, ``opening.paused``, ``lot.ended`` and those of
    `opening_shares.check`, which name the custodian.
    """
    lot, row = await _taking_part(session, actor, lot_id, stage)
    if row.request is None:
        raise GgzyError("shares.not_asked", Kind.CONFLICT)
    if row.state == BEGAN and lot.state in ENDED:
        raise GgzyError("lot.ended", Kind.CONFLICT, state=str(lot.state), step="open")
    if await standing.paused(session, row.id):
        raise GgzyError("opening.paused", Kind.CONFLICT)
    if row.state == BEGAN:
        key = await ceremony.of_lot(session, lot_id)
        envelopes = [envelope for envelope, _ in await _envelopes(session, row)]
        question = Question(opening_request.digest(row.request), key, envelopes)
        checked = await asyncio.to_thread(opening_shares.check, answer, question)
        await openings.keep_shares(session, actor, row, checked.custodian, answer)
    return await openings.progress(session, row, lot)


async def shares(session: AsyncSession, opening: OpeningRow) -> Shares | None:
    """Return the kept shares by position in the list; None while too few have answered, and while it is held up."""
    if await standing.held_up(session, opening):
        return None
    key = await ceremony.of_lot(session, opening.lot_id)
    given = await openings.answers(session, opening.id)
    if len(given) < key.threshold:
        return None
    images = {number: _images(answer) for number, answer in given.items()}
    by_position = []
    for envelope, _ in await _envelopes(session, opening):
        header = envelope.header.hash().hex()
        by_position.append({number: found[header] for number, found in images.items() if header in found})
    return Shares(opening.id, opening.stage, key.threshold, len(given) == len(key.custodians), by_position)


async def _wait_out(session: AsyncSession, lot: LotFacts) -> None:
    """Wait until no authority can be before the deadline: devices refuse such a token, and it is kept for good."""
    if lot.deadline is not None:
        await asyncio.sleep(max(0.0, (lot.deadline + TOLERANCE - await now(session)).total_seconds()))


async def _taking_part(session: AsyncSession, actor: Actor, lot_id: UUID, stage: int) -> tuple[LotFacts, OpeningRow]:
    lot = await lots.facts(session, lot_id)
    row = await openings.of_lot(session, lot_id, stage)
    if row is None:
        if lot.state in UNANNOUNCED or lot.deadline is None or actor.device_key is None:
            raise not_found("opening")
        if await now(session) < lot.deadline:
            raise GgzyError("shares.too_early", Kind.CONFLICT, deadline=isoformat(lot.deadline))
        raise not_found("opening")
    permit(policy.may_take_part(actor, lot, (await ceremony.of_lot(session, lot_id)).devices))
    return lot, row


async def _compose(session: AsyncSession, lot: LotFacts, row: OpeningRow) -> bytes:
    """Gather bids, deadlines and what was reached, each with its proof under one checkpoint."""
    bids = list({bid.id: bid for _, bid in await openings.entries(session, row.id)}.values())
    wanted = {bid.commitment for bid in bids}
    received: dict[bytes, Entry] = {}
    deadlines: list[Entry] = []
    async for entry in trail.openings(session, lot.tender_id):
        if entry.opening.commitment in wanted:
            received[entry.opening.commitment] = entry
        elif _is(entry, custodian.ANNOUNCED, None) or _is(entry, custodian.MOVED, str(lot.id)):
            deadlines.append(entry)
    if len(received) < len(wanted):
        raise GgzyError("trail.not_sequenced", Kind.CONFLICT)
    later = await openings.technically_scored(session, lot) if row.stage > 1 else []
    listed = [*deadlines, *later, *(received[bid.commitment] for bid in bids)]
    proofs = await trail.prove(session, [entry.index for entry in listed])
    entries = [opening_request.entry(e.opening, proof) for e, proof in zip(listed, proofs, strict=True)]
    told, others = entries[: len(deadlines)], entries[len(deadlines) :]
    sealed = [
        opening_request.sealed_bid(bid.manifest, bid.signature, entry)
        for bid, entry in zip(bids, others[len(later) :], strict=True)
    ]
    if lot.deadline is None:
        raise not_found("opening")
    return opening_request.compose(
        Place(lot.tender_id, lot.id, row.stage, lot.deadline),
        await ceremony.of_lot(session, lot.id),
        deadlines=told,
        reached=others[: len(later)],
        bids=sealed,
    )


async def _envelopes(session: AsyncSession, row: OpeningRow) -> list[tuple[Envelope, BidRow]]:
    """Return the envelopes of an opening in the order of its list."""
    found: list[tuple[Envelope, BidRow]] = []
    parsed: dict[UUID, Mapping[str, Envelope]] = {}
    for entry, bid in await openings.entries(session, row.id):
        if bid.id not in parsed:
            parsed[bid.id] = {e.kind.value: e for e in manifests.parse(bid.manifest).envelopes}
        found.append((parsed[bid.id][entry.kind], bid))
    return found


def _images(answer: bytes) -> dict[str, bytes]:
    """Return D by header hash (hex) of an answer that was checked when it was kept."""
    given = canonical.decode(answer)["shares"]
    return {share["header"]: bytes.fromhex(share["image"]) for share in given if share["image"] is not None}


def _is(entry: Entry, kind: str, lot: str | None) -> bool:
    event = decode(entry.opening.event)
    return event.kind == kind and (lot is None or event.data.get("lot") == lot)
