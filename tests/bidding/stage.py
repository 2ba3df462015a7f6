"""A stage for bidding tests: a lot that takes bids, bidders with devices, custodians with a key made by themselves."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from nacl.signing import SigningKey
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import actor as actors
from kernel.actor import Actor, Grant, Role
from kernel.database import now
from kernel.entropy import Entropy, SeededEntropy
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
    site = {"code": SITE, "name": "主", "kind": "main", "established_at": moment}
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
