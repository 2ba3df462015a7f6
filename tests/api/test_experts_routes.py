"""Experts over HTTP: the pool is its keeper's, calls are the called expert's, refusals come with words."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx

from kernel.actor import Grant, Role
from tests.experts import cast

Make = Callable[..., Awaitable[Any]]
SUPERVISOR = Grant(Role.SUPERVISOR, f"site:{cast.SITE}")
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
