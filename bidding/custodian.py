"""What a custodian's device checks before it gives a share: the server's word counts for nothing here.

The numbers in comments are those of the recipe in docs/spec/opening.md, "What a device checks". Pure: the device passes
what it has pinned (the log's key, the time authority's chain), the key that it holds a share of, and what it remembers
of the lot.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from archive import proof as proofs
from archive import timestamp
from archive.event import Event, decode
from archive.note import Key
from bidding import manifest as manifests
from bidding import opening_request
from bidding.header import Header
from bidding.manifest import Envelope, Manifest
from bidding.opening_request import Entry, Request, SealedBid
from bidding.opening_shares import Question
from bidding.transcript import OpeningKey
from kernel.clock import isoformat
from kernel.clock import parse as parse_time
from kernel.errors import GgzyError, Kind

ANNOUNCED, MOVED, RECEIVED = "tender.announced", "deadline.moved", "bid.received"
TECHNICAL_FINISHED = "evaluation.technical_finished"


@dataclass(frozen=True, slots=True)
class Pins:
    """What the device trusts from elsewhere: the time authority's chain (PEM) and the log's key."""

    chain_pem: bytes
    log: Key


@dataclass(frozen=True, slots=True)
class Examined:
    """A request that passed: when it was stamped, the newest deadline, the bidders, and the question to answer."""

    lot: UUID
    tender: UUID
    stage: int
    stamped_at: datetime
    deadline: datetime
    bidders: tuple[str, ...]
    question: Question


@dataclass(frozen=True, slots=True)
class _Told:
    """What the trail says of a lot: its newest deadline, the kinds of this stage, the key, whether a sandbox is it."""

    deadline: datetime
    kinds: frozenset[str]
    key: str
    sandbox: bool


def examine(stamped: bytes, key: OpeningKey, pins: Pins, *, newest_seen: datetime | None) -> Examined:
    """Check a stamped request whole; `newest_seen` is the newest deadline that this device ever saw for the lot.

    Raises ``opening_request.malformed``, those of `archive.timestamp.check`, and ``custodian.other_key``,
    ``custodian.not_in_log``, ``custodian.wrong_entry``, ``custodian.not_announced``, ``custodian.deadline_not_newest``,
    ``custodian.deadline_went_back``, ``custodian.too_early``, ``custodian.stage_not_reached``, ``custodian.other_bid``,
    ``custodian.two_bids``, ``custodian.nothing_to_open``.
    """
    # 1. Form.
    content, token = opening_request.unstamp(stamped)
    request, digest = opening_request.parse(content), opening_request.digest(content)
    # 2. The key is one of which this device holds a share.
    if (request.key, request.transcript, request.key_index) != (key.key_hash.hex(), key.transcript.hex(), key.index):
        raise _refused("other_key")
    # 3. What the trail says of the lot; the request names the newest deadline, and none newer was ever seen.
    told = _told(request, pins)
    _check_deadline(request, told, newest_seen)
    # 4. A trusted time, not before the deadline.
    stamped_at = timestamp.check(token, digest, pins.chain_pem, sandbox=told.sandbox)
    if stamped_at < told.deadline:
        raise _refused("too_early", at=isoformat(stamped_at), deadline=isoformat(told.deadline))
    # 5. A later stage was reached.
    if request.stage > 1:
        _check_reached(request, pins)
    # 6. Every bid is in the log, for this lot and key, and none stands beside another of its bidder.
    received = _check_bids(request, told, pins)
    # 7. What was announced for this stage is what is opened.
    envelopes = tuple(e for manifest in received for e in manifest.envelopes if e.kind.value in told.kinds)
    if not envelopes:
        raise _refused("nothing_to_open")
    place, bidders = (UUID(request.lot), UUID(request.tender)), tuple(manifest.bidder for manifest in received)
    return Examined(*place, request.stage, stamped_at, told.deadline, bidders, Question(digest, key, envelopes))


def _told(request: Request, pins: Pins) -> _Told:
    """Return what the announcement and the moves of the deadline say, in the order of the log."""
    events = [_event(request, entry, (ANNOUNCED, MOVED), pins) for entry in request.deadlines]
    if events[0].kind != ANNOUNCED or any(event.kind != MOVED for event in events[1:]):
        raise _refused("not_announced")
    try:
        terms = next(terms for terms in events[0].data["terms"] if terms["lot"] == request.lot)
        moved = [event.data["new"] for event in events[1:] if event.data["lot"] == request.lot]
        deadlines = [parse_time(text) for text in (terms["deadline"], *moved)]
        kinds = frozenset(str(rule["kind"]) for rule in terms["envelopes"] if rule["stage"] == request.stage)
        return _Told(max(deadlines), kinds, str(terms["key"]), events[0].sandbox)
    except (StopIteration, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _refused("not_announced") from error


def _check_deadline(request: Request, told: _Told, newest_seen: datetime | None) -> None:
    if told.key != request.key:
        raise _refused("other_key")
    if request.closes_at != told.deadline:
        raise _refused("deadline_not_newest", deadline=isoformat(told.deadline))
    if newest_seen is not None and told.deadline < newest_seen:
        raise _refused("deadline_went_back", deadline=isoformat(newest_seen))


def _check_reached(request: Request, pins: Pins) -> None:
    events = [_event(request, entry, (TECHNICAL_FINISHED,), pins) for entry in request.reached]
    if not any(event.data.get("lot") == request.lot for event in events):
        raise _refused("stage_not_reached", stage=request.stage)


def _check_bids(request: Request, told: _Told, pins: Pins) -> list[Manifest]:
    received = [_check_bid(request, bid, told, pins) for bid in request.bids]
    if len({manifest.bidder for manifest in received}) != len(received):
        raise _refused("two_bids")
    return received


def _check_bid(request: Request, bid: SealedBid, told: _Told, pins: Pins) -> Manifest:
    event = _event(request, bid.entry, (RECEIVED,), pins)
    manifest = opening_request.parse_manifest(bid)
    manifests.verify_signature(manifest, bytes.fromhex(bid.signature))
    expected = {
        "lot": request.lot,
        "bidder": manifest.bidder,
        "manifest": hashlib.sha256(bid.content).hexdigest(),
        "signer": manifest.signer.hex(),
    }
    if any(event.data.get(name) != value for name, value in expected.items()) or event.at >= told.deadline:
        raise _refused("other_bid", bidder=manifest.bidder)
    places: list[Manifest | Header] = [manifest, *(envelope.header for envelope in manifest.envelopes)]
    for place in places:
        if (str(place.lot), str(place.tender), place.bidder) != (request.lot, request.tender, manifest.bidder):
            raise _refused("other_bid", bidder=manifest.bidder)
        if place.deadline > told.deadline:  # its bidder asked that it stay shut until then
            raise _refused("other_bid", bidder=manifest.bidder)
    if not _sealed_to(manifest.envelopes, request.key):
        raise _refused("other_bid", bidder=manifest.bidder)
    return manifest


def _sealed_to(envelopes: Sequence[Envelope], key: str) -> bool:
    return all(envelope.header.key.hex() == key for envelope in envelopes)


def _event(request: Request, entry: Entry, kinds: tuple[str, ...], pins: Pins) -> Event:
    """Return the event of an entry that the pinned log holds, of one of these kinds, about this tender."""
    opening = entry.opening
    try:
        proofs.verify_proof(entry.proof, opening.commitment, pins.log)
        event = decode(opening.event)
    except GgzyError as error:
        raise _refused("not_in_log", reason=error.code) from error
    if event.kind not in kinds or str(event.trade) != request.tender:
        raise _refused("wrong_entry", event=event.kind)
    return event


def _refused(code: str, **params: Any) -> GgzyError:
    return GgzyError(f"custodian.{code}", Kind.FORBIDDEN, **params)
