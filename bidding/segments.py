"""The hash tree over an envelope's ciphertext: RFC 6962 over segments of 1 MiB, cut into upload parts of 8 MiB.

A leaf is SHA-256(0x00 ‖ segment). Eight segments make a part, whose root is a subtree of the body's tree, so that the
body's root comes from its parts without reading them again. docs/spec/sealing.md, section 7.
"""

import hashlib
from collections.abc import Iterable

from archive.merkle import Frontier
from kernel.errors import GgzyError, Kind

SEGMENT_SIZE = 1 << 20
PART_SEGMENTS = 8
PART_SIZE = PART_SEGMENTS * SEGMENT_SIZE
MAX_PARTS = 1 << 18
_PART_LEVEL = PART_SEGMENTS.bit_length() - 1


class PartHasher:
    """The root of one part, streamed in chunks of any size; one byte too many is ``part.wrong_length``."""

    def __init__(self) -> None:
        """Start an empty part."""
        self.size = 0
        self._tree = Frontier()
        self._segment = hashlib.sha256(b"\0")

    def update(self, chunk: bytes | memoryview) -> None:
        """Add the next bytes; GgzyError ``part.wrong_length``. Hashing releases the interpreter lock."""
        rest = memoryview(chunk)
        if self.size + len(rest) > PART_SIZE:
            raise GgzyError("part.wrong_length", Kind.INVALID, expected=PART_SIZE, number=0)
        while rest:
            room = SEGMENT_SIZE - self.size % SEGMENT_SIZE
            self._segment.update(rest[:room])
            self.size += len(rest[:room])
            if self.size % SEGMENT_SIZE == 0:
                self._close_segment()
            rest = rest[room:]

    def root(self) -> bytes:
        """Return the root of what was added (at least one byte); nothing can be added afterwards."""
        if self.size % SEGMENT_SIZE:
            self._close_segment()
        return self._tree.root()

    def _close_segment(self) -> None:
        self._tree.append(self._segment.digest())
        self._segment = hashlib.sha256(b"\0")


class BodyHasher:
    """The root of a whole body, streamed; `parts` lists the root and size of each part that is complete."""

    def __init__(self) -> None:
        """Start an empty body."""
        self.parts: list[tuple[bytes, int]] = []
        self._part = PartHasher()

    def update(self, chunk: bytes | memoryview) -> None:
        """Add the next bytes."""
        rest = memoryview(chunk)
        while rest:
            room = PART_SIZE - self._part.size
            self._part.update(rest[:room])
            if self._part.size == PART_SIZE:
                self._close_part()
            rest = rest[room:]

    def root(self) -> bytes:
        """Return the body's root (at least one byte); nothing can be added afterwards."""
        if self._part.size:
            self._close_part()
        return body_root(self.parts)

    def _close_part(self) -> None:
        self.parts.append((self._part.root(), self._part.size))
        self._part = PartHasher()


def part_root(data: bytes | memoryview) -> bytes:
    """Return the root of one part of 1 byte to 8 MiB."""
    hasher = PartHasher()
    hasher.update(data)
    return hasher.root()


def body_root(parts: Iterable[tuple[bytes, int]]) -> bytes:
    """Return the root of a body from (root, size in bytes) of its parts: all of 8 MiB but the last.

    Raises GgzyError ``bid.bad_parts`` for no part, too many, or sizes that no body is cut into.
    """
    sizes = list(parts)
    short = [size for _, size in sizes[:-1] if size != PART_SIZE]
    if short or not 1 <= len(sizes) <= MAX_PARTS or not 1 <= sizes[-1][1] <= PART_SIZE:
        raise GgzyError("bid.bad_parts", Kind.INVALID)
    tree = Frontier()
    for root, size in sizes:
        if size == PART_SIZE:
            tree.append(root, _PART_LEVEL)
        else:
            tree.close(root, -(-size // SEGMENT_SIZE))
    return tree.root()
