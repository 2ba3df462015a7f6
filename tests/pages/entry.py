"""Parties, staff and free opening keys for tests of the way to the announcement."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from api import sandbox
from api.pages.purchase import drafting
from api.wiring import Installation
from bidding import ceremony
from kernel.actor import EVERYWHERE, Actor, Grant, Role, party, site
from kernel.database import now
from tests.api.test_trading_routes import code
from tests.bidding import stage
from tests.conftest import Someone
from tests.pages.conftest import Maker
from trading import documents, files, parties, registration, tenders
from trading.documents import DocumentDraft
from trading.party import COMMITMENT_VERSION, Commitment, Profile
from trading.rulepack import pack_at

MAIN = "152502"
PURCHASER, AGENCY, BIDDERS = code(1), code(2), [code(number) for number in range(10, 14)]
PROJECT = {
    "title": "锡林浩特市道路工程",
    "site": MAIN,
    "region": MAIN,
    "purchaser": PURCHASER,
    "agency": AGENCY,
    "method": "public",
    "funding": "state",
}
AMOUNTS = {"title": "一标段", "estimate": "10,000,000.00", "ceiling": "9800000", "bond": "200000"}
TERMS = {
    "deadline": "",
    "qualification": "0",
    "technical": "1",
    "price": "2",
    "weight_qualification": "",
    "weight_technical": "60",
    "weight_price": "40",
    "evaluation": "comprehensive",
    "formula": "lowest_price",
    "threshold": "2",
    "custodians": "3",
}


@dataclass(frozen=True, slots=True)
class People:
    """Those who bring a tender to its announcement, and two who bid."""

    agency: Someone
    purchaser: Someone
    acceptance: Someone
    venue: Someone
    bidder: Someone
    rival: Someone


async def people(installation: Installation, someone: Maker) -> People:
    """Register the parties and employ the staff."""
    clerk = Actor(uuid4(), "受理", frozenset({Grant(Role.ACCEPTANCE, site(MAIN))}))
    async with installation.sessions.begin() as session:
        for uscc in (PURCHASER, AGENCY, *BIDDERS):
            profile = Profile(f"单位{uscc[-4:]}", "张三", "锡林浩特市某街1号", "李四", "0479-1234567", MAIN)
            stated = Commitment(COMMITMENT_VERSION, "张三")
            await parties.register(session, clerk, uscc, profile, stated, entropy=installation.entropy)
    return People(
        agency=await someone(Grant(Role.AGENCY, party(AGENCY)), name="周洁"),
        purchaser=await someone(Grant(Role.PURCHASER, party(PURCHASER)), name="孙建国"),
        acceptance=await someone(Grant(Role.ACCEPTANCE, site(MAIN)), name="其木格"),
        venue=await someone(Grant(Role.VENUE, site(MAIN)), name="巴特尔"),
        bidder=await someone(Grant(Role.BIDDER, party(BIDDERS[0])), name="投标人甲"),
        rival=await someone(Grant(Role.BIDDER, party(BIDDERS[1])), name="投标人乙"),
    )


async def free_keys(installation: Installation, purchaser: str = PURCHASER) -> None:
    """Write down a finished key making whose key no lot has yet."""
    async with installation.sessions.begin() as session:
        await stage.keep_key(session, stage.custodians("entry"), site=MAIN, purchaser=purchaser)


async def advance(installation: Installation, by: timedelta) -> None:
    """Move the sandbox's clock."""
    admin = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
    async with installation.sessions.begin() as session:
        await sandbox.advance(session, admin, await now(session) + by, entropy=installation.entropy)


async def announced(installation: Installation, people: People) -> str:
    """Announce a tender of one lot by services, have the bidder take its documents, and return the lot's id."""
    entropy, content = installation.entropy, b"documents"
    await free_keys(installation)
    async with installation.sessions.begin() as session:
        work = drafting.Work(PROJECT, {1: {**AMOUNTS, **TERMS, "deadline": "2031-01-10T09:00"}})
        draft = drafting.tender(work, pack_at("construction", MAIN, await now(session)))
        tender = await registration.register(session, people.agency.actor, draft, entropy=entropy)
        lot, digest = tender.lots[0].id, hashlib.sha256(content)
        await files.keep(session, people.agency.actor, digest.digest(), len(content), entropy=entropy)
        paper = DocumentDraft("tender_documents", "招标文件", digest.hexdigest(), "application/pdf")
        await documents.attach(session, people.agency.actor, tender.id, paper, entropy=entropy)
        for actor, step, told in (
            (people.agency.actor, "enter", ""),
            (people.acceptance.actor, "accept", ""),
            (people.agency.actor, "announce", "招标公告"),
        ):
            if step == "announce":
                await ceremony.assign(session, people.acceptance.actor, lot, entropy=entropy)
            await tenders.step(session, actor, tender.id, step, entropy=entropy, text=told)
        await documents.take(session, people.bidder.actor, lot, BIDDERS[0], entropy=entropy)
    return str(lot)
