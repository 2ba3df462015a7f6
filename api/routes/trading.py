"""Trading over HTTP: sites, parties, tenders, lots and their steps, notices."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from experts import reports
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError
from trading import amendments, awards, cursor, lots, notices, parties, registration, sites, tenders
from trading.amendments import ClarificationDraft
from trading.draft import Code, TenderDraft
from trading.lot import EnvelopeRule, LotFacts
from trading.notices import Notice
from trading.parties import Party, Revision
from trading.party import Commitment, Profile
from trading.sites import Plan, Site
from trading.tenders import Tender
from trading.text import Line, Reason, Text

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Cursor = Annotated[str | None, Parameter(max_length=80)]
Limit = Annotated[int, Parameter(ge=1, le=100)]
TenderStep = Literal["enter", "return", "accept", "announce"]
LotStep = Literal["fail", "contract", "terminate", "suspend", "resume"]  # the others belong to bidding and experts


class PartyDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a party states about itself, and under which commitment."""

    uscc: Annotated[str, msgspec.Meta(max_length=40)]
    profile: Profile
    commitment: Commitment


class TenderStepDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of all lots; `missing` for a return, `text` of the notice for an announcement."""

    step: TenderStep
    missing: Annotated[tuple[Line, ...], msgspec.Meta(max_length=100)] = ()
    text: Text = ""


class LotStepDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of one lot, with its reason where it needs one."""

    step: LotStep
    reason: Reason = ""


class DeadlineDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A later deadline and why."""

    deadline: Moment
    reason: Reason


class PublicityDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text under which the candidates are published, and until when."""

    text: Text
    ends_at: Moment


class AwardDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the lot is awarded to; `reason` if that is not the first candidate."""

    winner: Code
    text: Text
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot; amounts are yuan, `opening_key_hash` is hex."""

    id: UUID
    tender_id: UUID
    number: int
    title: str
    state: str
    suspended: bool
    deadline: datetime | None
    estimate: Decimal
    ceiling: Decimal | None
    bond: Decimal
    envelopes: tuple[EnvelopeRule, ...]
    opening_policy: str
    threshold: int
    custodians: int
    evaluation: dict[str, Any]
    opening_key_hash: str | None


@dataclass(frozen=True, slots=True)
class TenderView:
    """A tender with its lots."""

    id: UUID
    code: str
    title: str
    site: str
    purchaser: str
    agency: str | None
    region: str
    trade_type: str
    method: str
    funding: str
    invitees: tuple[str, ...]
    missing: tuple[str, ...]
    made_at: datetime
    announced_at: datetime | None
    lots: list[LotView]


@dataclass(frozen=True, slots=True)
class TenderPage:
    """Tenders, newest first; `next` asks for those after them, null at the end."""

    items: list[TenderView]
    next: str | None


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Notices, newest first; `next` asks for those after them, null at the end."""

    items: list[Notice]
    next: str | None


class SiteController(Controller):
    """The sites of the platform."""

    path = "/api/v1/sites"
    tags = ("trading",)

    @get(summary="The main site and its branches")
    async def page(self, session: AsyncSession) -> list[Site]:
        """List all sites, the main one first; for everybody."""
        return await sites.page(session)

    @post(summary="Add a site")
    async def establish(self, data: Plan, session: AsyncSession, actor: Actor, entropy: Entropy) -> Site:
        """Add a site; there is one main site."""
        return await sites.establish(session, actor, data, entropy=entropy)


class PartyController(Controller):
    """Parties, registered once and used by every trade."""

    path = "/api/v1/parties"
    tags = ("trading",)

    @post(summary="Register a party by notification and commitment")
    async def register(self, data: PartyDraft, session: AsyncSession, actor: Actor, entropy: Entropy) -> Party:
        """Register a party under its 统一社会信用代码; nobody approves it."""
        return await parties.register(session, actor, data.uscc, data.profile, data.commitment, entropy=entropy)

    @get("/{uscc:str}", summary="A party's data")
    async def read(self, uscc: str, session: AsyncSession, actor: Actor) -> Party:
        """Show a party to itself, acceptance staff and supervisors."""
        return await parties.read(session, actor, uscc)

    @put("/{uscc:str}", summary="Amend a party's data")
    async def amend(self, uscc: str, data: PartyDraft, session: AsyncSession, actor: Actor, entropy: Entropy) -> Party:
        """Make a new revision of a party's data; the former ones stay."""
        if data.uscc != uscc:
            raise GgzyError("party.other_uscc")
        return await parties.amend(session, actor, uscc, data.profile, data.commitment, entropy=entropy)

    @get("/{uscc:str}/history", summary="What a party stated over time")
    async def history(self, uscc: str, session: AsyncSession, actor: Actor) -> list[Revision]:
        """List all revisions with their commitments."""
        return await parties.history(session, actor, uscc)


