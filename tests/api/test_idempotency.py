"""``Idempotency-Key``: done once, answered alike, never mixed up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import post

from api import counting
from api.client import Client
from api.transaction import SECRET
from kernel.database import AsyncSession
from kernel.errors import GgzyError

HOUR = timedelta(hours=1)
Small = Callable[..., httpx.AsyncClient]
Stored = Callable[[str], Awaitable[int]]

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


@post("/work")
async def work(data: dict[str, str], session: AsyncSession) -> dict[str, str | int]:
    """Count, slowly enough that others come in between."""
    count = await counting.count(session, "work", HOUR)
    await asyncio.sleep(0.05)
    return {"count": count, **data}


@post("/refuse-once")
async def refuse_once(session: AsyncSession, sessions: Any) -> dict[str, int]:
    """Refuse the first time."""
    async with sessions.begin() as own:
        tries = await counting.count(own, "tries", HOUR)
    if tries == 1:
        raise GgzyError("request.cut_off")
    return {"tries": tries}


@post("/secret", opt=SECRET)
async def secret(session: AsyncSession) -> dict[str, int]:
    """Give something that must not be stored."""
    return {"count": await counting.count(session, "secret", HOUR)}


async def test_a_hundred_at_once_do_the_work_once(small: Small, stored: Stored) -> None:
    """100 equal POSTs with one key: one effect, and every answer is the same one or says that it is in flight."""
    async with small(work) as client:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(client.post("/work", json={"a": "b"}, headers={"Idempotency-Key": "one"}))
                for _ in range(100)
            ]
        answers = [task.result() for task in tasks]
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert done
    assert {answer.content for answer in done} == {b'{"count":1,"a":"b"}'}
    assert {answer.json()["code"] for answer in waiting} <= {"idempotency.in_flight"}
    assert len(done) + len(waiting) == 100
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    assert await stored("work") == 1


async def test_our_client_waits_for_the_one_in_flight(small: Small, stored: Stored) -> None:
    """100 callers through our client, one key: all get the one answer."""
    async with small(work) as http:
        clients = [Client("http://t", transport=http._transport) for _ in range(100)]
        answers = await asyncio.gather(*(client.post("/work", {"a": "b"}, key="two") for client in clients))
    assert answers == [{"count": 1, "a": "b"}] * 100
    assert await stored("work") == 1


async def test_the_stored_answer_comes_again(small: Small, stored: Stored) -> None:
    """Status, body and type are those of the first time, and a header says that it is a replay."""
    async with small(work) as client:
        first, again = [await client.post("/work", json={}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert await stored("work") == 1


async def test_another_body_is_refused(small: Small, stored: Stored) -> None:
    """The same key with another body is 422 and does nothing."""
    async with small(work) as client:
        await client.post("/work", json={"a": "1"}, headers={"Idempotency-Key": "k"})
        other = await client.post("/work", json={"a": "2"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_body")
    assert await stored("work") == 1


async def test_keys_belong_to_a_user(small: Small, someone: Callable[..., Awaitable[Any]], stored: Stored) -> None:
    """Two people with the same key do not see each other's answers."""
    one, other = await someone(), await someone()
    async with small(work) as client:
        for person in (one, other):
            headers = {"Idempotency-Key": "k", **person.headers}
            assert "idempotency-replayed" not in (await client.post("/work", json={}, headers=headers)).headers
    assert await stored("work") == 2


async def test_a_refusal_is_not_kept(small: Small) -> None:
    """What was refused changed nothing, so the same key may be tried again and then succeeds."""
    async with small(refuse_once) as client:
        first, again = [await client.post("/refuse-once", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (422, 201)


async def test_answers_with_secrets_are_not_stored(small: Small, stored: Stored) -> None:
    """A token or password that was shown once is nowhere in the database."""
    async with small(secret) as client:
        for _ in range(2):
            await client.post("/secret", headers={"Idempotency-Key": "k"})
    assert await stored("secret") == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "with space", "\u00e9"])
async def test_a_bad_key_is_refused(small: Small, key: str) -> None:
    """Keys are 1 to 255 visible ASCII characters."""
    async with small(work) as client:
        answer = await client.post("/work", json={}, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert answer.json()["code"] == "idempotency.bad_key"


async def test_a_long_body_is_refused(small: Small, stored: Stored) -> None:
    """JSON beyond 1 MiB is 413, with a key and without one."""
    async with small(work) as client:
        for headers in ({"Idempotency-Key": "k"}, {}):
            answer = await client.post("/work", json={"a": "x" * (1 << 20)}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert await stored("work") == 0
