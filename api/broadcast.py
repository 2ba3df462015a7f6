"""What goes to live pages: a state shown to many, or the mere word that something changed.

A state is rendered once per version and worker, and sent to every viewer as the same bytes.

A version is named by the hash of what it shows, which is its event id: a browser that comes back with the newest id is
sent nothing, any other gets the present state first. Whoever reads slowly skips versions in between and always ends at
the newest. While PostgreSQL is away viewers keep the last version and are told that it is old (docs/spec/live.md).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import structlog
from litestar.response import Stream

from api import live
from api.live import RESYNC, Hub, Signal, Subscription
from api.seats import Seats
from trading.notices import CHANGED

log = structlog.get_logger(__name__)

COALESCE = 0.05  # seconds: several changes at once are one rendering
REFRESH = 30.0  # seconds: at the latest then what is shown is rendered anew, whatever was heard
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
    html: str = ""
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
            self.html, self.version, self.stale = view.html, version, False
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
    """All boards of one worker that somebody looks at, by topic, key and audience; `address` is where viewers are."""

    def __init__(self, hub: Hub, seats: Seats | None = None) -> None:
        """Hear changes from this hub."""
        self._hub, self._seats = hub, seats or Seats()
        self._boards: dict[Place, Board] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}

    @property
    def empty(self) -> bool:
        """Tell whether nobody looks at anything."""
        return not self._boards

    async def stream(self, place: Place, render: Render, *, address: str, seen: str | None) -> Stream:
        """Answer with the board's versions as they come; the first rendering may still refuse, ``live.too_many``."""
        self._seats.require(address)
        board = self._boards.setdefault(place, Board(render))
        async with board.first:
            if not board.version:
                await board.refresh()
        return _stream(self._watch(place, board, address, seen))

    async def glance(self, place: Place, render: Render) -> str:
        """Return what the board shows now, for who has no seat: its viewers' version, or rendered where it has none."""
        shown = self._boards.get(place)
        return shown.html if shown is not None and shown.viewers else (await render()).html

    def signals(self, *wanted: tuple[str, str], address: str) -> Stream:
        """Answer with ``resync`` first, as anything may have been missed, then ``changed``; ``live.too_many``."""
        self._seats.require(address)
        return _stream(self._listen(wanted, address))

    async def _listen(self, wanted: tuple[tuple[str, str], ...], address: str) -> AsyncIterator[bytes]:
        ends = asyncio.get_running_loop().time() + live.LIFETIME
        with self._seats.taken(address), self._hub.subscribe(*wanted) as reader:
            yield f"retry: {live.RETRY}\n".encode() + live.event("resync")
            while asyncio.get_running_loop().time() < ends:
                try:
                    async with asyncio.timeout(live.HEARTBEAT):
                        signal = await reader.get()
                except TimeoutError:
                    yield live.event("beat")
                else:
                    yield _told(signal)

    async def _watch(self, place: Place, board: Board, address: str, seen: str | None) -> AsyncIterator[bytes]:
        ends = asyncio.get_running_loop().time() + live.LIFETIME
        with self._seats.taken(address), self._viewer(place, board) as shown:
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

    @contextlib.contextmanager
    def _viewer(self, place: Place, board: Board) -> Iterator[Board]:
        """Count a viewer in; with the first one the board begins to follow, with the last one it is forgotten."""
        shown = self._boards.setdefault(place, board)
        shown.viewers += 1
        if shown.viewers == 1:
            self._tasks[place] = asyncio.create_task(self._keep(place, shown))
        try:
            yield shown
        finally:
            shown.viewers -= 1
            if not shown.viewers:
                del self._boards[place]
                self._tasks.pop(place).cancel()

    async def _keep(self, place: Place, board: Board) -> None:
        """Render whenever something of it or of what is public is heard, and now and then without that."""
        topic, key, _ = place
        with self._hub.subscribe((topic, key), CHANGED) as reader:
            while True:
                await _refreshed(board)
                await _heard(reader, 1.0 if board.stale else board.again)


def _stream(events: AsyncIterator[bytes]) -> Stream:
    return Stream(events, media_type="text/event-stream", headers=HEADERS)


def _told(signal: Signal) -> bytes:
    return live.event("resync") if signal == RESYNC else live.event("changed", f"{signal.topic}:{signal.key}")


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
