"""Opening an envelope once its payload key is known: form first, then files, from any stream of ciphertext chunks.

docs/spec/sealing.md, section 8. The key comes from `encapsulation.unlock` (quorum) or `unlock_alone` (the bidder).
Errors while reading: ``bid.bad_record``, ``bid.truncated``, ``bid.extended``, ``bid.bad_padding``,
and those of `form.parse`.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from bidding import encapsulation
from bidding.encapsulation import Preamble
from bidding.form import FileEntry, Form
from bidding.header import Header
from bidding.payload import PayloadParser
from bidding.stream import StreamOpener, cipher
from kernel.errors import GgzyError, Kind

Event = Form | FileEntry | memoryview


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """One file of an envelope and its bytes, read as they are asked for."""

    entry: FileEntry
    chunks: AsyncGenerator[bytes, None]


class EnvelopeReader:
    """One pass over an envelope's body as it arrives: `form` first, then `files`, which also checks the end."""

    def __init__(self, header: Header, key: bytes, body: AsyncIterable[bytes]) -> None:
        """Read `body`, the ciphertext in chunks of any size, with the payload key."""
        self._events = _read(_Machine(header, key), body)

    async def form(self) -> Form:
        """Return the form after reading the first records only; GgzyError ``bid.bad_form``."""
        form = await anext(self._events)
        if not isinstance(form, Form):
            raise GgzyError("bid.bad_form", Kind.INVALID, what="order")
        return form

    async def files(self) -> AsyncIterator[OpenedFile]:
        """Yield each file after `form`; what is left unread of a file is skipped.

        When this ends without an error, the whole payload was authentic and complete.
        """
        async for event in self._events:
            if isinstance(event, FileEntry):
                opened = OpenedFile(event, self._pieces(event.size))
                yield opened
                async for _ in opened.chunks:
                    pass

    async def aclose(self) -> None:
        """Stop reading before the end."""
        await self._events.aclose()

    async def _pieces(self, size: int) -> AsyncGenerator[bytes, None]:
        while size:
            event = await anext(self._events)
            piece = bytes(event) if isinstance(event, memoryview) else b""
            size -= len(piece)
            yield piece


def open_envelope(
    header: Header, preamble: Preamble, shared: bytes, body: AsyncIterable[bytes], secret: bytes | None = None
) -> EnvelopeReader:
    """Return the reader of an envelope from K (and the bidder's secret of this envelope, if the policy asks for it).

    Raises GgzyError ``bid.bad_commitment`` or ``bid.bidder_secret_missing`` before anything is read.
    """
    return EnvelopeReader(header, encapsulation.unlock(header, preamble, shared, secret), body)


def read(header: Header, key: bytes, chunks: Iterable[bytes | memoryview]) -> Iterator[Event]:
    """Yield form, entries and views of the files' bytes from chunks at hand; views are valid until the next one."""
    machine = _Machine(header, key)
    for chunk in chunks:
        yield from machine.feed(chunk)
    machine.finish()


def extract(header: Header, key: bytes, chunks: Iterable[bytes | memoryview], folder: Path) -> Form:
    """Write the files of an envelope into an empty folder and return its form; GgzyError ``bid.truncated``."""
    form: Form | None = None
    file: FileIO | None = None
    try:
        for event in read(header, key, chunks):
            if isinstance(event, Form):
                form = event
            elif isinstance(event, FileEntry):
                file = _create(folder, event, file)
            elif file is not None:
                _write(file, event)
    finally:
        if file is not None:
            file.close()
    if form is None:
        raise GgzyError("bid.truncated", Kind.INTEGRITY)
    return form


class _Machine:
    """Ciphertext in, events out, without input or output of its own."""

    def __init__(self, header: Header, key: bytes) -> None:
        self._kind = header.kind
        self._stream = StreamOpener(cipher(header.suite, key), header.padded_length)
        self._payload = PayloadParser(header.padded_length)

    def feed(self, chunk: bytes | memoryview) -> Iterator[Event]:
        for plain in self._stream.feed(chunk):
            for event in self._payload.feed(plain):
                if isinstance(event, Form) and event.kind is not self._kind:
                    raise GgzyError("bid.bad_form", Kind.INVALID, what="kind")
                yield event

    def finish(self) -> None:
        self._stream.finish()
        self._payload.finish()


async def _read(machine: _Machine, body: AsyncIterable[bytes]) -> AsyncGenerator[Event, None]:
    async for chunk in body:
        for event in machine.feed(chunk):
            yield event
    machine.finish()


def _create(folder: Path, entry: FileEntry, before: FileIO | None) -> FileIO:
    if before is not None:
        before.close()
    file = FileIO(folder / entry.name, "xb")
    if entry.size:
        os.posix_fallocate(file.fileno(), 0, entry.size)
    return file


def _write(file: FileIO, view: memoryview) -> None:
    while view:
        view = view[file.write(view) or 0 :]
