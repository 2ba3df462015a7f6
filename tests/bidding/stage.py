"""A stage for bidding tests: a lot that takes bids, bidders with devices, custodians with a key made by themselves."""

import functools
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from nacl.signing import SigningKey
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.store import ObjectStore
from archive.timestamp import LocalAuthority, new_authority_keys
from bidding import bidfile, keymaking, keysetup, sealing, uploads
from bidding import transcript as transcripts
from bidding.bidfile import BidFile
from bidding.form import Form
from bidding.keymaking_tables import CeremonyRow, OpeningKeyRow
from bidding.keysetup import Custodian, Setup
from bidding.payload import FilePlan
from bidding.sealing import EnvelopePlan
from bidding.submissions import Desk, Submission
from bidding.target import EnvelopeSlot, SealTarget
from bidding.transcript import OpeningKey
from bidding.uploads import Upload
from kernel import actor as actors
from kernel.actor import SYSTEM, Actor, Grant, Role
from kernel.clock import SystemClock, isoformat
from kernel.database import now
from kernel.entropy import Entropy, SeededEntropy, SystemEntropy
from trading.lot import EnvelopeKind, LotFacts, OpeningPolicy
from trading.tables import LotRow, PartyRow, SiteRow, TenderRow

SITE = "152502"
PURCHASER = "911525027401234565"
USCCS = tuple(f"9115250200{n:07d}X" for n in range(300))
ENVELOPES = [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 1}]


@dataclass(frozen=True)
class Person:
    """Somebody with a device."""

    actor: Actor
    device: SigningKey


def person(role: Role, scope: str, name: str) -> Person:
    """Make a person with one role and an enrolled device."""
    device = SigningKey(hashlib.sha256(name.encode()).digest())
    grants = frozenset({Grant(role, scope)})
    return Person(Actor(uuid4(), name, grants, bytes(device.verify_key)), device)


def bidder(number: int = 0) -> Person:
    """Make a bidder's person."""
    return person(Role.BIDDER, actors.party(USCCS[number]), f"bidder-{number}")


def witness() -> Person:
    """Make the witness of the lot's site."""
    return person(Role.WITNESS, actors.site(SITE), "witness")


async def lot(
    session: AsyncSession,
    *,
    key_hash: bytes = b"\7" * 32,
    envelopes: list[dict[str, object]] | None = None,
    after: timedelta = timedelta(hours=1),
) -> UUID:
    """Insert an announced lot whose deadline is `after` from now, and return its id."""
    moment = await now(session)
    tender_id, lot_id = uuid4(), uuid4()
    site = {"code": SITE, "name": "主", "kind": "main", "address": "", "established_at": moment}
    await session.execute(insert(SiteRow).values(site).on_conflict_do_nothing())
    party = {"uscc": PURCHASER, "name": "甲", "revision": 1, "profile": {}, "registered_at": moment}
    await session.execute(insert(PartyRow).values(party).on_conflict_do_nothing())
    session.add(
        TenderRow(
            id=tender_id,
            code=f"T{tender_id.hex[:12]}",
            title="工程",
            site=SITE,
            purchaser=PURCHASER,
            agency=None,
            region=SITE,
            trade_type="construction",
            method="public",
            funding="state",
            made_by=uuid4(),
            made_at=moment,
            announced_at=moment,
        )
    )
    await session.flush()
    session.add(
        LotRow(
            id=lot_id,
            tender_id=tender_id,
            number=1,
            title="一标段",
            state="announced",
            suspended=False,
            moved_at=moment,
            deadline=moment + after,
            estimate=Decimal("1000000.00"),
            ceiling=None,
            bond=Decimal("0.00"),
            envelopes=ENVELOPES if envelopes is None else envelopes,
            opening_policy="quorum",
            threshold=2,
            custodians=3,
            evaluation={},
            opening_key_hash=key_hash,
        )
    )
    await session.flush()
    return lot_id


async def set_deadline(session: AsyncSession, lot_id: UUID, deadline: datetime) -> None:
    """Move the deadline of a lot."""
    await session.execute(update(LotRow).where(LotRow.id == lot_id).values(deadline=deadline.astimezone(UTC)))


async def chunks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    """Give bytes in chunks as a server would."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def entropy(seed: str = "stage") -> Entropy:
    """Return reproducible randomness."""
    return SeededEntropy(seed.encode())


@dataclass(frozen=True)
class Custodians:
    """Three people with devices, the key they made, its transcript, and each one's share x_i by number."""

    people: tuple[Person, ...]
    key: OpeningKey
    transcript: bytes
    shares: dict[int, bytes]


@functools.cache
def custodians(name: str = "lot") -> Custodians:
    """Let three custodians make an opening key, 2 of 3."""
    people = tuple(person(Role.WITNESS, actors.site(SITE), f"custodian-{name}-{n}") for n in (1, 2, 3))
    members = tuple(
        Custodian(n, bytes(one.device.verify_key).hex(), one.actor.name, "witness")
        for n, one in enumerate(people, start=1)
    )
    setup = Setup(keysetup.FORMAT, keysetup.SUITE, UUID(int=7), 2, 1, members, sandbox=False)
    deals = [keymaking.deal(setup, one.device, entropy(one.actor.name)) for one in people]
    received = [keymaking.receive(setup, one.device, deals) for one in people]
    certificates = [transcripts.certify(setup, got, one.device) for got, one in zip(received, people, strict=True)]
    content = transcripts.finish(setup, received[0].deals, certificates)
    key = transcripts.verify_transcript(content).keys[0]
    return Custodians(people, key, content, {got.index: got.shares[0] for got in received})


