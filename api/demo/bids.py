"""Acts: bids are written, sealed, sent (once over a line that breaks), replaced, withdrawn, refused when late."""

import asyncio
import hashlib
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from api import bidder
from api.client import Client
from api.demo import drawings, papers
from api.demo.cast import Cast, bidders, party_code
from api.demo.console import Stage
from api.demo.cut import Cut, breaking_line
from api.demo.entry import Trade, advance, platform_time
from api.demo.papers import Volume
from api.locale import words
from archive import receipt as receipts
from bidding import bidfile, keyfile, sealing
from bidding.form import Form
from bidding.payload import FilePlan
from bidding.sealing import Bidder, EnvelopePlan, Sealed
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind

PDF = "application/pdf"
VOLUMES = {
    EnvelopeKind.QUALIFICATION: ("资格审查资料", 2),
    EnvelopeKind.TECHNICAL: ("技术标", 7),
    EnvelopeKind.PRICE: ("商务标", 1),
}
SCATTER = 3  # the bidder with the large file and the bad network


@dataclass(slots=True)
class Bid:
    """One bid of the demo: who, for which lot, at what price, and where its files are."""

    bidder: int
    lot: dict[str, Any]
    tale: dict[str, Any]
    price: Decimal
    folder: Path

    @property
    def login(self) -> str:
        """Return the login of its bidder."""
        return f"bidder{self.bidder}"

    @property
    def sealed(self) -> Path:
        """Return where the sealed bid lies."""
        return self.folder / "bid.sealed"


