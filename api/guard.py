"""Headers that every answer carries, page, API and file alike; an answer's own header of the name stands."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.settings import Settings

TWO_YEARS = 63_072_000
PLAIN = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
# What is no page is never a document that may do anything, framed or opened.
MACHINES = ("/api/", "/log/", "/tsa")
NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
# What one person was told is kept by no proxy, and by no browser without asking again.
API = "/api/"
PERSONAL = (b"cache-control", b"private, no-cache")


class Guard:
    """ASGI application around all others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap the application; HTTPS is promised to browsers (HSTS) where it is the address that people type."""
        self._app = app
        promised = ((b"strict-transport-security", f"max-age={TWO_YEARS}".encode()),) if settings.https else ()
        self._page = PLAIN + promised
        self._machine = (*self._page, NOTHING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        wanted = self._machine if scope["path"].startswith(MACHINES) else self._page
        wanted = (*wanted, PERSONAL) if scope["path"].startswith(API) else wanted

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                names = {name.lower() for name, _ in given}
                message = {**message, "headers": [*given, *(one for one in wanted if one[0] not in names)]}
            await send(message)

        await self._app(scope, receive, add)
