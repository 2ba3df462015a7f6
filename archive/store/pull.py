"""An asynchronous stream read by a thread: what a blocking SDK needs to send it on without holding it whole."""

import asyncio
import threading
from collections.abc import AsyncIterable

from kernel.errors import GgzyError, Kind


class Pull:
    """A `read(size)` for another thread over chunks that come on the loop where this was made."""

    def __init__(self, chunks: AsyncIterable[bytes], size: int | None) -> None:
        """Expect `size` bytes, or any number; `taken` tells how many came."""
        self.taken = 0
        self._chunks, self._expected = aiter(chunks), size
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._ended = False
        self._stopped = threading.Event()

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end; raises what the stream raised.

        Raises GgzyError ``store.wrong_size``, ``store.unavailable``.
        """
        while len(self._buffer) < size and not self._ended:
            if self._stopped.is_set():
                raise GgzyError("store.unavailable", Kind.UNAVAILABLE)
            chunk = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            self._take(chunk)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def stop(self) -> None:
        """Make the reading thread fail at its next read: the one who waited for it has gone."""
        self._stopped.set()

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    def _take(self, chunk: bytes | None) -> None:
        if chunk is None:
            self._ended = True
        else:
            self.taken += len(chunk)
            self._buffer += chunk
        wrong = self._expected is not None and (
            self.taken > self._expected or (self._ended and self.taken != self._expected)
        )
        if wrong:
            raise GgzyError("store.wrong_size", Kind.INVALID, expected=self._expected, received=self.taken)
