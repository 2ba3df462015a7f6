"""A docket for opening tests: a log, a time authority, bids sealed to a key that custodians made, and the request."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from archive import checkpoint, event, merkle, proof
from archive.checkpoint import Checkpoint
from archive.event import Opening
from archive.note import Signer, new_signer
from archive.proof import Proof
from archive.timestamp import LocalAuthority, new_authority_keys
from bidding import encapsulation, manifest, opening_request
from bidding.custodian import Pins
from bidding.encapsulation import Preamble
from bidding.header import Header, Suite
from bidding.manifest import Envelope, Manifest
from bidding.opening_request import Entry, Place
from bidding.stream import sealed_length
from bidding.transcript import OpeningKey
from kernel import canonical
from kernel.actor import SYSTEM
from kernel.clock import FixedClock, isoformat
from kernel.entropy import SeededEntropy
from tests.bidding.table import Made, make
from trading.lot import EnvelopeKind, OpeningPolicy

TENDER = UUID("11111111-1111-4111-8111-111111111111")
LOT = UUID("22222222-2222-4222-8222-222222222222")
DEADLINE = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
USCCS = ("91152502MA0N7E8T0X", "91152502MA0N7E8U0K", "91152502MA0N7E8W09", "91152502MA0N7E8X04")
ENTROPY = SeededEntropy(b"docket")


def authority(at: datetime) -> LocalAuthority:
    """Return the one authority of these tests with its clock standing at this moment."""
    return LocalAuthority.load(_keys(), clock=FixedClock(at), entropy=ENTROPY)


_FOLDER = TemporaryDirectory(prefix="ggzy-docket-")


def _keys() -> Path:
    folder = Path(_FOLDER.name)
    if not (folder / "chain.pem").exists():
        early = FixedClock(DEADLINE - timedelta(days=60))
        new_authority_keys(folder, clock=early, entropy=ENTROPY, sandbox=True)
    return folder


@dataclass
class Docket:
    """A lot with its log. Change what a test needs, then ask for the `request`."""

    made: Made = field(default_factory=lambda: make(count=2))
    deadline: datetime = DEADLINE
    stage: int = 1
    sandbox: bool = True
    openings: list[Opening] = field(default_factory=list)
    deadlines: list[int] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    bids: list[tuple[Manifest, bytes, int]] = field(default_factory=list)
    signer: Signer = field(default_factory=lambda: new_signer("ggzy.test/log", SeededEntropy(b"log"))[0])

    @property
    def key(self) -> OpeningKey:
        """The lot's key: the second of the batch."""
        return self.made.transcript.keys[1]

    @cached_property
    def pins(self) -> Pins:
        """What the device has pinned."""
        return Pins(authority(DEADLINE).chain_pem, self.signer.key)

    def log(self, kind: str, data: dict[str, Any], *, at: datetime, trade: UUID = TENDER) -> int:
        """Write an event down and return its index."""
        opened = event.seal(SYSTEM, kind, data, trade=trade, at=at, sandbox=self.sandbox, entropy=ENTROPY)
        self.openings.append(opened)
        return len(self.openings) - 1

    def announce(self, **changed: Any) -> None:
        """Log the announcement of the lot."""
        rules = [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 2}]
        terms = {
            "lot": str(LOT),
            "deadline": isoformat(DEADLINE),
            "envelopes": rules,
            "key": self.key.key_hash.hex(),
            **changed,
        }
        at = DEADLINE - timedelta(days=30)
        self.deadlines.append(self.log("tender.announced", {"terms": [terms]}, at=at))

    def move(self, deadline: datetime) -> None:
        """Log that the deadline was moved."""
        said = {"lot": str(LOT), "old": isoformat(self.deadline), "new": isoformat(deadline)}
        self.deadlines.append(self.log("deadline.moved", said, at=DEADLINE - timedelta(days=2)))
        self.deadline = deadline

    def receive(self, number: int, *, at: datetime | None = None, **changed: Any) -> Manifest:
        """Log a bid of one bidder; `changed` are fields of its headers and manifest."""
        bid, device = sealed(self.key, number, **changed), bidder_device(number)
        said = {
            "bid": str(UUID(int=number + 1)),
            "bidder": bid.bidder,
            "lot": str(LOT),
            "manifest": bid.digest().hex(),
            "signer": bytes(device.verify_key).hex(),
        }
        index = self.log("bid.received", said, at=at or DEADLINE - timedelta(days=1))
        self.bids.append((bid, manifest.sign(bid, device), index))
        return bid

    def entry(self, index: int) -> Entry:
        """Return an opening with its proof under the checkpoint of the whole log."""
        leaves = [merkle.leaf_hash(one.commitment) for one in self.openings]
        spans = merkle.inclusion_spans(index, len(leaves))
        path = tuple(merkle.prove(spans, merkle.lookup_in(leaves)))
        note = checkpoint.sign(Checkpoint(self.signer.name, len(leaves), merkle.root(leaves)), self.signer)
        return opening_request.entry(self.openings[index], proof.encode(Proof(index, path, note)))

    def request(self) -> bytes:
        """Return the request as the server composes it."""
        return opening_request.compose(
            Place(TENDER, LOT, self.stage, self.deadline),
            self.key,
            deadlines=[self.entry(index) for index in self.deadlines],
            reached=[self.entry(index) for index in self.reached],
            bids=[opening_request.sealed_bid(bid.encode(), signed, self.entry(i)) for bid, signed, i in self.bids],
        )

    def stamped(self, at: datetime | None = None, request: bytes | None = None) -> bytes:
        """Return the request with a token of this moment, a second after the deadline if none is told."""
        content = request or self.request()
        moment = at or self.deadline + timedelta(seconds=1)
        token = asyncio.run(authority(moment).stamp(opening_request.digest(content), at=moment))
        return opening_request.stamp(content, token)

    def changed(self, **fields: Any) -> bytes:
        """Return the request with top fields replaced, stamped anew."""
        return self.stamped(request=canonical.encode({**json.loads(self.request()), **fields}))


