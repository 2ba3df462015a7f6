"""A line that breaks: a loopback relay that drops its connections after so many bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 64 * 1024


class Cut:
    """Counts what went through and breaks the line each time the next mark is passed."""

    def __init__(self, marks: list[int]) -> None:
        """Break after each of these numbers of bytes, then hold for good."""
        self._marks = sorted(marks)
        self._passed = 0
        self.breaks = 0

    def passes(self, size: int) -> bool:
        """Tell whether this many more bytes get through."""
        self._passed += size
        if self._marks and self._passed >= self._marks[0]:
            self._marks.pop(0)
            self.breaks += 1
            return False
        return True


@asynccontextmanager
async def breaking_line(port: int, cut: Cut) -> AsyncIterator[str]:
    """Yield the address of a relay to 127.0.0.1:`port` that the cut breaks."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        ways = [
            asyncio.ensure_future(_pump(reader, to_writer, cut)),
            asyncio.ensure_future(_pump(to_reader, writer, None)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, to_writer):
            end.transport.abort()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: Cut | None) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            if cut is not None and not cut.passes(len(data)):
                return
            writer.write(data)
            await writer.drain()
