"""A receipt on paper: PDF by typst, with the whole receipt in a QR code (docs/spec/receipt.md, section 5)."""

import asyncio
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import segno
from litestar import Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.accounts import policy
from api.web import PAGE
from api.wiring import Installation
from archive import paper, receipt_code
from archive import receipt as receipts
from bidding import submissions
from bidding.submissions import Bid
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.errors import permit
from trading import heading, parties
from trading.heading import Heading

TEMPLATE = Path(__file__).parents[1] / "papers" / "receipt.typ"


@get("/bid/bids/{bid_id:uuid}/receipt.pdf", opt=PAGE, include_in_schema=False)
async def receipt(bid_id: UUID, session: AsyncSession, actor: Actor, installation: Installation) -> Response[bytes]:
    """Return the receipt of one's own bid on paper; the same bytes each time."""
    permit(policy.must_be_person(actor))
    bid = await submissions.find(session, actor, bid_id)
    above = await heading.of_lot(session, bid.lot_id)
    names = await parties.names(session, {bid.bidder})
    data = _data(bid, above, names.get(bid.bidder, bid.bidder), installation.settings.name)
    await session.rollback()  # nothing was written; the connection goes back before typst works
    pdf = await asyncio.to_thread(paper.render, TEMPLATE, data, created=bid.received_at)
    return download.private(pdf, "application/pdf", f"receipt-{str(bid.id)[:8]}.pdf", inline=True)


def _data(bid: Bid, above: Heading, name: str, platform: str) -> dict[str, Any]:
    said = receipts.decode(bid.receipt.content)
    return {
        "platform": platform,
        "heading": asdict(above),
        "name": name,
        "bidder": bid.bidder,
        "at": isoformat(said.event.at),
        "deadline": isoformat(bid.deadline),
        "number": said.event.data["manifest"],
        "digest": bid.receipt.digest.hex(),
        "log": said.log,
        "sandbox": said.event.sandbox,
        "envelopes": said.event.data["envelopes"],
        "code_svg": _code(bid),
    }


def _code(bid: Bid) -> str:
    """Return the QR code as SVG text."""
    out = io.BytesIO()
    text = receipt_code.write(bid.receipt.content, bid.receipt.token)
    segno.make(text, error="m", boost_error=False).save(out, kind="svg", border=2, svgclass=None, lineclass=None)
    return out.getvalue().decode()


HANDLERS = (receipt,)
