"""A lot whose opening key is known to the test, and bids sealed for it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from nacl.signing import SigningKey

from bidding import bidfile, encapsulation, group, sealing
from bidding.bidfile import BidFile
from bidding.form import Form
from bidding.header import Suite
from bidding.manifest import Expectations
from bidding.payload import FilePlan
from bidding.sealing import Bidder, EnvelopePlan
from bidding.target import EnvelopeSlot, SealTarget
from kernel.entropy import SeededEntropy
from trading.lot import EnvelopeKind, OpeningPolicy

ENTROPY = SeededEntropy(b"sample bid")
PRIVATE = group.random_scalar(ENTROPY)
TARGET = SealTarget(
    platform="ggzy.example/log",
    title="一标段",
    tender=UUID("11111111-1111-4111-8111-111111111111"),
    lot=UUID("22222222-2222-4222-8222-222222222222"),
    deadline=datetime(2026, 12, 1, 1, 0, 0, 1, tzinfo=UTC),
    policy=OpeningPolicy.QUORUM,
    envelopes=(EnvelopeSlot(EnvelopeKind.TECHNICAL, 1), EnvelopeSlot(EnvelopeKind.PRICE, 2)),
    key=bytes(range(32)),
    opening_key=group.base_mult(PRIVATE),
    sandbox=True,
)
BIDDER = Bidder("91152502MA0N7E8T0X", SigningKey(b"k" * 32), b"s" * 32)
EXPECTED = Expectations(
    tender=TARGET.tender,
    lot=TARGET.lot,
    bidder=BIDDER.uscc,
    deadline=TARGET.deadline,
    policy=TARGET.policy,
    kinds=TARGET.kinds,
    key=TARGET.key,
    signer=bytes(BIDDER.key.verify_key),
)
PRICE = Form(kind=EnvelopeKind.PRICE, price=Decimal("9876543.21"), term_days=180, quality="合格", leader="李雷")


@dataclass(frozen=True)
class Sample:
    """A sealed bid and the bytes that went into its technical envelope, by file name."""

    file: BidFile
    contents: dict[str, bytes]


def seal(
    folder: Path,
    *,
    target: SealTarget = TARGET,
    suite: Suite = Suite.AES_256_GCM,
    contents: dict[str, bytes] | None = None,
    bidder: Bidder = BIDDER,
) -> Sample:
    """Seal one bid with a price form and a technical envelope holding `contents`."""
    held = {"施工组织设计.pdf": bytes(range(256)) * 700, "空.txt": b""} if contents is None else contents
    plans = []
    for name, data in held.items():
        (folder / name).write_bytes(data)
        plans.append(FilePlan(folder / name, name, "application/octet-stream"))
    technical = EnvelopePlan(Form(kind=EnvelopeKind.TECHNICAL, leader="李雷"), tuple(plans))
    out = folder / "bid.sealed"
    sealing.seal_bid(target, [EnvelopePlan(PRICE), technical], bidder, suite, entropy=ENTROPY, out=out)
    return Sample(bidfile.read(out), held)


def with_policy(policy: OpeningPolicy) -> SealTarget:
    """Return the lot under another opening policy."""
    return replace(TARGET, policy=policy)


def shared(file: BidFile, kind: EnvelopeKind) -> bytes:
    """Return K as the custodians would find it."""
    return group.mult(PRIVATE, file.manifest.envelope(kind).header.point)


def secret(file: BidFile, kind: EnvelopeKind) -> bytes:
    """Return the bidder's secret of one envelope."""
    return encapsulation.bidder_secret(BIDDER.secret, file.manifest.envelope(kind).header)


def payload_key(file: BidFile, kind: EnvelopeKind) -> bytes:
    """Return the payload key as the opening finds it."""
    envelope = file.manifest.envelope(kind)
    return encapsulation.unlock(envelope.header, envelope.preamble, shared(file, kind), secret(file, kind))
