"""Experts over HTTP: the pool is its keeper's, calls are the called expert's, refusals come with words."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from litestar import Litestar

from api import jobs
from api.cli import draw as command
from api.client import Client
from api.wiring import Installation
from bidding import keyfile
from bidding.keyfile import BIDDER_SECRET, DEVICE_SEED, KeyFile, Strength
from experts import draws
from experts.draws import Conditions
from experts.verification import verify_draw
from kernel import canonical
from kernel.actor import Grant, Role, party
from tests.bidding import stage
from tests.experts import cast
from tests.experts import scene as scenes

Make = Callable[..., Awaitable[Any]]
SUPERVISOR = Grant(Role.SUPERVISOR, f"site:{cast.SITE}")
LIGHT = Strength(8 << 10, 1)
WITNESS = Grant(Role.WITNESS, f"site:{cast.SITE}")


async def test_a_pool_is_imported_and_kept(client: httpx.AsyncClient, someone: Make) -> None:
    """A file goes in as the raw body; the list shows no 身份证号; a change needs a reason and shows."""
    keeper = await someone(SUPERVISOR)
    data = cast.table([cast.row(n) for n in range(5)])
    done = await client.post("/api/v1/experts/import", content=data, headers=keeper.headers)
    assert done.status_code == 201, done.text
    assert done.json()["count"] == 5
    listed = await client.get("/api/v1/experts", headers=keeper.headers)
    assert len(listed.json()) == 5
    assert cast.resident(0) not in listed.text
    path = f"/api/v1/experts/{listed.json()[0]['id']}"
    body = {"action": "suspend", "reason": "未参加培训"}
    changed = await client.post(f"{path}/changes", json=body, headers=keeper.headers)
    assert changed.json()["state"] == "suspended"
    account = await someone(Grant(Role.EXPERT, "*"))
    link = {"user_id": str(account.actor.user_id)}
    linked = await client.post(f"{path}/account", json=link, headers=keeper.headers)
    assert linked.json()["has_account"] is True


async def test_a_bad_file_tells_every_mistake(client: httpx.AsyncClient, someone: Make) -> None:
    """The problem document counts and lists the mistakes, and nobody is taken in."""
    keeper = await someone(SUPERVISOR)
    data = cast.table([cast.row(1), cast.row(1), cast.row(2, 手机号="x")])
    refused = await client.post("/api/v1/experts/import", content=data, headers=keeper.headers)
    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == "pool.bad_file"
    assert "2 处" in refused.text
    assert (await client.get("/api/v1/experts", headers=keeper.headers)).json() == []
    garbled = data.decode().encode("gb18030")
    refused = await client.post("/api/v1/experts/import", content=garbled, headers=keeper.headers)
    assert refused.json()["code"] == "pool.bad_encoding"


async def test_others_see_nothing(client: httpx.AsyncClient, someone: Make) -> None:
    """Pool, draws, committees and reports do not exist for those who have no part in them."""
    stranger = await someone(WITNESS)
    some = uuid4()
    for path in (
        "/api/v1/experts",
        f"/api/v1/draws/{some}",
        f"/api/v1/draws/{some}/transcript",
        f"/api/v1/lots/{some}/committee",
        f"/api/v1/lots/{some}/report",
    ):
        assert (await client.get(path, headers=stranger.headers)).status_code == 404, path
    assert (await client.get("/api/v1/invitations", headers=stranger.headers)).json() == []


async def test_participants_draw_from_their_devices(
    app: Litestar, installation: Installation, someone: Make, tmp_path: Path
) -> None:
    """Commit, seal, fix and reveal over HTTP with key files; a second try sends the same nonce; names stay codes."""
    async with installation.sessions.begin() as session:
        scene = await scenes.build(session)
    grants = {"centre": WITNESS, "purchaser": Grant(Role.PURCHASER, party(stage.PURCHASER)), "supervisor": SUPERVISOR}
    people = {role: await someone(grant) for role, grant in grants.items()}
    async with installation.sessions.begin() as session:
        conditions = Conditions(scenes.QUOTAS)
        actor = people["centre"].actor
        draw = await draws.prepare(session, actor, scene.lot_id, conditions, entropy=installation.entropy)
    files = {role: tmp_path / f"{role}.key" for role in people}
    for role, one in people.items():
        held = KeyFile({DEVICE_SEED: bytes(one.device), BIDDER_SECRET: bytes(32)})
        keyfile.save(files[role], held, "口令", entropy=installation.entropy, strength=LIGHT)
        await command._commit(_client(app, one), draw.id, role, (files[role], "口令"), installation.entropy)
    await jobs.sequence(installation)
    async with _client(app, people["centre"]) as client:
        await client.post(f"/api/v1/draws/{draw.id}/seed", {})
    for role, one in people.items():
        answer = await command._reveal(_client(app, one), draw.id, keyfile.load(files[role], "口令"))
    assert answer["state"] == "drawn"
    assert answer["calls"] == {"invited": 5}
    await jobs.sequence(installation)
    async with _client(app, people["supervisor"]) as client:
        transcript = await client.get(f"/api/v1/draws/{draw.id}/transcript")
    data = transcript if isinstance(transcript, bytes) else canonical.encode(transcript)
    assert len(verify_draw(data, installation.signer.key)) == 12


def _client(app: Litestar, one: Any) -> Client:
    token = one.headers["Authorization"].removeprefix("Bearer ")
    return Client("http://ggzy.test", token=token, transport=httpx.ASGITransport(app))
