"""Public pages from memory: rendered once for everybody who is not signed in, kept for seconds, dropped when told to.

`api.web.front` fills the `Cache` and answers from it.
"""

import asyncio
import contextlib
import gzip
import hashlib
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic

from litestar.types import HTTPScope, Message, Receive, Scope, Send

from api.answer import Answer, accepts_gzip
from api.live import Hub
from api.locale import negotiate
from trading.notices import CHANGED

KEPT = 3.0  # seconds in memory; a browser may keep the page as long again
CAPACITY = 32 * 1024 * 1024
UNCHANGED = 304
LARGEST = 1024 * 1024
LONGEST_QUERY = 500
PERSONAL = frozenset({b"cookie", b"authorization"})
REPLACED = frozenset({b"cache-control", b"vary", b"etag", b"content-length", b"content-encoding"})
NOT_MODIFIED = frozenset({b"content-security-policy", b"content-type", b"content-language"})
VARY = b"Accept-Encoding, Accept-Language, Cookie, Authorization"
# What differs between two renderings of the same content: the nonce and the clock.
RENDERING = re.compile(rb'nonce-[\w-]+|nonce="[\w-]+"|<time data-clock.*?</time>')

Key = tuple[str, bytes, str]


class Reply:
    """An answer made ready once and sent many times; a small ASGI application."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Prepare the two messages; a 304 has no length."""
        length = [] if status == UNCHANGED else [(b"content-length", str(len(body)).encode())]
        self.size = len(body)
        self._start: Message = {"type": "http.response.start", "status": status, "headers": [*headers, *length]}
        self._body: Message = {"type": "http.response.body", "body": body, "more_body": False}

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send(self._start)
        await send(self._body)


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it is sent: plain, gzipped, and as 304. `until` is on the cache's clock."""

    plain: Reply
    packed: Reply
    unchanged: Reply
    etag: bytes
    until: float

    def chosen(self, scope: HTTPScope) -> Reply:
        """Return what this request is answered with."""
        if any(name == b"if-none-match" and self.etag in value for name, value in scope["headers"]):
            return self.unchanged
        return self.packed if accepts_gzip(scope) else self.plain


class Cache:
    """Pages by path, query and locale; the least recently used go when there are too many bytes."""

    def __init__(
        self, locale: str, *, clock: Callable[[], float] = monotonic, kept: float = KEPT, capacity: int = CAPACITY
    ) -> None:
        """Begin empty; `locale` is the installation's own, `kept` in seconds, `capacity` in bytes of bodies."""
        self._capacity = capacity
        self.clock, self._life, self._kept = clock, kept, OrderedDict[Key, Kept]()
        self.flights: dict[Key, asyncio.Future[Answer | None]] = {}
        self.locale = lru_cache(256)(lambda accepted: negotiate(accepted.decode("latin-1"), locale))
        self._size, self._drops = 0, 0

    def __len__(self) -> int:
        """Return how many pages are kept."""
        return len(self._kept)

    def find(self, key: Key) -> Kept | None:
        """Return a page that is still fresh."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found.until <= self.clock():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return found

    @property
    def drops(self) -> int:
        """How often all was dropped: what was begun before must not be kept after."""
        return self._drops

    def keep(self, key: Key, answer: Answer, *, begun: int) -> None:
        """Keep a page that was begun after the drop number `begun`, if it is fit to be kept."""
        if begun != self._drops or not _is_fit(answer):
            return
        kept = _prepare(answer, self._life, self.clock() + self._life)
        self._forget(key)
        self._kept[key] = kept
        self._size += kept.plain.size + kept.packed.size
        while self._size > self._capacity:
            self._forget(next(iter(self._kept)))

    def drop(self) -> None:
        """Forget every page: something public has changed."""
        self._kept.clear()
        self._size, self._drops = 0, self._drops + 1

    def key(self, scope: HTTPScope) -> Key | None:
        """Return under what a request is kept; None for what only one person may see."""
        accepted = b""
        for name, value in scope["headers"]:
            if name in PERSONAL:
                return None
            if name == b"accept-language" and not accepted:
                accepted = value  # of several the first, as the page is rendered
        query = scope["query_string"]
        return (scope["path"], query, self.locale(accepted)) if len(query) <= LONGEST_QUERY else None

    def _forget(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._size -= gone.plain.size + gone.packed.size


@contextlib.asynccontextmanager
async def following(cache: Cache, hub: Hub) -> AsyncIterator[None]:
    """Drop all pages whenever the services tell that something public has changed, while the body runs."""

    async def follow() -> None:
        with hub.subscribe(CHANGED) as reader:
            while True:
                await reader.get()
                cache.drop()

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()


def _is_fit(answer: Answer) -> bool:
    cookie = any(name.lower() == b"set-cookie" for name, _ in answer.headers)
    return answer.status == 200 and not cookie and len(answer.body) <= LARGEST  # noqa: PLR2004 - success


def _prepare(answer: Answer, kept: float, until: float) -> Kept:
    digest = hashlib.sha256(RENDERING.sub(b"", answer.body)).hexdigest()[:24]
    etag = f'W/"{digest}"'.encode()
    own = [(name.lower(), value) for name, value in answer.headers if name.lower() not in REPLACED]
    own += [(b"cache-control", f"public, max-age={int(kept)}".encode()), (b"vary", VARY), (b"etag", etag)]
    body = gzip.compress(answer.body, 6, mtime=0)
    # A 304 keeps the page that the browser has, so it must keep that page's policy too: with its nonce.
    bare = [header for header in own if header[0] not in NOT_MODIFIED]
    packed = [*own, (b"content-encoding", b"gzip")]
    return Kept(Reply(200, own, answer.body), Reply(200, packed, body), Reply(UNCHANGED, bare, b""), etag, until)