class TenderController(Controller):
    """Tenders: registered, entered, accepted, announced, clarified."""

    path = "/api/v1/tenders"
    tags = ("trading",)

    @post(summary="Register a tender with its lots")
    async def register(self, data: TenderDraft, session: AsyncSession, actor: Actor, entropy: Entropy) -> TenderView:
        """Bring in a tender as a draft and give it its code."""
        return _tender(await registration.register(session, actor, data, entropy=entropy))

    @get(summary="Tenders, newest first")
    async def page(
        self,
        session: AsyncSession,
        actor: Actor,
        before: Cursor = None,
        limit: Limit = 50,
        site: Annotated[str | None, Parameter(pattern=r"^[0-9]{6}$(?!\n)")] = None,
    ) -> TenderPage:
        """List the tenders that exist for the person who asks; for everybody, those announced."""
        sites = None if site is None else [site]
        found = await tenders.page(session, actor, before=cursor.read(before), limit=limit, sites=sites)
        last = found[-1] if len(found) == limit else None
        return TenderPage(
            [_tender(one) for one in found], None if last is None else cursor.write(last.made_at, last.id)
        )

    @get("/{tender_id:uuid}", summary="A tender with its lots")
    async def read(self, tender_id: UUID, session: AsyncSession, actor: Actor) -> TenderView:
        """Show a tender to whom it exists."""
        return _tender(await tenders.get(session, actor, tender_id))

    @put("/{tender_id:uuid}", summary="Amend a draft")
    async def amend(
        self, tender_id: UUID, data: TenderDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> TenderView:
        """Replace a draft; lots are matched by number."""
        return _tender(await registration.amend(session, actor, tender_id, data, entropy=entropy))

    @post("/{tender_id:uuid}/steps", status_code=200, summary="Enter, return, accept or announce a tender")
    async def step(
        self, tender_id: UUID, data: TenderStepDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> TenderView:
        """Take a step with all lots of a tender; docs/spec/lifecycle.md says who may and when."""
        return _tender(
            await tenders.step(
                session, actor, tender_id, data.step, entropy=entropy, missing=data.missing, text=data.text
            )
        )

    @post("/{tender_id:uuid}/clarifications", summary="Clarify or change the tender documents")
    async def clarify(
        self, tender_id: UUID, data: ClarificationDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> list[Notice]:
        """Publish a clarification for some lots; within 15 days of the deadline it has to move."""
        return await amendments.clarify(session, actor, tender_id, data, entropy=entropy)


class LotController(Controller):
    """Single lots after the announcement."""

    path = "/api/v1/lots"
    tags = ("trading",)

    @get("/{lot_id:uuid}", summary="A lot")
    async def read(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> LotView:
        """Show a lot to whom it exists."""
        return _lot(await lots.read(session, actor, lot_id))

    @post("/{lot_id:uuid}/steps", status_code=200, summary="Fail, contract, terminate, suspend or resume a lot")
    async def step(
        self, lot_id: UUID, data: LotStepDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> LotView:
        """Take a step with one lot; docs/spec/lifecycle.md says who may and when."""
        return _lot(await lots.move(session, actor, lot_id, data.step, entropy=entropy, reason=data.reason))

    @put("/{lot_id:uuid}/deadline", summary="Move a deadline to a later time")
    async def move_deadline(
        self, lot_id: UUID, data: DeadlineDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> LotView:
        """Move the deadline and publish it; bids already in stay."""
        return _lot(await amendments.move_deadline(session, actor, lot_id, data.deadline, data.reason, entropy=entropy))

    @post("/{lot_id:uuid}/publicity", summary="Publish the candidates")
    async def publicize(
        self, lot_id: UUID, data: PublicityDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Notice:
        """Publish the ranked candidates of the final evaluation report for at least three days."""
        ranked = await reports.candidates(session, lot_id)
        return await awards.publicize(
            session, actor, lot_id, ranked, text=data.text, ends_at=data.ends_at, entropy=entropy
        )

    @post("/{lot_id:uuid}/award", summary="Award a lot")
    async def award(
        self, lot_id: UUID, data: AwardDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Notice:
        """Award the lot after the publicity and publish the award."""
        told = {"text": data.text, "reason": data.reason}
        return await awards.award(session, actor, lot_id, data.winner, entropy=entropy, **told)


class NoticeController(Controller):
    """Notices, for everybody."""

    path = "/api/v1/notices"
    tags = ("trading",)

    @get(summary="Notices, newest first")
    async def page(
        self,
        session: AsyncSession,
        before: Cursor = None,
        limit: Limit = 50,
        tender: UUID | None = None,
        kind: Annotated[str | None, Parameter(pattern=r"^[a-z]{1,20}$(?!\n)")] = None,
    ) -> NoticePage:
        """List the public notices, of all tenders or of one."""
        found = await notices.page(session, before=cursor.read(before), limit=limit, tender_id=tender, kind=kind)
        last = found[-1] if len(found) == limit else None
        return NoticePage(found, None if last is None else cursor.write(last.published_at, last.id))

    @get("/{notice_id:uuid}", summary="A notice")
    async def read(self, notice_id: UUID, session: AsyncSession) -> Notice:
        """Show a notice."""
        return await notices.get(session, notice_id)


def _tender(tender: Tender) -> TenderView:
    stated = {name: getattr(tender, name) for name in TenderView.__slots__ if name != "lots"}
    return TenderView(**stated, lots=[_lot(lot) for lot in tender.lots])


def _lot(lot: LotFacts) -> LotView:
    key = lot.opening_key_hash
    stated = {name: value for name, value in asdict(lot).items() if name in LotView.__slots__}
    stated |= {"envelopes": lot.envelopes, "opening_key_hash": None if key is None else key.hex()}
    return LotView(**stated | {"evaluation": dict(lot.evaluation)})