def target(facts: LotFacts, key: OpeningKey) -> SealTarget:
    """Return what a lot publishes for sealing."""
    assert facts.deadline is not None
    return SealTarget(
        platform="test/log",
        title=facts.title,
        tender=facts.tender_id,
        lot=facts.id,
        deadline=facts.deadline,
        policy=OpeningPolicy.QUORUM,
        envelopes=tuple(EnvelopeSlot(EnvelopeKind(rule.kind), rule.stage) for rule in facts.envelopes),
        key=key.key_hash,
        opening_key=key.public_key,
        sandbox=False,
    )


def forms(price: str = "980000.00") -> dict[str, Form]:
    """Return one form per kind of envelope."""
    return {
        "qualification": Form(kind=EnvelopeKind.QUALIFICATION),
        "technical": Form(kind=EnvelopeKind.TECHNICAL, term_days=180, quality="合格", leader="张三"),
        "price": Form(kind=EnvelopeKind.PRICE, price=Decimal(price)),
    }


def seal(
    who: Person,
    where: SealTarget,
    out: Path,
    *,
    price: str = "980000.00",
    files: dict[str, tuple[FilePlan, ...]] | None = None,
    previous: bytes | None = None,
) -> BidFile:
    """Seal a bid into a file as a bidder's machine does."""
    plans = [EnvelopePlan(forms(price)[kind.value], (files or {}).get(kind.value, ())) for kind in where.kinds]
    uscc = next(iter(who.actor.parties(Role.BIDDER)))
    secret = hashlib.sha256(uscc.encode()).digest()
    sealing.seal_bid(
        where,
        plans,
        sealing.Bidder(uscc, who.device, secret),
        entropy=SystemEntropy(),
        out=out,
        previous=previous,
    )
    return bidfile.read(out)


async def upload(session: AsyncSession, store: ObjectStore, who: Person, lot_id: UUID, bid: BidFile) -> Upload:
    """Send all parts of a sealed bid and return the session."""
    bodies = {envelope.kind.value: envelope.length for envelope in bid.manifest.envelopes}
    uscc = next(iter(who.actor.parties(Role.BIDDER)))
    opened = await uploads.begin(session, who.actor, lot_id, uscc, bodies, entropy=SystemEntropy())
    for envelope in bid.manifest.envelopes:
        for part in bidfile.parts(bid, envelope.kind):
            kind = envelope.kind.value
            place = await uploads.place_part(
                session, who.actor, opened.id, kind=kind, number=part.number, root=part.root
            )
            data = bid.path.read_bytes()[part.offset : part.offset + part.size]
            await uploads.store_part(store, place, chunks(data))
            await uploads.record_part(session, place)
    return opened


def submission(opened: Upload, bid: BidFile) -> Submission:
    """Return what finalises the upload of a bid."""
    return Submission(opened.id, bid.encoded, bid.signature)


def desk(folder: Path) -> Desk:
    """Return a desk with an authority whose keys lie in `folder`."""
    if not (folder / "chain.pem").exists():
        folder.mkdir(parents=True, exist_ok=True)
        new_authority_keys(folder, clock=SystemClock(), entropy=SystemEntropy(), sandbox=False)
    authority = LocalAuthority.load(folder, clock=SystemClock(), entropy=SystemEntropy())
    return Desk(authority, "test/log", SystemEntropy())


async def give_key(session: AsyncSession, lot_id: UUID, made: Custodians) -> None:
    """Write down a finished key making and give its key to the lot."""
    await keep_key(session, made, site=SITE, purchaser=PURCHASER, lot_id=lot_id)


async def keep_key(
    session: AsyncSession, made: Custodians, *, site: str, purchaser: str, lot_id: UUID | None = None
) -> None:
    """Write down a finished key making of a site and purchaser; its key is the lot's, or nobody's yet."""
    moment, ceremony_id = await now(session), uuid4()
    setup = transcripts.verify_transcript(made.transcript).setup
    session.add(
        CeremonyRow(
            id=ceremony_id,
            site=site,
            purchaser=purchaser,
            setup=keysetup.write(setup),
            threshold=setup.threshold,
            size=setup.size,
            count=1,
            state="finished",
            made_by=uuid4(),
            made_at=moment,
            expires_at=moment + timedelta(hours=1),
            ended_at=moment,
            transcript=made.transcript,
            transcript_hash=made.key.transcript,
        )
    )
    await session.flush()
    session.add(
        OpeningKeyRow(
            key_hash=made.key.key_hash,
            ceremony_id=ceremony_id,
            number=made.key.index,
            public_key=made.key.public_key,
            verification_shares=b"".join(made.key.verification_shares),
            lot_id=lot_id,
            assigned_at=moment if lot_id else None,
        )
    )
    await session.flush()


async def announce(session: AsyncSession, facts: LotFacts) -> None:
    """Log the announcement of a lot as trading does."""
    assert facts.deadline is not None
    assert facts.opening_key_hash is not None
    terms = {
        "lot": str(facts.id),
        "deadline": isoformat(facts.deadline),
        "envelopes": [{"kind": rule.kind, "stage": rule.stage} for rule in facts.envelopes],
        "opening_policy": facts.opening_policy,
        "key": facts.opening_key_hash.hex(),
    }
    said = {"step": "announce", "lots": [str(facts.id)], "missing": [], "terms": [terms]}
    await trail.record(session, SYSTEM, "tender.announced", said, trade=facts.tender_id, entropy=SystemEntropy())
