"""No request whatever makes the server fail: every operation of the API's own description, with fit and unfit input."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar

from api.wiring import Installation
from kernel.actor import ADMINS, EVERYWHERE, STAFF, Grant, Role, party
from tests.api.hostile import Description
from tests.bidding import scene as scenes
from tests.bidding import stage
from trading import lots

Make = Callable[..., Awaitable[Any]]
LOOSE = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
SERVER_FAILED = 500


@pytest.fixture
async def people(someone: Make) -> list[dict[str, str]]:
    """Headers of nobody, of one who holds every role that goes together, and of the three administrators."""
    roles = [Grant(role, EVERYWHERE) for role in sorted(STAFF | {Role.SUPERVISOR, Role.EXPERT})]
    for_parties = [Grant(role, party(stage.PURCHASER)) for role in (Role.PURCHASER, Role.AGENCY)]
    busy = await someone(*roles, *for_parties, Grant(Role.BIDDER, party(stage.USCCS[0])))
    admins = [await someone(Grant(role, EVERYWHERE)) for role in sorted(ADMINS)]
    return [busy.headers, busy.headers, busy.headers, {}, *(one.headers for one in admins)]


@pytest.fixture
async def described(app: Litestar, installation: Installation, tmp_path: Path) -> Description:
    """The API's description, with the ids of a lot that takes bids, of one bid, and of what belongs to them."""
    scene = await scenes.prepare(installation, tmp_path)
    bid = await scene.hand_in(0)
    await scene.sequence()
    async with installation.sessions() as session:
        lot = await lots.facts(session, scene.lot_id)
    key = scene.made.key
    known = {
        "lot_id": str(lot.id),
        "tender_id": str(lot.tender_id),
        "bid_id": str(bid),
        "transcript_hash": key.transcript.hex(),
        "uscc": stage.PURCHASER,
        "site": stage.SITE,
        "bidder": stage.USCCS[0],
    }
    return Description(app, known)


@settings(parent=LOOSE, max_examples=400)
@given(data=st.data())
async def test_nothing_fails(
    data: st.DataObject, client: httpx.AsyncClient, described: Description, people: list[dict[str, str]]
) -> None:
    """A few hundred requests over all operations: answered or refused, never with a status of 500 and above."""
    await ask(data, client, described, people)


@pytest.mark.soak
@settings(parent=LOOSE, max_examples=20_000)
@given(data=st.data())
async def test_nothing_fails_for_long(
    data: st.DataObject, client: httpx.AsyncClient, described: Description, people: list[dict[str, str]]
) -> None:
    """The same for half an hour."""
    await ask(data, client, described, people)


async def ask(
    data: st.DataObject, client: httpx.AsyncClient, described: Description, people: list[dict[str, str]]
) -> None:
    """Draw one request and send it."""
    operation = data.draw(st.sampled_from(described.operations))
    request = data.draw(described.request(operation))
    request["headers"] |= data.draw(st.sampled_from(people))
    answer = await client.request(**request)
    assert answer.status_code < SERVER_FAILED, (request["method"], request["url"], answer.text)
