"""A bidder's pages: own bids, the page that seals and hands in, the confirmation, statements about a bid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy as account_policy
from api.web import PAGE, Entry, Page, Task, page, see
from archive import receipt as receipts
from bidding import outcomes, own_bids, papers, policy, statement, submissions
from bidding.outcomes import Outcome
from bidding.submissions import Bid
from bidding.tables import CONFIRMATION, LIVE, WITHDRAWAL, WITHDRAWN
from kernel import database
from kernel.actor import Actor, Role
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots, parties
from trading.lot import LotFacts

NAVIGATION = (Entry("/bid", "pages.bid.nav", frozenset({Role.BIDDER})),)
STATEMENTS = {"withdrawal": WITHDRAWAL, "confirmation": CONFIRMATION}
TAGS = {
    **dict.fromkeys(("live", "won", "ranked"), "good"),
    **dict.fromkeys(("unconfirmed", "due", "opening"), "wait"),
    **dict.fromkeys(("replaced", "withdrawn", "unopened", "lost", "unranked", "failed", "terminated"), "off"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A bid with its lot and its state (`unconfirmed`: live, but the deadline has moved).

    `outcome` says what became of it after the deadline, `papers` of which stages there is a signed record.
    """

    bid: Bid
    lot: LotFacts | None
    state: str
    outcome: Outcome | None = None
    papers: Sequence[int] = ()

    @property
    def number(self) -> str:
        """The number by which people name the bid: SHA-256 of its manifest, in hex."""
        return str(receipts.decode(self.bid.receipt.content).event.data["manifest"])

    @property
    def told(self) -> str:
        """The last part of the words' code for how it stands: its fate once its deadline has passed."""
        return self.outcome.fate if self.outcome else self.state

    @property
    def tag(self) -> str:
        """How that is shown."""
        return TAGS.get(self.told, "plain")

    @property
    def rooms(self) -> list[int]:
        """The stages whose rooms are worth a look: the first from the deadline on, later ones with their records."""
        return sorted({1, *self.papers}) if self.outcome else []


class Bids(Controller):
    """Pages of those who bid."""

    path = "/bid"
    include_in_schema = False
    opt = PAGE

    @get()
    async def own(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List the lots that wait for a bid, and all own bids."""
        permit(account_policy.must_be_person(actor))
        bids = await own_bids.list_all(session, actor)
        found = await own_bids.titles(session, actor, bids)
        shown = await show_all(session, bids, found)
        waiting = await own_bids.opportunities(session, actor)
        return page(request, "bid/list.html", bids=shown, waiting=waiting, bidder=bool(actor.parties(Role.BIDDER)))

    @get("/lots/{lot_id:uuid}")
    async def lot(self, lot_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the page on which a bid for a lot is written, sealed and handed in; or why none can be."""
        permit(account_policy.must_be_person(actor))
        lot = await lots.read(session, actor, lot_id)
        own = sorted(actor.parties(Role.BIDDER))
        if not own:
            raise GgzyError("bid.not_a_bidder", Kind.FORBIDDEN)
        uscc = request.query_params.get("bidder") or own[0]
        permit(policy.may_bid(actor, uscc) or await lots.enterable(session, actor, lot, uscc))
        refusal = policy.is_biddable(lot) or policy.is_in_time(lot, await database.now(session))
        bids = [bid for bid in await submissions.list_own(session, actor, lot_id) if bid.bidder == uscc]
        names = await parties.names(session, set(own))
        return page(
            request,
            "bid/lot.html",
            lot=lot,
            uscc=uscc,
            names=names,
            refusal=refusal,
            live=next(iter(await show_all(session, [bid for bid in bids if bid.state == LIVE], {lot.id: lot})), None),
        )

    @get("/bids/{bid_id:uuid}")
    async def bid(self, bid_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show one bid: its number, its receipt, and what may still be done with it."""
        permit(account_policy.must_be_person(actor))
        bid = await submissions.find(session, actor, bid_id)
        lot = await lots.facts(session, bid.lot_id)
        closed = policy.may_receive(actor, bid.bidder, lot, await database.now(session))
        (shown,) = await show_all(session, [bid], {lot.id: lot})
        names = await parties.names(session, {bid.bidder})
        return page(
            request,
            "bid/bid.html",
            wasm=True,
            shown=shown,
            lot=lot,
            closed=closed,
            event=receipts.decode(bid.receipt.content).event,
            name=names.get(bid.bidder, bid.bidder),
            acknowledged=_acknowledged(bid),
        )

    @get("/bids/{bid_id:uuid}/{kind:str}")
    async def statement(
        self, bid_id: UUID, kind: str, request: Page, session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Show the page on which a withdrawal or a confirmation is signed; or lead back when it is done."""
        permit(account_policy.must_be_person(actor))
        if kind not in STATEMENTS:
            raise not_found("statement")
        bid = await submissions.find(session, actor, bid_id)
        lot = await lots.facts(session, bid.lot_id)
        (shown,) = await show_all(session, [bid], {lot.id: lot})
        done = bid.state == WITHDRAWN if kind == "withdrawal" else shown.state != "unconfirmed"
        if done or lot.deadline is None:
            return see(f"/bid/bids/{bid_id}")
        refusal = policy.may_receive(actor, bid.bidder, lot, await database.now(session))
        fields = statement.fields(
            STATEMENTS[kind], lot=lot.id, bid=bid.id, receipt=bid.receipt.digest, deadline=lot.deadline
        )
        return page(request, "bid/statement.html", shown=shown, lot=lot, kind=kind, fields=fields, refusal=refusal)


async def show_all(session: AsyncSession, bids: Sequence[Bid], known: Mapping[UUID, LotFacts]) -> list[Shown]:
    """Return bids as they are shown to their bidders, with what became of them; `known` are their lots."""
    fates = await outcomes.of(session, bids, known)
    made = await papers.stages(session, {bid.lot_id for bid in bids if bid.id in fates}) if fates else {}
    return [_show(bid, known.get(bid.lot_id), fates.get(bid.id), made.get(bid.lot_id, ())) for bid in bids]


def _show(bid: Bid, lot: LotFacts | None, outcome: Outcome | None, made: Sequence[int]) -> Shown:
    moved = lot is not None and outcome is None and bid.stands_until != lot.deadline
    return Shown(bid, lot, "unconfirmed" if bid.state == LIVE and moved else bid.state, outcome, made)


def _acknowledged(bid: Bid) -> list[str]:
    """Return the statements about a bid for which there are receipts."""
    confirmed = ["confirmation"] if bid.stands_until != bid.deadline else []
    return confirmed + (["withdrawal"] if bid.state == WITHDRAWN else [])


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Return what waits for a bidder: a device key to be made, bids to be handed in, bids to be confirmed."""
    if not actor.parties(Role.BIDDER):
        return []
    found = [] if actor.device_key is not None else [Task("pages.bid.task_device", "/bid/device", {})]
    for one in await own_bids.opportunities(session, actor):
        told: dict[str, object] = {"lot": one.lot, "code": one.lot.tender_code}
        if one.live is None:
            path = f"/bid/lots/{one.lot.id}?bidder={one.bidder}"
            found.append(Task("pages.bid.task_submit", path, told, one.lot.deadline))
        elif one.unconfirmed:
            found.append(
                Task("pages.bid.task_confirm", f"/bid/bids/{one.live.id}/confirmation", told, one.lot.deadline)
            )
    return found
