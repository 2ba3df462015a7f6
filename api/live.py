"""Live pages: who changes something says so in the transaction, and every worker hears it once it is committed.

`kernel.database.notify` puts ids on PostgreSQL's NOTIFY, never content. Each worker has one `Hub` with one LISTEN
connection, opened anew for ever when it breaks, and a bounded queue per subscriber. Whoever may have missed something,
because the connection was away or its queue was full, gets `RESYNC` and looks at the whole anew; a slow reader holds up
nobody.
docs/spec/live.md has what goes over the wire; `api.broadcast` shows one state to many.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import psycopg
import structlog

from api.wiring import Installation
from kernel.database import CHANNEL
from kernel.errors import GgzyError, Kind

log = structlog.get_logger(__name__)

QUEUE = 64  # signals that a subscriber may be behind
HEARTBEAT = 15.0  # seconds
LIFETIME = 900.0  # seconds; then the browser connects again, and is asked again who it is
RETRY = 2000  # milliseconds until a browser connects again
PROBE = 20.0  # seconds without a notification after which the connection is tried
_PAUSES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed: a topic such as ``opening`` and the key of what changed in it."""

    topic: str
    key: str


RESYNC = Signal("", "")
"""Something may have been missed: look at everything anew."""


class Subscription:
    """What one reader has not read yet, bounded."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._signals: deque[Signal] = deque()
        self._waiting = asyncio.Event()

    def offer(self, signal: Signal) -> None:
        """Append a signal; when the reader is too far behind, all of it becomes one `RESYNC`."""
        if self._signals and self._signals[-1] == signal:
            return
        if signal == RESYNC or len(self._signals) >= QUEUE:
            self._signals.clear()
            signal = RESYNC
        self._signals.append(signal)
        self._waiting.set()

    @property
    def behind(self) -> int:
        """How many signals wait to be read."""
        return len(self._signals)

    async def get(self) -> Signal:
        """Return the next signal, waiting for it."""
        while not self._signals:
            self._waiting.clear()
            await self._waiting.wait()
        return self._signals.popleft()


class Hub:
    """One worker's ear: hears every notification and gives it to who subscribed."""

    def __init__(self, url: str) -> None:
        """Describe it; `run` listens. `url` is psycopg's."""
        self._url = url
        self._readers: dict[Signal, set[Subscription]] = {}
        self.connected = asyncio.Event()

    @contextlib.contextmanager
    def subscribe(self, *wanted: tuple[str, str]) -> Iterator[Subscription]:
        """Give a subscription to these topics and keys for the length of a block."""
        reader = Subscription()
        signals = [Signal(topic, str(key)) for topic, key in wanted]
        for signal in signals:
            self._readers.setdefault(signal, set()).add(reader)
        try:
            yield reader
        finally:
            for signal in signals:
                self._readers[signal].discard(reader)
                if not self._readers[signal]:
                    del self._readers[signal]

    async def run(self) -> None:
        """Listen until cancelled; whatever breaks is begun anew."""
        failures = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    failures = 0
                    self.connected.set()
                    self._resync()
                    await self._listen(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("live.disconnected", error=str(error)[:200])
            finally:
                self.connected.clear()
            self._resync()
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    def dispatch(self, payload: str) -> None:
        """Give a notification to its subscribers."""
        topic, _, key = payload.partition(":")
        signal = Signal(topic, key)
        for reader in self._readers.get(signal, ()):
            reader.offer(signal)

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for one in connection.notifies(timeout=PROBE):
                self.dispatch(one.payload)
            async with asyncio.timeout(PROBE):
                await connection.execute(b"SELECT 1")

    def _resync(self) -> None:
        """Whatever is said while nobody listens is lost, so everybody looks anew, when it ends and when it begins."""
        for reader in {reader for readers in self._readers.values() for reader in readers}:
            reader.offer(RESYNC)


@contextlib.asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[Hub]:
    """Run a hub on the installation's database while the body runs."""
    url = installation.settings.database_url
    if url is None:
        raise GgzyError("database.no_url", Kind.UNAVAILABLE)
    hub = Hub(url.get_secret_value().replace("+psycopg", "", 1))
    task = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def event(name: str, data: str = "", identity: str | None = None) -> bytes:
    """Return one server-sent event (WHATWG HTML, 9.2); `data` may have several lines."""
    lines = [f"event: {name}", *(f"data: {line}" for line in data.split("\n"))]
    if identity is not None:
        lines.insert(0, f"id: {identity}")
    return ("\n".join(lines) + "\n\n").encode()
