"""The opened bids of a lot as its committee judges them: who offers what, from bidding's finished opening records."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bidding import openings
from experts.scoring import Offer
from kernel import canonical
from trading.lot import LotFacts


async def of_lot(session: AsyncSession, lot: LotFacts) -> list[Offer]:
    """Return the bids on the record of stage 1, with what stage 2 has added by now."""
    return [_offer(bid, told) for bid, told in (await _on_record(session, lot)).items()]


async def forms(session: AsyncSession, lot: LotFacts) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what each bid's opened forms say, as the record publishes it: by bid, then by kind of envelope."""
    found = await _on_record(session, lot)
    return {
        bid: {one["kind"]: one["form"] for one in told["envelopes"] if one["form"] is not None}
        for bid, told in found.items()
    }


async def is_opened(session: AsyncSession, lot: LotFacts) -> bool:
    """Tell whether every stage of the lot has its record."""
    stages = sorted({rule.stage for rule in lot.envelopes})
    rows = [await openings.of_lot(session, lot.id, stage) for stage in stages]
    return all(row is not None and row.record is not None for row in rows)


def ids(offers: list[Offer]) -> frozenset[UUID]:
    """Return the bids' ids."""
    return frozenset(UUID(offer.bid) for offer in offers)


async def _on_record(session: AsyncSession, lot: LotFacts) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for stage in sorted({rule.stage for rule in lot.envelopes}):
        row = await openings.of_lot(session, lot.id, stage)
        if row is None or row.record is None:
            continue
        for bid in canonical.decode(row.record)["bids"]:
            kept = found.setdefault(bid["bid"], {"bidder": bid["bidder"], "name": bid["name"], "envelopes": []})
            kept["envelopes"] += bid["envelopes"]
    return found


def _offer(bid: str, told: dict[str, Any]) -> Offer:
    refused = [envelope["code"] for envelope in told["envelopes"] if envelope["outcome"] != "opened"]
    forms = [e["form"] for e in told["envelopes"] if e["kind"] == "price" and e["form"] is not None]
    price = Decimal(forms[0]["price"]) if forms else None
    return Offer(bid, told["bidder"], told["name"] or told["bidder"], price, refused[0] if refused else None)
