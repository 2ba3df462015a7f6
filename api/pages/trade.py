"""What pages of a tender show beside it: its parties, documents, bookings, notices, and how far its lots are."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.pages import life
from kernel.actor import Actor
from trading import bookings, documents, notices, parties, sites
from trading.tenders import Tender


async def facts(session: AsyncSession, actor: Actor, tender: Tender) -> dict[str, Any]:
    """Return it for the tenderer and for staff alike, by the names that the templates use."""
    names = await parties.names(session, {tender.purchaser, *filter(None, [tender.agency]), *tender.invitees})
    return {
        "tender": tender,
        "names": names,
        "documents": await documents.of_tender(session, actor, tender.id),
        "bookings": await bookings.of_tender(session, actor, tender.id),
        "notices": await notices.of_tender(session, tender.id),
        "stages": {lot.id: life.stages(lot) for lot in tender.lots},
        "tag_of": life.tag_of,
        "sites": await sites.names(session),
    }
