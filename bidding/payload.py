"""The plaintext of an envelope: u32 length ‖ form ‖ files, one after the other ‖ zeros to the Padmé length.

docs/spec/sealing.md, section 5. Written from files and read back as a stream; neither side holds more than one block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from bidding import form as forms
from bidding.form import MAX_FORM, FileEntry, Form
from bidding.header import MAX_LENGTH
from bidding.padding import padded_length
from kernel.errors import GgzyError, Kind

_PREFIX = 4
_ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file on disk that goes into an envelope under a plain name."""

    path: Path
    name: str
    media_type: str


class PayloadSource:
    """The plaintext of one envelope, read block by block: form, files, padding."""

    def __init__(self, form: Form, files: tuple[FilePlan, ...]) -> None:
        """List the files in the form; GgzyError ``seal.no_file``, ``bid.too_large`` or those of `Form.encode`."""
        self.form = _listing(form, files)
        encoded = self.form.encode()
        self._head = len(encoded).to_bytes(_PREFIX, "big") + encoded
        self._plans = list(zip(files, self.form.files, strict=True))
        self.length = padded_length(len(self._head) + sum(entry.size for entry in self.form.files))
        if self.length > MAX_LENGTH:
            raise GgzyError("bid.too_large", Kind.TOO_LARGE)
        self._file: FileIO | None = None
        self._left = 0
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def read_into(self, block: memoryview) -> int:
        """Fill the block as far as the plaintext goes; return the bytes written, 0 at its end.

        Raises GgzyError ``seal.file_changed`` for a file that no longer has the size listed in the form.
        """
        wanted = min(len(block), self.length - self._done)
        filled = 0
        while filled < wanted:
            filled += self._read_some(block[filled:wanted])
        self._done += filled
        return filled

    def _read_some(self, view: memoryview) -> int:
        if self._head:
            size = min(len(view), len(self._head))
            view[:size], self._head = self._head[:size], self._head[size:]
            return size
        if self._file is None and self._plans:
            self._file, self._left = _open(self._plans[0][0].path), self._plans[0][1].size
        if self._file is not None:
            return self._read_file(view)
        size = min(len(view), len(_ZEROS))
        view[:size] = _ZEROS[:size]
        return size

    def _read_file(self, view: memoryview) -> int:
        if self._file is None:
            return 0
        name = self._plans[0][1].name
        if self._left == 0:
            changed = self._file.read(1) != b""
            self._file.close()
            self._file = None
            self._plans.pop(0)
            size = 0
        else:
            size = self._file.readinto(view[: self._left]) or 0
            self._left -= size
            changed = size == 0
        if changed:
            raise GgzyError("seal.file_changed", Kind.CONFLICT, name=name)
        return size


class PayloadParser:
    """Reads a plaintext fed in pieces: first the form, then each file's entry followed by its bytes."""

    def __init__(self, length: int) -> None:
        """Begin before the form; `length` is that of the whole plaintext."""
        self._length = length
        self.form: Form | None = None
        self._head = bytearray()
        self._entries: list[FileEntry] = []
        self._left = 0

    def feed(self, plain: memoryview) -> Iterator[Form | FileEntry | memoryview]:
        """Yield the form once, an entry where each file begins, views of its bytes (valid until the next call).

        Raises what `form.parse` raises, or GgzyError ``bid.bad_padding`` for a byte after the files that is not zero.
        """
        rest = plain
        if self.form is None:
            rest = self._take_head(rest)
            if self.form is None:
                return
            yield self.form
            yield from self._begin_files()
        while self._left and len(rest):
            piece, rest = rest[: self._left], rest[self._left :]
            self._left -= len(piece)
            yield piece
            if not self._left:
                yield from self._begin_files()
        for start in range(0, len(rest), len(_ZEROS)):
            padding = rest[start : start + len(_ZEROS)]
            if bytes(padding) != _ZEROS[: len(padding)]:
                raise GgzyError("bid.bad_padding", Kind.INTEGRITY)

    def finish(self) -> None:
        """Refuse a plaintext that ends within the form or a file: ``bid.bad_form``."""
        if self.form is None or self._left:
            raise GgzyError("bid.bad_form", Kind.INVALID, what="length")

    def _take_head(self, rest: memoryview) -> memoryview:
        """Gather length and form; return what comes after the form."""
        rest = self._gather(rest, _PREFIX)
        size = int.from_bytes(self._head[:_PREFIX], "big")
        if size > MAX_FORM:
            raise GgzyError("bid.bad_form", Kind.INVALID, what="size")
        if len(self._head) < _PREFIX:
            return rest
        rest = self._gather(rest, _PREFIX + size)
        if len(self._head) == _PREFIX + size:
            self._accept(forms.parse(bytes(self._head[_PREFIX:])))
        return rest

    def _gather(self, rest: memoryview, size: int) -> memoryview:
        missing = max(0, size - len(self._head))
        self._head += rest[:missing]
        return rest[missing:]

    def _accept(self, form: Form) -> None:
        """Hold the form against the payload's length: nothing but its own padding may follow its files."""
        if padded_length(len(self._head) + sum(entry.size for entry in form.files)) != self._length:
            raise GgzyError("bid.bad_padding", Kind.INTEGRITY)
        self.form = form
        self._entries = list(reversed(form.files))

    def _begin_files(self) -> Iterator[FileEntry]:
        """Announce the next file that has bytes, and the empty ones before it."""
        while self._entries and not self._left:
            entry = self._entries.pop()
            self._left = entry.size
            yield entry


def _listing(form: Form, files: tuple[FilePlan, ...]) -> Form:
    entries = tuple(FileEntry(plan.name, _size(plan.path), plan.media_type) for plan in files)
    return replace(form, files=entries)


def _size(path: Path) -> int:
    with _open(path) as file:
        return file.seek(0, 2)


def _open(path: Path) -> FileIO:
    try:
        if path.is_file():
            return FileIO(path, "rb")
    except OSError as error:
        raise GgzyError("seal.no_file", Kind.NOT_FOUND, name=path.name) from error
    raise GgzyError("seal.no_file", Kind.NOT_FOUND, name=path.name)
