"""What is told to whom when something happened: one rule for each kind of event in the log.

A rule sees the event and may ask services; it returns what to tell. Nothing is told before the law allows: who took
documents and who bids is told to themselves alone (法22), an expert learns of a call without the project's name (法37).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import trail
from archive.event import Event
from bidding import ceremony
from experts import invitations
from trading import lots
from trading.lot import LotFacts, own_title


@dataclass(frozen=True, slots=True)
class Post:
    """One thing to tell: `code` and `params` of its words, the page where it is dealt with; to a person or a party.

    `key` names it where it is not the event that does, so that the same is told to the same recipient once.
    """

    code: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    user_id: UUID | None = None
    party: str | None = None
    key: str = ""


Rule = Callable[[AsyncSession, Event], Awaitable[list[Post]]]
TO_TENDERER = frozenset({"return", "accept", "fail", "suspend", "resume"})
TO_BIDDERS = frozenset({"publicize", "award", "fail", "terminate", "suspend", "resume"})


async def posts(session: AsyncSession, event: Event) -> list[Post]:
    """Return what is to be told of an event; nothing for most kinds."""
    rule = _RULES.get(event.kind) or (_step if event.kind.startswith("lot.") else None)
    return await rule(session, event) if rule is not None else []


async def _deadline(session: AsyncSession, event: Event) -> list[Post]:
    lot = await _lot(session, event)
    params = _named(lot) | {"old": event.data["old"], "new": event.data["new"]}
    return [Post("deadline_moved", _bid(lot), params, party=one) for one in await _takers(session, lot)]


async def _notice(session: AsyncSession, event: Event) -> list[Post]:
    """Tell of a clarification to all who took the documents of a lot of the trade."""
    if event.data["kind"] != "clarification" or event.trade is None:
        return []
    path, found = f"/notices/{event.data['notice']}", (await lots.of_tenders(session, [event.trade]))[event.trade]
    takers = {party for lot in found for party in await _takers(session, lot)}
    return [Post("clarified", path, {"tender": found[0].tender_title}, party=one) for one in sorted(takers)]


async def _bid_received(session: AsyncSession, event: Event) -> list[Post]:
    lot = await _lot(session, event)
    return [Post("bid_received", _bid(lot), _named(lot), party=event.data["bidder"])]


async def _bid_withdrawn(session: AsyncSession, event: Event) -> list[Post]:
    lot = await _lot(session, event)
    return [Post("bid_withdrawn", _bid(lot), _named(lot), party=event.data["bidder"])]


async def _opening(session: AsyncSession, event: Event) -> list[Post]:
    """Tell bidders that the opening begins, and custodians that their shares are wanted."""
    lot = await _lot(session, event)
    room = f"/openings/{lot.id}/{event.data['stage']}"
    told = [Post("opening_began", room, _named(lot), party=bid["bidder"]) for bid in event.data["bids"]]
    assigned = [entry async for entry in trail.openings(session, lot.tender_id, kind="opening_key.assigned")]
    given = [events.decode(entry.opening.event).data for entry in assigned]
    keys = [UUID(data["ceremony"]) for data in given if data["lot"] == str(lot.id)]
    people = await ceremony.custodians(session, keys[-1]) if keys else []
    return told + [Post("shares_wanted", "/custody", _named(lot), user_id=one.user_id) for one in people]


async def _ceremony(session: AsyncSession, event: Event) -> list[Post]:
    people = await ceremony.custodians(session, UUID(event.data["ceremony"]))
    return [Post("key_wanted", "/custody", user_id=one.user_id) for one in people]


async def _called(session: AsyncSession, event: Event) -> list[Post]:
    """Tell called experts that they are called, and nothing of what for."""
    draw = event.data["draw"]
    awaited = await invitations.awaited(session, UUID(draw))
    return [Post("expert_called", "/expert", user_id=one, key=f"draw/{draw}") for one in awaited]


async def _step(session: AsyncSession, event: Event) -> list[Post]:
    """Tell of a step in a lot's life: the tenderer of what was decided upon it, bidders and takers of its outcome."""
    step, lot = event.data["step"], await _lot(session, event)
    told = []
    if step in TO_TENDERER:
        parties = {lot.purchaser, *([lot.agency] if lot.agency else [])}
        path = f"/purchase/tenders/{lot.tender_id}"
        told += [Post(f"lot_{step}", path, _named(lot), party=one) for one in sorted(parties)]
    if step in TO_BIDDERS:
        path = f"/tenders/{lot.tender_id}"
        told += [Post(f"lot_{step}", path, _named(lot), party=one) for one in await _takers(session, lot)]
    return told


async def _forgotten(_session: AsyncSession, event: Event) -> list[Post]:
    """Have a link sent to who forgot their password; the message says that somebody asked."""
    return [Post("password_reset", "/account", user_id=UUID(event.data["user"]))]


async def _lot(session: AsyncSession, event: Event) -> LotFacts:
    return await lots.facts(session, UUID(event.data["lot"]))


async def _takers(session: AsyncSession, lot: LotFacts) -> list[str]:
    """Return who took the documents of a lot, as the log has it."""
    entries = [entry async for entry in trail.openings(session, lot.tender_id, kind="documents.issued")]
    given = [events.decode(entry.opening.event).data for entry in entries]
    return sorted({data["bidder"] for data in given if data["lot"] == str(lot.id)})


def _named(lot: LotFacts) -> dict[str, Any]:
    return {"tender": lot.tender_title, "number": lot.number, "title": own_title(lot.title)}


def _bid(lot: LotFacts) -> str:
    return f"/bid/lots/{lot.id}"


_RULES: dict[str, Rule] = {
    "deadline.moved": _deadline,
    "notice.published": _notice,
    "bid.received": _bid_received,
    "bid.withdrawn": _bid_withdrawn,
    "opening.began": _opening,
    "key_ceremony.begun": _ceremony,
    "draw.drawn": _called,
    "draw.called": _called,
    "password.reset_asked": _forgotten,
}
