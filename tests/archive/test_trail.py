"""Events: written in the caller's transaction, opened by their salt, and never changed."""

import json
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import trail
from kernel import canonical
from kernel.actor import SYSTEM
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

TRADE = UUID(int=7)


async def test_a_recorded_event_opens_its_commitment(session: AsyncSession, entropy: SeededEntropy) -> None:
    """What was recorded comes back from its opening, field by field."""
    opening = await trail.record(session, SYSTEM, "bid.received", {"lot": "1"}, trade=TRADE, entropy=entropy)
    found = events.verify(opening)
    assert (found.kind, found.trade, found.actor, found.data) == ("bid.received", TRADE, SYSTEM.user_id, {"lot": "1"})
    stored = (await session.execute(text("SELECT body, salt, commitment FROM event"))).one()
    assert stored == (opening.event, opening.salt, opening.commitment)
    assert canonical.encode(json.loads(opening.event)) == opening.event


@pytest.mark.parametrize("statement", ["UPDATE event SET kind = 'x.y'", "DELETE FROM event", "TRUNCATE event CASCADE"])
async def test_events_are_never_changed(session: AsyncSession, entropy: SeededEntropy, statement: str) -> None:
    """UPDATE, DELETE and TRUNCATE of events are refused by the database itself."""
    await trail.record(session, SYSTEM, "site.added", {}, entropy=entropy)
    with pytest.raises(IntegrityError, match="evidence"):
        await session.execute(text(statement))


@pytest.mark.parametrize("kind", ["", "bid", "Bid.received", "bid.received ", "bid..received", "log.heartbeat"])
async def test_a_kind_is_noun_and_past_tense(session: AsyncSession, entropy: SeededEntropy, kind: str) -> None:
    """Other forms are refused, and heartbeats are the sequencer's own."""
    with pytest.raises(GgzyError, match=r"event\.malformed"):
        await trail.record(session, SYSTEM, kind, {}, entropy=entropy)
