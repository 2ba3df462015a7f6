"""The HTTP client of the command line and the demo: tokens, idempotent writes, retries, problems as `GgzyError`."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import httpx

from kernel.entropy import Entropy, SystemEntropy
from kernel.errors import GgzyError, Kind

TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds
KINDS = {
    401: Kind.UNAUTHENTICATED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    409: Kind.CONFLICT,
    413: Kind.TOO_LARGE,
    429: Kind.TOO_MANY,
    503: Kind.UNAVAILABLE,
}
AGAIN = frozenset({"idempotency.in_flight", "database.conflict", "database.unavailable", "server.not_ready"})

Body = bytes | Callable[[], AsyncIterable[bytes]]


class Client:
    """Talks to one platform on behalf of one person.

    Every write carries an ``Idempotency-Key``: a request whose answer was lost is sent again and done once. JSON
    goes in and comes out as Python values; raw bodies are bytes, or a function that starts the stream anew for a try.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        entropy: Entropy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare; nothing is sent yet."""
        timeout = httpx.Timeout(60.0, connect=10.0)
        self._http = httpx.AsyncClient(base_url=base_url, timeout=timeout, transport=transport)
        self._entropy = entropy or SystemEntropy()
        self.token = token

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections."""
        await self._http.aclose()

    async def sign_in(self, login: str, password: str, *, otp: str = "", label: str = "ggzy") -> None:
        """Get a token and use it from now on; `otp` is a code of the second factor, for who has one."""
        answer = await self.post("/api/v1/tokens", {"login": login, "password": password, "otp": otp, "label": label})
        self.token = answer["token"]

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the answer to a GET: JSON as values, text as str, anything else as bytes."""
        return _value(await self._send("GET", path, params=query))

    async def content(self, path: str, **query: str | int) -> bytes:
        """Return the very bytes of the answer to a GET, for what is hashed or checked."""
        return (await self._send("GET", path, params=query)).content

    async def post(self, path: str, data: Any = None, *, key: str | None = None) -> Any:
        """POST JSON; `key` is the Idempotency-Key, made up when left out."""
        return _value(await self._send("POST", path, json=data, headers=self._once(key)))

    async def put(self, path: str, data: Any = None, *, key: str | None = None) -> Any:
        """PUT JSON."""
        return _value(await self._send("PUT", path, json=data, headers=self._once(key)))

    async def delete(self, path: str, *, key: str | None = None) -> Any:
        """DELETE."""
        return _value(await self._send("DELETE", path, headers=self._once(key)))

    async def upload(
        self, path: str, body: Body, *, method: str = "PUT", headers: dict[str, str] | None = None, **query: str | int
    ) -> Any:
        """Send raw bytes; such routes are idempotent by content, so a broken connection just sends them again."""
        sent = {"Content-Type": "application/octet-stream"} | (headers or {})
        return _value(await self._send(method, path, body=body, params=query, headers=sent))

    @contextlib.asynccontextmanager
    async def download(self, path: str, **query: str | int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the answer's body as chunks, for what should not be held in memory."""
        async with self._http.stream("GET", path, params=query, headers=self._headers()) as answer:
            if answer.is_error:
                await answer.aread()
                raise refusal(answer)
            yield answer.aiter_bytes()

    async def _send(
        self, method: str, path: str, *, body: Body | None = None, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        """Send until there is an answer: lost connections and passing refusals are tried again, longer apart."""
        pause = FIRST_PAUSE
        for last in (*[False] * (TRIES - 1), True):
            content = body() if callable(body) else body
            try:
                answer = await self._http.request(
                    method, path, headers=self._headers() | (headers or {}), content=content, **rest
                )
            except httpx.TransportError as error:
                if last:
                    raise GgzyError("client.no_connection", Kind.UNAVAILABLE) from error
            else:
                if not answer.is_error:
                    return answer
                refused = refusal(answer)
                if last or refused.code not in AGAIN:
                    raise refused
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        raise AssertionError("the last try returns or raises")

    def _headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def _once(self, key: str | None) -> dict[str, str]:
        return {"Idempotency-Key": key or self._entropy.token(16).hex()}


def refusal(answer: httpx.Response) -> GgzyError:
    """Return a problem document as the refusal that it was; ``client.bad_answer`` for what is none."""
    kind = KINDS.get(answer.status_code, Kind.INVALID)
    try:
        problem = answer.json()
        return GgzyError(str(problem["code"]), kind, **dict(problem["params"]))
    except (ValueError, KeyError, TypeError):
        return GgzyError("client.bad_answer", Kind.UNAVAILABLE, status=answer.status_code)


def _value(answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not answer.content:
        return None
    if kind == "application/json":
        return answer.json()
    return answer.text if kind.startswith("text/") else answer.content
