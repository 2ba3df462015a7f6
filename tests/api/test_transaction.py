"""One transaction per request: nobody is told of what was not stored, and nothing is stored that was refused."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Request, get, post, put
from litestar.response import Redirect
from sqlalchemy import text

from api import counting, refusals
from api.transaction import STREAMED
from api.wiring import Installation
from kernel.actor import Grant, Role
from kernel.database import AsyncSession, Sessions
from kernel.errors import GgzyError, Kind
from tests.api.conftest import assemble

HOUR = timedelta(hours=1)
Small = Callable[..., httpx.AsyncClient]
Stored = Callable[[str], Awaitable[int]]

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


@post("/kept")
async def kept(session: AsyncSession) -> dict[str, int]:
    """Store something and say so."""
    return {"count": await counting.count(session, "kept", HOUR)}


@post("/moved")
async def moved(session: AsyncSession) -> Redirect:
    """Store something and lead elsewhere."""
    await counting.count(session, "moved", HOUR)
    return Redirect("/elsewhere", status_code=303)


@post("/refused")
async def refused(session: AsyncSession) -> None:
    """Store something, then refuse."""
    await counting.count(session, "refused", HOUR)
    raise GgzyError("idempotency.bad_key", Kind.CONFLICT)


@post("/broken")
async def broken(session: AsyncSession) -> None:
    """Store something, then break."""
    await counting.count(session, "broken", HOUR)
    raise ZeroDivisionError("password=hunter2")


@post("/unrendered")
async def unrendered(session: AsyncSession) -> dict[str, Any]:
    """Store something, then return what cannot be rendered."""
    await counting.count(session, "unrendered", HOUR)
    return {"what": object()}


@get("/looked")
async def looked(session: AsyncSession) -> str:
    """Store something where only reading is meant."""
    await counting.count(session, "looked", HOUR)
    return "ok"


async def test_a_write_is_stored_when_answered(small: Small, stored: Stored) -> None:
    """An answer below 400 means that the work is committed."""
    async with small(kept) as client:
        assert (await client.post("/kept")).status_code == 201
    assert await stored("kept") == 1


async def test_the_answer_leaves_after_the_commit(installation: Installation, stored: Stored) -> None:
    """When the first byte of the answer goes out, another connection already sees the work."""
    seen: list[tuple[str, int]] = []

    async def send(message: Any) -> None:
        seen.append((message["type"], await stored("kept")))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await assemble(installation, kept)(_scope("POST", "/kept"), receive, send)
    assert seen == [("http.response.start", 1), ("http.response.body", 1)]


async def test_a_failed_commit_is_a_500_and_nothing_is_stored(
    small: Small, stored: Stored, installation: Installation
) -> None:
    """A commit that fails is told as such; no 201 was sent before."""
    async with installation.sessions.begin() as session:
        await session.execute(
            text("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
        )
        await session.execute(
            text(
                "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON counter DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        )
    async with small(kept) as client:
        answer = await client.post("/kept")
    assert answer.status_code == 500
    assert answer.json()["code"] == "server.failed"
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored("kept") == 0


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (refused, 409, "idempotency.bad_key"),
        (broken, 500, "server.failed"),
        (unrendered, 500, "server.failed"),
    ],
    ids=["refused", "broken", "unrendered"],
)
async def test_what_fails_stores_nothing(small: Small, stored: Stored, handler: Any, status: int, code: str) -> None:
    """A refusal, a fault and an answer that cannot be rendered all roll back, and tell nothing of the inside."""
    path = next(iter(handler.paths))
    async with small(handler) as client:
        answer = await client.post(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "hunter2" not in answer.text
    assert await stored(path.strip("/")) == 0


async def test_a_redirect_keeps_the_work(small: Small, stored: Stored) -> None:
    """303 after a write is a success."""
    async with small(moved) as client:
        assert (await client.post("/moved")).status_code == 303
    assert await stored("moved") == 1


async def test_reading_never_stores(small: Small, stored: Stored) -> None:
    """A GET cannot change anything, even by mistake."""
    async with small(looked) as client:
        assert (await client.get("/looked")).status_code == 200
    assert await stored("looked") == 0


async def test_a_refusal_of_a_person_is_an_event(
    small: Small, someone: Callable[..., Awaitable[Any]], events: Callable[[str], Awaitable[list[bytes]]]
) -> None:
    """The refusal is in the trail with who, what and where, though the work was rolled back."""
    person = await someone(Grant(Role.BIDDER, "party:91152500MA0NABCD12"))
    async with small(refused) as client:
        await client.post("/refused", headers=person.headers)
    (event,) = [json.loads(body) for body in await events("request.refused")]
    assert event["actor"] == str(person.actor.user_id)
    assert event["data"] == {"code": "idempotency.bad_key", "method": "POST", "path": "/refused"}


async def test_a_flood_of_refusals_is_cut(
    small: Small,
    someone: Callable[..., Awaitable[Any]],
    events: Callable[[str], Awaitable[list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One person cannot fill the trail: beyond the limit of a minute refusals are answered but not recorded."""
    monkeypatch.setattr(refusals, "PER_PERSON", 5)
    person = await someone()
    async with small(refused) as client:
        for _ in range(30):
            assert (await client.post("/refused", headers=person.headers)).status_code == 409
    assert 5 <= len(await events("request.refused")) <= 10  # the minute may turn once in between


async def test_a_streamed_body_is_not_gathered_and_holds_no_connection(installation: Installation) -> None:
    """The handler works on the first chunk before the last one is sent, and no database connection is taken."""
    first_seen, progress = asyncio.Event(), []

    @put("/stream", opt=STREAMED, request_max_body_size=None)
    async def stream(request: Request, sessions: Sessions) -> dict[str, int]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            progress.append(installation.engine.pool.checkedout())  # type: ignore[attr-defined]
            first_seen.set()
        async with sessions.begin() as session:
            await counting.count(session, "streamed", HOUR)
        return {"size": size}

    chunks = iter([b"a" * 1000, b"b" * 1000])

    async def receive() -> Any:
        chunk = next(chunks)
        if chunk.startswith(b"b"):
            await asyncio.wait_for(first_seen.wait(), 10)
        return {"type": "http.request", "body": chunk, "more_body": chunk.startswith(b"a")}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await assemble(installation, stream)(_scope("PUT", "/stream"), receive, send)
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"]) == {"size": 2000}
    assert set(progress) == {0}


async def test_a_streamed_route_is_given_no_session(small: Small) -> None:
    """A handler that would hold a transaction while a body streams is a fault, not a habit."""

    @put("/stream", opt=STREAMED)
    async def stream(session: AsyncSession) -> None:
        await session.execute(text("SELECT 1"))

    async with small(stream) as client:
        assert (await client.put("/stream")).status_code == 500


def _scope(method: str, path: str) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"t")],
        "client": ("127.0.0.1", 1),
        "server": ("t", 80),
        "state": {},
        "extensions": {},
    }
