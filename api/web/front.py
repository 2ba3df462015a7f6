"""Where public pages kept in memory meet the requests: before the application, and around its routes.

`Front` stands before the application and answers what is fresh without routing, database or template; it also answers
HEAD as GET without the body. `Keeper` is middleware of the routes: only what declares ``opt=PUBLIC_PAGE`` is ever kept,
only for requests that carry neither cookie nor token, and a herd that asks for the same page renders it once.
"""

import asyncio

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.answer import Answer, capture
from api.web.cache import Cache, Key


class Front:
    """ASGI around the whole application: fresh pages at once, HEAD for every GET."""

    def __init__(self, app: ASGIApp, cache: Cache) -> None:
        """Wrap the application."""
        self._app, self._cache = app, cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        key = self._cache.key(scope)
        found = None if key is None else self._cache.find(key)
        app = self._app if found is None else found.chosen(scope)
        await (_head if scope["method"] == "HEAD" else _whole)(app, scope, receive, send)


class Keeper:
    """ASGI middleware around the routes: keeps what is public, renders it once for all who wait."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the next application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        cache: Cache = scope["litestar_app"].state.cache
        public = scope["method"] == "GET" and scope["route_handler"].opt.get("public_page")
        key = cache.key(scope) if public else None
        if key is None:
            await self._app(scope, receive, send)
            return
        answer = await self._once(cache, key, scope, receive)
        found = cache.find(key)
        if found is None:
            await answer.send(send)
        else:
            await found.chosen(scope)(scope, receive, send)

    async def _once(self, cache: Cache, key: Key, scope: HTTPScope, receive: Receive) -> Answer:
        """Return the page: rendered here, or by who was first. Who was first may have left before the end."""
        while (flight := cache.flights.get(key)) is not None:
            answer = await asyncio.shield(flight)
            if answer is not None:
                return answer
        flight = cache.flights[key] = asyncio.get_running_loop().create_future()
        answer, begun = None, cache.drops
        try:
            answer = await capture(self._app, scope, receive)
            cache.keep(key, answer, begun=begun)
            return answer
        finally:
            del cache.flights[key]
            flight.set_result(answer)


class _EnoughError(BaseException):
    """The head of an answer is out; nothing of the body is wanted. No application may catch it."""


async def _whole(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


async def _head(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer like GET but without the body; a body that would be long, or endless, is not even begun."""

    async def take(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        if message["more_body"]:
            raise _EnoughError

    asked: HTTPScope = {**scope, "method": "GET"}
    try:
        await app(asked, receive, take)
    except* _EnoughError:
        pass
