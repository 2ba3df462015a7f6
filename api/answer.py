"""A whole HTTP answer as a value, and the two ASGI ends that make and take it."""

import re
from dataclasses import dataclass

from litestar.types import ASGIApp, HTTPRequestEvent, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from kernel.errors import GgzyError, Kind

MAX_ANSWER = 16 * 1024 * 1024
_REFUSED = re.compile(rb"gzip;q=0(\.0*)?(,|$)")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, raw headers and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [*(item for item in self.headers if item[0].lower() != b"content-length"), length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def accepts_gzip(scope: HTTPScope) -> bool:
    """Tell whether a request takes an answer that is packed by gzip."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding").replace(b" ", b"")
    return b"gzip" in accepted and _REFUSED.search(accepted) is None


async def capture(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Run the application and return its answer without sending anything."""
    status, headers, body = 500, [], bytearray()

    async def take(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            body.extend(message["body"])
            if len(body) > MAX_ANSWER:
                raise GgzyError("server.failed", Kind.UNAVAILABLE)

    await app(scope, receive, take)
    return Answer(status, headers, bytes(body))


async def read(receive: Receive, limit: int) -> bytes:
    """Return the whole body; ``request.too_large`` beyond `limit` bytes, ``request.cut_off`` when it ends early."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise GgzyError("request.cut_off")
        body.extend(message["body"])
        if len(body) > limit:
            raise GgzyError("request.too_large", Kind.TOO_LARGE)
        if not message["more_body"]:
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more and then whatever follows it."""
    given = False

    async def repeat() -> ReceiveMessage:
        nonlocal given
        if given:
            return await receive()
        given = True
        event: HTTPRequestEvent = {"type": "http.request", "body": body, "more_body": False}
        return event

    return repeat