def docket(bids: int = 3, *, sandbox: bool = True) -> Docket:
    """Return a lot announced with some bids received; the time authority is always a sandbox's."""
    made = Docket(sandbox=sandbox)
    made.announce()
    for number in range(bids):
        made.receive(number)
    return made


def bidder_device(number: int) -> SigningKey:
    """Return the device of a bidder."""
    return SigningKey(bytes([number + 1]) * 32)


def sealed(key: OpeningKey, number: int, **changed: Any) -> Manifest:
    """Return a signed-for manifest of a technical and a price envelope whose bodies are of no interest here."""
    place = {"tender": TENDER, "lot": LOT, "bidder": USCCS[number], "deadline": DEADLINE}
    place |= {name: value for name, value in changed.items() if name in place}
    hashed = changed.get("hashed", key.key_hash)
    envelopes = tuple(_envelope(key, kind, place, hashed) for kind in (EnvelopeKind.TECHNICAL, EnvelopeKind.PRICE))
    told = {"previous": None, "signer": bytes(bidder_device(number).verify_key), "envelopes": envelopes}
    return Manifest(**place, **told)


def _envelope(key: OpeningKey, kind: EnvelopeKind, place: dict[str, Any], hashed: bytes) -> Envelope:
    fresh = encapsulation.encapsulate(key.public_key, ENTROPY)
    header = Header(
        suite=Suite.AES_256_GCM,
        policy=OpeningPolicy.QUORUM,
        kind=kind,
        key=hashed,
        point=fresh.point,
        padded_length=65536,
        **place,
    )
    _, preamble = encapsulation.bind(header, fresh, None, ENTROPY)
    return Envelope(header, preamble, sealed_length(65536), b"\0" * 32)


def spoiled(bid: Manifest, kind: EnvelopeKind) -> Manifest:
    """Return a manifest in which one envelope's proof of knowledge is that of another header."""
    changed = []
    for envelope in bid.envelopes:
        wrong = Preamble(bytes(reversed(envelope.preamble.proof)), envelope.preamble.commitment)
        changed.append(replace(envelope, preamble=wrong) if envelope.kind is kind else envelope)
    return replace(bid, envelopes=tuple(changed))
