"""People, parties and tenders that the tests of this package share."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from stdnum.cn import uscc

from kernel import database
from kernel.actor import SYSTEM, Actor, Grant, Role, party, site
from kernel.entropy import Entropy, new_id
from trading import documents, files, lots, parties, registration, sites, tenders
from trading.documents import DocumentDraft
from trading.draft import EnvelopeDraft, Evaluation, LotDraft, TenderDraft
from trading.lot import EnvelopeKind
from trading.party import COMMITMENT_VERSION, Commitment, Profile

MAIN = "152502"


def code(number: int) -> str:
    """Return a 统一社会信用代码 with a right check digit."""
    stem = f"91152502MA{number:07d}"
    return stem + uscc.calc_check_digit(stem)


def person(number: int, *grants: tuple[Role, str]) -> Actor:
    """Return somebody with these roles."""
    return Actor(UUID(int=1000 + number), f"person {number}", frozenset(Grant(role, scope) for role, scope in grants))


def profile(name: str = "锡林浩特建设有限公司") -> Profile:
    """Return a party's data."""
    return Profile(name, "张三", "锡林浩特市某街1号", "李四", "0479-1234567", MAIN)


COMMITMENT = Commitment(COMMITMENT_VERSION, "张三")
PURCHASER, AGENCY, BIDDERS = code(1), code(2), [code(number) for number in range(10, 15)]

PEOPLE = SimpleNamespace(
    purchaser=person(1, (Role.PURCHASER, party(PURCHASER))),
    agency=person(2, (Role.AGENCY, party(AGENCY))),
    acceptance=person(3, (Role.ACCEPTANCE, site(MAIN))),
    witness=person(4, (Role.WITNESS, site(MAIN))),
    supervisor=person(5, (Role.SUPERVISOR, site(MAIN))),
    archivist=person(6, (Role.ARCHIVIST, site(MAIN))),
    stranger=person(7, (Role.PURCHASER, party(code(3)))),
    elsewhere=person(8, (Role.ACCEPTANCE, site("152527"))),
    expert=person(9, (Role.EXPERT, "*")),
    bidders=[person(20 + n, (Role.BIDDER, party(bidder))) for n, bidder in enumerate(BIDDERS)],
)


def lot_draft(number: int = 1, **changes: Any) -> LotDraft:
    """Return a lot of a works tender in two stages."""
    values = {
        "number": number,
        "title": f"标段{number}",
        "estimate": Decimal("10000000.00"),
        "ceiling": Decimal("9800000.00"),
        "bond": Decimal("200000.00"),
        "envelopes": (EnvelopeDraft(EnvelopeKind.TECHNICAL, 1), EnvelopeDraft(EnvelopeKind.PRICE, 2)),
        "evaluation": Evaluation(
            "comprehensive", "lowest_price", {EnvelopeKind.TECHNICAL: "60", EnvelopeKind.PRICE: "40"}
        ),
    }
    return LotDraft(**values | changes)


def tender_draft(**changes: Any) -> TenderDraft:
    """Return a tender of two lots."""
    values = {
        "title": "锡林浩特市道路工程",
        "site": MAIN,
        "purchaser": PURCHASER,
        "agency": AGENCY,
        "region": MAIN,
        "lots": (lot_draft(1), lot_draft(2)),
    }
    return TenderDraft(**values | changes)


class Stage:
    """A tender led through its life by the people above, on one session."""

    def __init__(self, session: AsyncSession, entropy: Entropy) -> None:
        self.session, self.entropy = session, entropy

    async def prepare(self) -> None:
        """Set up sites and parties."""
        await sites.seed(self.session, SYSTEM, sites.shipped(), entropy=self.entropy)
        staff = PEOPLE.acceptance
        for uscc_code in (PURCHASER, AGENCY, *BIDDERS):
            named = profile(f"单位{uscc_code[-4:]}")
            await parties.register(self.session, staff, uscc_code, named, COMMITMENT, entropy=self.entropy)

    async def register(self, **changes: Any) -> tenders.Tender:
        """Bring in a tender whose deadline leaves 21 days."""
        deadline = await database.now(self.session) + timedelta(days=21)
        drafts = changes.pop("lots", (lot_draft(1, deadline=deadline), lot_draft(2, deadline=deadline)))
        draft = tender_draft(lots=drafts, **changes)
        return await registration.register(self.session, PEOPLE.agency, draft, entropy=self.entropy)

    async def attach(
        self, tender: tenders.Tender, kind: str = "tender_documents", **changes: Any
    ) -> documents.Document:
        """Attach a document that the store is said to have."""
        content = f"{kind} {changes}".encode()
        digest = hashlib.sha256(content).digest()
        await files.keep(self.session, PEOPLE.agency, digest, len(content), entropy=self.entropy)
        draft = DocumentDraft(kind, "招标文件", digest.hex(), "application/pdf", **changes)
        return await documents.attach(self.session, PEOPLE.agency, tender.id, draft, entropy=self.entropy)

    async def accept(self, **changes: Any) -> tenders.Tender:
        """Lead a tender to its acceptance."""
        tender = await self.register(**changes)
        await self.attach(tender)
        await self.step(PEOPLE.agency, tender, "enter")
        return await self.step(PEOPLE.acceptance, tender, "accept")

    async def announce(self, **changes: Any) -> tenders.Tender:
        """Lead a tender to its announcement."""
        tender = await self.accept(**changes)
        for lot in tender.lots:
            await lots.assign_key(self.session, lot.id, self.entropy.token(32))
        return await self.step(PEOPLE.agency, tender, "announce", text="招标公告")

    async def step(self, actor: Actor, tender: tenders.Tender, name: str, **told: Any) -> tenders.Tender:
        """Take a step of the whole tender."""
        return await tenders.step(self.session, actor, tender.id, name, entropy=self.entropy, **told)

    async def move(self, actor: Actor, lot_id: UUID, step: str, **told: Any) -> lots.LotFacts:
        """Take a step of one lot."""
        return await lots.move(self.session, actor, lot_id, step, entropy=self.entropy, **told)

    def new_id(self) -> UUID:
        """Return an id that nothing has."""
        return new_id(self.entropy)


@pytest.fixture
async def stage(session: AsyncSession, entropy: Entropy) -> AsyncIterator[Stage]:
    """Sites and parties are there; nothing is committed."""
    stage = Stage(session, entropy)
    await stage.prepare()
    return stage
