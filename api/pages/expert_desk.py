"""The evaluation desk: bids beside the score sheet, their forms side by side, votes on rejection (条例 51)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Page, page
from bidding import extraction
from bidding.extraction import File
from experts import ballots, committees, drafts, evaluations, offers, scoring, seats
from experts.ballots import Ballot
from experts.drafts import Draft
from experts.scoring import Criterion, Offer, Sheet
from kernel.actor import Actor
from kernel.errors import permit
from trading.lot import LotFacts

SHOWN = (".pdf", ".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Place:
    """One bid on the desk: what it offers, its files, and what this member has said of it so far."""

    number: int
    offer: Offer
    forms: dict[str, dict[str, Any]]
    files: tuple[File, ...]
    sheet: Sheet | None
    draft: Draft | None
    ballot: Ballot | None

    def points(self, code: str) -> str:
        """Return the points of a criterion as they stand on the sheet or in the draft."""
        if self.sheet is not None:
            return self.sheet.scores.get(code, "")
        return "" if self.draft is None else self.draft.content.scores.get(code, "")

    def note(self, code: str) -> str:
        """Return the note at a criterion in the draft."""
        return "" if self.draft is None else self.draft.content.notes.get(code, "")

    @property
    def remark(self) -> str:
        """The remark on the sheet or in the draft."""
        if self.sheet is not None:
            return self.sheet.remark
        return "" if self.draft is None else self.draft.content.remark


class Desk(Controller):
    """A declared member's desk."""

    path = "/expert/lots/{lot_id:uuid}"
    include_in_schema = False
    opt = PAGE

    @get("/desk")
    async def show(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show every bid with its sheet; which one is in front is the browser's business."""
        permit(policy.must_be_person(actor))
        seat = await seats.take(session, actor, lot_id)
        papers = await evaluations.papers(session, actor, lot_id)
        return page(
            request,
            "expert/desk.html",
            seat=seat,
            places=await _places(session, actor, seat.lot, papers.offers),
            kinds=_by_kind(papers.scheme.criteria),
            criteria=papers.scheme.criteria,
            price_weight=papers.scheme.weight,
            closed=(await committees.find(session, actor, lot_id)).technical_finished_at is not None,
            grounds=scoring.GROUNDS,
            shown=SHOWN,
        )

    @get("/comparison")
    async def compare(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show what the bids' forms say side by side."""
        permit(policy.must_be_person(actor))
        seat = await seats.take(session, actor, lot_id)
        found = (await evaluations.papers(session, actor, lot_id)).offers
        forms = await offers.forms(session, seat.lot)
        return page(request, "expert/comparison.html", seat=seat, offers=found, lines=_lines(found, forms))


async def _places(session: AsyncSession, actor: Actor, lot: LotFacts, found: tuple[Offer, ...]) -> list[Place]:
    forms = await offers.forms(session, lot)
    sheets = await evaluations.own_sheets(session, actor, lot.id)
    kept = {one.bid: one for one in await drafts.mine(session, actor, lot.id)}
    voted = await ballots.of_lot(session, actor, lot.id)
    readers = await committees.user_ids(session, lot.id)
    places = []
    for number, one in enumerate(found, 1):
        bid = UUID(one.bid)
        files = tuple(await extraction.list_files(session, actor, bid, readers))
        places.append(Place(number, one, forms.get(one.bid, {}), files, sheets.get(bid), kept.get(bid), voted.get(bid)))
    return places


def _by_kind(criteria: tuple[Criterion, ...]) -> dict[str, list[Criterion]]:
    grouped: dict[str, list[Criterion]] = {}
    for one in criteria:
        grouped.setdefault(one.kind, []).append(one)
    return grouped


def _lines(found: tuple[Offer, ...], forms: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[str, str, list[str]]]:
    """Return (field, particular's name, one value for each bid); a field that nobody filled in has no line."""
    flat = [_flat(forms.get(one.bid, {})) for one in found]
    names = list(dict.fromkeys(name for values in flat for name in values))
    return [(*name, [values.get(name, "") for values in flat]) for name in names]


def _flat(by_kind: dict[str, dict[str, Any]]) -> dict[tuple[str, str], str]:
    values: dict[tuple[str, str], str] = {}
    for form in by_kind.values():
        plain = {name: form.get(name) for name in ("price", "term_days", "quality", "leader")}
        values |= {(name, ""): str(value) for name, value in plain.items() if value is not None}
        values |= {("particular", name): str(value) for name, value in (form.get("particulars") or {}).items()}
    return values
