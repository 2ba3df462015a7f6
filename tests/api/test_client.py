"""Our HTTP client: lost connections are made good, refusals come back as they were raised."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api import client as module
from api.client import Client
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    """The write is sent until it is answered, always under one key and with one body."""
    seen: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["idempotency-key"], request.content))
        if len(seen) < 3:
            raise httpx.ReadError("lost")
        return httpx.Response(201, json={"done": True})

    async with _client(answer) as client:
        assert await client.post("/x", {"a": 1}) == {"done": True}
    assert len(seen) == 3
    assert len(set(seen)) == 1


async def test_two_writes_have_two_keys() -> None:
    """Two calls are two writes, even with equal bodies."""
    keys = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(204)

    async with _client(answer) as client:
        assert [await client.put("/x", {}), await client.delete("/x")] == [None, None]
    assert len(set(keys)) == 2


async def test_a_stream_is_started_anew() -> None:
    """A body that broke half way is sent again from its beginning."""
    seen: list[bytes] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(await request.aread())
        if len(seen) == 1:
            raise httpx.WriteError("broken")
        return httpx.Response(200, text="ok", headers={"content-type": "text/plain"})

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with Client("http://t", transport=httpx.MockTransport(answer)) as client:
        assert await client.upload("/x", body) == "ok"
    assert seen == [b"onetwo", b"onetwo"]


async def test_no_connection_is_told_in_the_end() -> None:
    """After all tries it is ``client.no_connection``."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with _client(answer) as client:
        with pytest.raises(GgzyError, match=r"client\.no_connection"):
            await client.get("/x")


async def test_a_refusal_is_final() -> None:
    """What the server refused is not tried again."""
    tries = []

    def answer(request: httpx.Request) -> httpx.Response:
        tries.append(1)
        return httpx.Response(409, json={"code": "party.known", "params": {"uscc": "x"}})

    async with _client(answer) as client:
        with pytest.raises(GgzyError, match=r"party\.known"):
            await client.post("/x")
    assert len(tries) == 1


def _client(answer: object) -> Client:
    return Client("http://t", transport=httpx.MockTransport(answer), entropy=SeededEntropy(b"client"))  # type: ignore[arg-type]