async def hand_in(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Seal and hand in every bid: replace one, withdraw one, send one over a line that breaks."""
    bids = plan(trade)
    date = f"{(await platform_time(cast['agency'].client)):%Y年%m月%d日}"
    with stage.act("seal", bids=len(bids)):
        for bid in bids:
            plans = await asyncio.to_thread(write, bid, trade, date)
            size = sealing.plaintext_length(plans)
            with stage.progress("sealing", size, bidder=bid.bidder, lot=bid.lot["number"]) as done:
                sealed = await seal(cast, bid, plans, progress=done)
            stage.say("sealed", bidder=bid.bidder, lot=bid.lot["number"], size=f"{sealed.size / 1e6:.1f}")
    with stage.act("submit"):
        for bid in bids:
            await submit(stage, cast, bid, broken=bid.bidder == SCATTER and bid.lot["number"] == 1)
    with stage.act("replace"):
        await _replace(stage, cast, trade, bids, date)
    with stage.act("withdraw"):
        withdrawn = bids.pop()
        await _withdraw(stage, cast, withdrawn)
        trade.facts["withdrawn"] = {"bidder": withdrawn.bidder, "lot": withdrawn.lot["number"]}
    await advance(cast, trade.deadline)
    with stage.act("late"):
        await _late(stage, cast, trade, withdrawn, date)
    trade.handed_in = bids


def plan(trade: Trade) -> list[Bid]:
    """Return a bid of every bidder for every lot, with prices spread below the ceiling."""
    return [
        Bid(number, lot, tale, _price(number, tale), trade.work / "bids" / f"lot{tale['number']}-bidder{number}")
        for lot, tale in zip(trade.lots, trade.tale["lot"], strict=True)
        for number in range(1, trade.bids + 1)
    ]


def write(bid: Bid, trade: Trade, date: str) -> list[EnvelopePlan]:
    """Make the volumes of a bid and return what is to be sealed; one bidder adds a large drawing set."""
    bid.folder.mkdir(parents=True, exist_ok=True)
    party = bidders(trade.bids)[bid.bidder - 1]
    plans = []
    for kind, (title, paragraphs) in VOLUMES.items():
        path = bid.folder / f"{kind.value}.pdf"
        total = bid.price if kind is EnvelopeKind.PRICE else None
        seed = f"{bid.bidder} {bid.lot['number']} {kind.value} {bid.price}"
        prose = paragraphs if trade.megabytes else 1
        volume = Volume(trade.tender["title"], title, bid.tale, party["name"], party_code(party), seed, prose, total)
        data = papers.bid_data(volume, trade.tender["code"], date, sandbox=True)
        papers.render("bid.typ", data, path)
        files = [FilePlan(path, f"{title}.pdf", PDF)]
        if kind is EnvelopeKind.TECHNICAL and bid.bidder == SCATTER and trade.megabytes:
            sheets = drawings.write(bid.folder / "drawings.pdf", trade.megabytes)
            files.append(FilePlan(sheets, "施工组织设计附图.pdf", PDF))
        plans.append(EnvelopePlan(_form(kind, bid, party), tuple(files)))
    return plans


async def seal(cast: Cast, bid: Bid, plans: list[EnvelopePlan], **more: Any) -> Sealed:
    """Seal a bid for what the platform published of its lot, as `ggzy seal` does."""
    person = cast[bid.login]
    lot = await bidder.target(person.client, UUID(bid.lot["id"]))
    uscc = party_code(bidders(bid.bidder)[-1])
    own = Bidder(uscc, person.key.signing_key(), person.key.secret(keyfile.BIDDER_SECRET))
    return await asyncio.to_thread(sealing.seal_bid, lot, plans, own, entropy=cast.entropy, out=bid.sealed, **more)


async def submit(stage: Stage, cast: Cast, bid: Bid, *, broken: bool = False) -> None:
    """Upload and hand in, as `ggzy submit` does; a broken line resumes by itself."""
    person, sealed = cast[bid.login], bidfile.read(bid.sealed)
    cut = Cut([sealed.path.stat().st_size // 3, sealed.path.stat().st_size * 2 // 3] if broken else [])
    async with AsyncExitStack() as stack:
        client = person.client
        if broken:
            url = await stack.enter_async_context(breaking_line(int(cast.url.rpartition(":")[2]), cut))
            client = await stack.enter_async_context(Client(url, token=client.token))
        total = sum(envelope.length for envelope in sealed.manifest.envelopes)
        with stage.progress("sending", total, bidder=bid.bidder, lot=bid.lot["number"]) as done:
            keys = await bidder.pinned(client)
            files = await bidder.submit(client, sealed, keys=keys, advance=done, folder=bid.folder)
    said = receipts.decode(files.content).event
    if broken:
        stage.say("resumed", bidder=bid.bidder, breaks=cut.breaks)
    stage.say(
        "received", bidder=bid.bidder, lot=bid.lot["number"], at=isoformat(said.at), digest=files.digest.decode()[:16]
    )


async def _replace(stage: Stage, cast: Cast, trade: Trade, bids: list[Bid], date: str) -> None:
    """Let the second bidder hand in a cheaper bid for the first lot; the first receipt is named in it."""
    bid = next(one for one in bids if one.bidder == 2)  # noqa: PLR2004 - the second bidder
    previous = hashlib.sha256((bid.folder / "receipt.json").read_bytes()).digest()
    shutil.copytree(bid.folder, bid.folder.with_name(f"{bid.folder.name}-replaced"))
    trade.facts["replaced"] = {"bidder": bid.bidder, "lot": bid.lot["number"], "receipt": previous.hex()}
    bid.price = (bid.price * Decimal("0.985")).quantize(Decimal("0.01"))
    await seal(cast, bid, await asyncio.to_thread(write, bid, trade, date), previous=previous)
    await submit(stage, cast, bid)


async def _withdraw(stage: Stage, cast: Cast, bid: Bid) -> None:
    """Withdraw by a signed statement, as `ggzy withdraw` does."""
    person, folder = cast[bid.login], bid.folder.with_name(f"{bid.folder.name}-withdrawal")
    receipt = (bid.folder / "receipt.json").read_bytes()
    keys = await bidder.pinned(person.client)
    await bidder.withdraw(person.client, receipt, person.key.signing_key(), keys=keys, folder=folder)
    stage.say("withdrawn", bidder=bid.bidder, lot=bid.lot["number"])


async def _late(stage: Stage, cast: Cast, trade: Trade, bid: Bid, date: str) -> None:
    """Let who withdrew try once more after the deadline; the refusal names both times."""
    try:
        await seal(cast, bid, await asyncio.to_thread(write, bid, trade, date))
        await submit(stage, cast, bid)
    except GgzyError as refusal:
        stage.say("refused", bidder=bid.bidder, words=words(refusal.code, refusal.params), code=refusal.code)
        trade.facts["late"] = {"code": refusal.code, "params": refusal.params}
    else:
        raise GgzyError("demo.late_accepted", Kind.INTEGRITY)


def _form(kind: EnvelopeKind, bid: Bid, party: dict[str, Any]) -> Form:
    if kind is EnvelopeKind.PRICE:
        return Form(
            kind=kind, price=bid.price, term_days=bid.tale["days"] - bid.bidder, quality="合格", leader=party["leader"]
        )
    return Form(kind=kind, leader=party["leader"])


def _price(number: int, tale: dict[str, Any]) -> Decimal:
    share = Decimal("0.905") + Decimal("0.0137") * (number * 7 % 6) + Decimal("0.0011") * number
    return (Decimal(tale["ceiling"]) * share).quantize(Decimal("0.01"))
