"""What the server asks the custodians: which envelopes of a lot to help open, with everything to check it by.

``ggzy/opening-request/v1`` is canonical JSON; with it comes an RFC 3161 token over its SHA-256, which shows that the
request was made after the deadline. Every claim in it is the opening of a log entry with its inclusion proof.
Specification: docs/spec/opening.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from archive.event import Opening, commit
from bidding import manifest as manifests
from bidding.manifest import Envelope, Manifest
from bidding.transcript import OpeningKey
from bidding.wire import Hash, Identifier, Moment, Pair, read
from kernel import canonical
from kernel.clock import isoformat
from kernel.clock import parse as parse_time
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/opening-request/v1"
STAMPED = "ggzy/stamped-request/v1"
MAX_BYTES = 64 << 20
MAX_BIDS = 4096
MAX_TOKEN = 64 << 10

_Proof = Annotated[str, msgspec.Meta(min_length=1, max_length=32768)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The opening of a log entry and its C2SP tlog-proof."""

    event: dict[str, Any]
    salt: Hash
    proof: _Proof

    @property
    def opening(self) -> Opening:
        """The event's canonical bytes, the salt, and the commitment that they open."""
        event, salt = canonical.encode(self.event), bytes.fromhex(self.salt)
        return Opening(event, salt, commit(event, salt))


class SealedBid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bid to open: its manifest, the bidder's signature, and its ``bid.received`` entry."""

    manifest: dict[str, Any]
    signature: Pair
    entry: Entry

    @property
    def content(self) -> bytes:
        """The manifest's canonical bytes."""
        return canonical.encode(self.manifest)


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request, for one lot and stage.

    `key` names the opening key, which is number `key_index` of the batch in `transcript`. `deadlines` are the entries
    that tell the lot's rules and deadlines, oldest first; `reached` those that show that a later stage was reached.
    """

    format: str
    tender: Identifier
    lot: Identifier
    stage: Annotated[int, msgspec.Meta(ge=1, le=2)]
    deadline: Moment
    key: Hash
    transcript: Hash
    key_index: Annotated[int, msgspec.Meta(ge=0)]
    deadlines: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1, max_length=64)]
    reached: Annotated[tuple[Entry, ...], msgspec.Meta(max_length=8)]
    bids: Annotated[tuple[SealedBid, ...], msgspec.Meta(min_length=1, max_length=MAX_BIDS)]

    @property
    def closes_at(self) -> datetime:
        """The newest deadline that the request knows."""
        return parse_time(self.deadline)


class _Stamped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    request: dict[str, Any]
    token: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+\Z", max_length=2 * MAX_TOKEN)]


@dataclass(frozen=True, slots=True)
class Place:
    """Which lot and stage is opened, and the newest deadline."""

    tender: UUID
    lot: UUID
    stage: int
    deadline: datetime


def entry(opening: Opening, proof: str) -> Entry:
    """Return a log entry's opening and tlog-proof as they stand in a request."""
    return Entry(canonical.decode(opening.event), opening.salt.hex(), proof)


def sealed_bid(manifest: bytes, signature: bytes, received: Entry) -> SealedBid:
    """Return a bid as it stands in a request."""
    return SealedBid(canonical.decode(manifest), signature.hex(), received)


def compose(
    place: Place,
    key: OpeningKey,
    *,
    deadlines: Sequence[Entry],
    reached: Sequence[Entry],
    bids: Sequence[SealedBid],
) -> bytes:
    """Return the canonical bytes of a request; the caller has SHA-256 of them stamped."""
    request = Request(
        format=FORMAT,
        tender=str(place.tender),
        lot=str(place.lot),
        stage=place.stage,
        deadline=isoformat(place.deadline),
        key=key.key_hash.hex(),
        transcript=key.transcript.hex(),
        key_index=key.index,
        deadlines=tuple(deadlines),
        reached=tuple(reached),
        bids=tuple(bids),
    )
    return canonical.encode(msgspec.to_builtins(request))


def parse(data: bytes) -> Request:
    """Parse a request strictly; GgzyError ``opening_request.malformed``. Nothing in it is believed yet."""
    try:
        if len(data) > MAX_BYTES:
            raise _malformed()
        request = read(data, Request, FORMAT)
        parse_time(request.deadline)
    except (GgzyError, ValueError) as error:
        raise _malformed() from error
    return request


def digest(data: bytes) -> bytes:
    """Return SHA-256 of a request's bytes: what the token stamps and what the answers name."""
    return hashlib.sha256(data).digest()


def stamp(request: bytes, token: bytes) -> bytes:
    """Return the file that goes to the custodians: the request and the DER token over its digest."""
    return canonical.encode({"format": STAMPED, "request": canonical.decode(request), "token": token.hex()})


def unstamp(data: bytes) -> tuple[bytes, bytes]:
    """Return request and token, unchecked; GgzyError ``opening_request.malformed``."""
    try:
        if len(data) > MAX_BYTES + 2 * MAX_TOKEN + 1024:
            raise _malformed()
        stamped = read(data, _Stamped, STAMPED)
    except GgzyError as error:
        raise _malformed() from error
    return canonical.encode(stamped.request), bytes.fromhex(stamped.token)


def envelopes(request: Request, kinds: frozenset[str]) -> tuple[Envelope, ...]:
    """Return the envelopes of these kinds in the order of the request, which is the order of the answers.

    Raises what `bidding.manifest.parse` does.
    """
    return tuple(found for bid in request.bids for found in parse_manifest(bid).envelopes if found.kind.value in kinds)


def parse_manifest(bid: SealedBid) -> Manifest:
    """Return the manifest of a bid; raises what `bidding.manifest.parse` does."""
    return manifests.parse(bid.content)


def _malformed() -> GgzyError:
    return GgzyError("opening_request.malformed", Kind.INTEGRITY)
