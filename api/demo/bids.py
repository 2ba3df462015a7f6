"""Acts: bids are written, sealed by the CLI's code, uploaded (once over a line that breaks), replaced, withdrawn, refused."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from api.demo import drawings, papers
from api.demo.cast import Cast, bidders, party_code
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.papers import Volume
from bidding import keyfile, sealing, target
from bidding.form import Form
from bidding.header import EnvelopeKind
from bidding.payload import FilePlan
from bidding.sealing import Bidder, EnvelopePlan, Sealed
from kernel.entropy import Entropy

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


def plan(trade: Trade) -> list[Bid]:
    """Return a bid of every bidder for every lot, with prices spread below the ceiling."""
    return [
        Bid(number, lot, tale, _price(number, tale), trade.work / "bids" / f"lot{tale['number']}-bidder{number}")
        for lot, tale in zip(trade.lots, papers.story()["lot"], strict=True)
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
        volume = Volume(title, bid.tale, party["name"], party_code(party), seed, paragraphs, total)
        data = papers.bid_data(volume, trade.tender["code"], date, sandbox=True)
        papers.render("bid.typ", data, path, trade.fonts)
        files = [FilePlan(path, f"{title}.pdf", PDF)]
        if kind is EnvelopeKind.TECHNICAL and bid.bidder == SCATTER:
            sheets = drawings.write(bid.folder / "drawings.pdf", trade.megabytes)
            files.append(FilePlan(sheets, "施工组织设计附图.pdf", PDF))
        plans.append(EnvelopePlan(_form(kind, bid, party), tuple(files)))
    return plans


def seal(bid: Bid, plans: list[EnvelopePlan], published: bytes, key: keyfile.KeyFile, entropy: Entropy) -> Sealed:
    """Seal a bid for what the platform published of its lot."""
    uscc = party_code(bidders(bid.bidder)[-1])
    bidder = Bidder(uscc, key.signing_key(), key.secret(keyfile.BIDDER_SECRET))
    return sealing.seal_bid(target.parse(published), plans, bidder, entropy=entropy, out=bid.sealed)


def _form(kind: EnvelopeKind, bid: Bid, party: dict[str, Any]) -> Form:
    if kind is EnvelopeKind.PRICE:
        return Form(kind=kind, price=bid.price, term_days=bid.tale["days"] - bid.bidder, quality="合格", leader=party["leader"])
    return Form(kind=kind, leader=party["leader"])


def _price(number: int, tale: dict[str, Any]) -> Decimal:
    share = Decimal("0.905") + Decimal("0.0137") * (number * 7 % 6) + Decimal("0.0011") * number
    return (Decimal(tale["ceiling"]) * share).quantize(Decimal("0.01"))
