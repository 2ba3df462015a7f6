"""One state shown to many: rendered once per version and worker, sent to every viewer as the same bytes.

A version is named by the hash of what it shows, which is its event id: a browser that comes back with the newest id is
sent nothing, any other gets the present state first. Whoever reads slowly skips versions in between and always ends at
the newest. While PostgreSQL is away viewers keep the last version and are told that it is old (docs/spec/live.md).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from litestar.response import Stream

from api import live
from api.live import Hub, Subscription
from kernel.errors import GgzyError, Kind

log = structlog.get_logger(__name__)

COALESCE = 0.05  # seconds: several changes at once are one rendering
REFRESH = 30.0  # seconds: at the latest then what is shown is rendered anew, whatever was heard
MAX_VIEWERS = 5000  # per worker
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class View:
    """What a board shows now; in so many seconds at the latest it shows something else (None: only if told)."""

    html: str
    again: float | None = None


Render = Callable[[], Awaitable[View]]
Place = tuple[str, str, str]


@dataclass
class Board:
    """One state with its viewers."""

    render: Render
    version: str = ""
    frame: bytes = field(default=b"", repr=False)
    stale: bool = False
    viewers: int = 0
    again: float = REFRESH
    first: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def refresh(self) -> None:
        """Render; a new version wakes every viewer."""
        view = await self.render()
        self.again = REFRESH if view.again is None else max(COALESCE, min(REFRESH, view.again))
        version = hashlib.sha256(view.html.encode()).hexdigest()[:16]
        if version != self.version or self.stale:
            self.frame = live.event("state", view.html, version)
            self.version, self.stale = version, False
            self._wake()

    def age(self) -> None:
        """Tell the viewers that the database does not answer and that what they see may be old."""
        if not self.stale:
            self.stale = True
            self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Boards:
    """All boards of one worker that somebody looks at, by topic, key and audience."""

    def __init__(self, hub: Hub) -> None:
        """Hear changes from this hub."""
        self._hub = hub
        self._boards: dict[Place, Board] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}
        self._viewers = 0

    @property
    def empty(self) -> bool:
        """Tell whether nobody looks at anything."""
        return not self._boards

    async def stream(self, topic: str, key: str, audience: str, render: Render, seen: str | None) -> Stream:
        """Answer with the board's versions as they come; the first rendering may still refuse."""
        if self._viewers >= MAX_VIEWERS:
            raise GgzyError("live.too_many", Kind.TOO_MANY, limit=MAX_VIEWERS)
        place = (topic, key, audience)
        board = self._boards.setdefault(place, Board(render))
        async with board.first:
            if not board.version:
                await board.refresh()
        return Stream(self._watch(place, board, seen), media_type="text/event-stream", headers=HEADERS)

    async def _watch(self, place: Place, board: Board, seen: str | None) -> AsyncIterator[bytes]:
        ends = asyncio.get_running_loop().time() + live.LIFETIME
        async with self._seat(place, board) as shown:
            yield f"retry: {live.RETRY}\n".encode() + live.event("beat")
            last, stale = seen, False
            while asyncio.get_running_loop().time() < ends:
                changed = shown.changed
                if shown.stale != stale:
                    stale = shown.stale
                    yield live.event("stale" if stale else "fresh")
                if shown.version != last:
                    last = shown.version
                    yield shown.frame
                try:
                    async with asyncio.timeout(live.HEARTBEAT):
                        await changed.wait()
                except TimeoutError:
                    yield live.event("stale" if shown.stale else "beat")

    @contextlib.asynccontextmanager
    async def _seat(self, place: Place, board: Board) -> AsyncIterator[Board]:
        """Count a viewer in; with the first one the board begins to follow, with the last one it is forgotten."""
        shown = self._boards.setdefault(place, board)
        shown.viewers += 1
        self._viewers += 1
        if shown.viewers == 1:
            self._tasks[place] = asyncio.create_task(self._keep(place, shown))
        try:
            yield shown
        finally:
            shown.viewers -= 1
            self._viewers -= 1
            if not shown.viewers:
                del self._boards[place]
                self._tasks.pop(place).cancel()

    async def _keep(self, place: Place, board: Board) -> None:
        """Render whenever something is heard, and now and then without that."""
        topic, key, _ = place
        with self._hub.subscribe((topic, key)) as reader:
            while True:
                await _refreshed(board)
                await _heard(reader, 1.0 if board.stale else board.again)


async def _refreshed(board: Board) -> None:
    try:
        await board.refresh()
    except Exception as error:  # noqa: BLE001 - whatever it is, what is shown stays and is called old
        log.warning("board.stale", error=str(error)[:200])
        board.age()


async def _heard(reader: Subscription, within: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await reader.get()
    await asyncio.sleep(COALESCE)
    while reader.behind:
        await reader.get()
