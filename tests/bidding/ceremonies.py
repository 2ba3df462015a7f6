"""Key makings for tests: their people and lots on PostgreSQL, and how they are brought on."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive.tables import EventRow
from bidding import ceremony, keymaking, keysetup, rounds, transcript
from bidding.ceremony import Ceremony
from bidding.keymaking_policy import Terms
from kernel import actor as actors
from kernel.actor import Role
from kernel.database import now
from kernel.entropy import SystemEntropy
from tests.bidding.stage import PURCHASER, SITE, Person, person
from tests.bidding.table import Table
from trading.tables import LotRow, PartyRow, SiteRow, TenderRow

ENTROPY = SystemEntropy()


@dataclass
class Cast:
    """The people of one key making and where it stands."""

    people: tuple[Person, ...]
    ceremony: Ceremony

    @property
    def table(self) -> Table:
        """The devices around the setup, as the pure tests have them."""
        devices = tuple(one.device for one in self.people)
        return Table(keysetup.read(self.ceremony.setup), devices, ENTROPY)


def cast_people() -> tuple[Person, ...]:
    """One person of each side."""
    return (
        person(Role.WITNESS, actors.site(SITE), "见证"),
        person(Role.PURCHASER, actors.party(PURCHASER), "招标人"),
        person(Role.SUPERVISOR, actors.site(SITE), "监管"),
    )


def terms(people: tuple[Person, ...], **changed: Any) -> Terms:
    """Terms of a 2-of-3 key making of two keys."""
    roles = (Role.WITNESS, Role.PURCHASER, Role.SUPERVISOR)
    pairs = tuple((one.actor, roles[i % 3]) for i, one in enumerate(people))
    return replace(Terms(SITE, PURCHASER, 2, 2, pairs), **changed)


async def place(session: AsyncSession) -> None:
    """Insert the site and the purchaser."""
    moment = await now(session)
    site = {"code": SITE, "name": "主", "kind": "main", "established_at": moment, "address": ""}
    await session.execute(insert(SiteRow).values(site).on_conflict_do_nothing())
    party = {"uscc": PURCHASER, "name": "甲", "revision": 1, "profile": {}, "registered_at": moment}
    await session.execute(insert(PartyRow).values(party).on_conflict_do_nothing())


async def begin(session: AsyncSession, **changed: Any) -> Cast:
    """Begin a key making."""
    await place(session)
    people = cast_people()
    return Cast(people, await ceremony.begin(session, people[0].actor, terms(people, **changed), entropy=ENTROPY))


async def deal_all(session: AsyncSession, cast: Cast) -> list[bytes]:
    """Post an honest deal of each and return what the server gives out."""
    for one, data in zip(cast.people, cast.table.deals(), strict=True):
        cast.ceremony = await rounds.deal(session, one.actor, cast.ceremony.id, data, entropy=ENTROPY)
    return await rounds.deals(session, cast.people[0].actor, cast.ceremony.id)


async def finish(session: AsyncSession, cast: Cast) -> list[bytes]:
    """Run a key making to its end and return the certificates."""
    deals = await deal_all(session, cast)
    setup, certificates = cast.table.setup, []
    for one in cast.people:
        certificates.append(transcript.certify(setup, keymaking.receive(setup, one.device, deals), one.device))
        cast.ceremony = await rounds.certify(session, one.actor, cast.ceremony.id, certificates[-1], entropy=ENTROPY)
    return certificates


async def draft_lot(session: AsyncSession, **changed: Any) -> UUID:
    """Insert an accepted lot that has no key."""
    await place(session)
    tender_id, lot_id = uuid4(), uuid4()
    moment = await now(session)
    tender = {
        "id": tender_id, "code": f"T{tender_id.hex[:12]}", "title": "工程", "site": SITE, "purchaser": PURCHASER,
        "region": SITE, "trade_type": "construction", "method": "public", "funding": "state", "made_by": uuid4(),
        "made_at": moment,
    }  # fmt: skip
    session.add(TenderRow(**tender))
    await session.flush()
    lot = {
        "id": lot_id, "tender_id": tender_id, "number": 1, "title": "一标段", "state": "accepted", "moved_at": moment,
        "estimate": Decimal("1000000.00"), "bond": Decimal("0.00"), "envelopes": [], "opening_policy": "quorum",
        "threshold": 2, "custodians": 3, "evaluation": {}, **changed,
    }  # fmt: skip
    session.add(LotRow(**lot))
    await session.flush()
    return lot_id


async def kinds(session: AsyncSession) -> list[str]:
    """Return the kinds of events of this test in order."""
    return list((await session.scalars(select(EventRow.kind).order_by(EventRow.number))).all())
