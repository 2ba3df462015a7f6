"""Path and place arithmetic of C2SP tlog-tiles: which file holds which hashes. Pure; tiles are 256 hashes wide.

Entry bundles are tiles of level `ENTRIES`; their entries are the 32-byte commitments, each after its uint16 length.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.merkle import HASH_SIZE, MAX_SIZE, Node, malformed, root
from kernel.errors import GgzyError, Kind

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = -1
LEVELS = 8  # levels 0..7 hold any tree up to merkle.MAX_SIZE
ENTRY_SIZE = 32
MAX_BUNDLE = WIDTH * (2 + ENTRY_SIZE)

_PATH = re.compile(r"tile/([0-7]|entries)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")
_PREFIX = ENTRY_SIZE.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes ``index * 256 .. index * 256 + width`` of a level (`ENTRIES`, 0..7); partial when `width` is below 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def begin(self) -> int:
        """Return the number, within the level, of the first hash."""
        return self.index << HEIGHT

    @property
    def end(self) -> int:
        """Return the number, within the level, after the last hash."""
        return self.begin + self.width


def path(tile: Tile) -> str:
    """Return the path below the log's prefix, such as ``tile/0/x001/067.p/8``."""
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    groups = [f"{tile.index % 1000:03}"]
    rest = tile.index // 1000
    while rest:
        groups.append(f"x{rest % 1000:03}")
        rest //= 1000
    partial = "" if tile.width == WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse(text: str) -> Tile:
    """Read a path strictly: only what `path` writes; GgzyError ``tile.malformed``."""
    match = _PATH.fullmatch(text)
    if not match:
        raise _malformed()
    level, groups, width = match.groups()
    tile = Tile(
        level=ENTRIES if level == "entries" else int(level),
        index=int(groups.replace("x", "").replace("/", "")),
        width=WIDTH if width is None else int(width),
    )
    if path(tile) != text or not 0 < tile.width <= WIDTH or tile.end > MAX_SIZE:
        raise _malformed()
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield the entry bundles and tiles of a tree of `size` leaves, level by level, the last of each partial."""
    for level in (ENTRIES, *range(LEVELS)):
        count = size >> (HEIGHT * max(level, 0))
        for index in range((count + WIDTH - 1) >> HEIGHT):
            yield Tile(level, index, min(WIDTH, count - (index << HEIGHT)))


def tile_of(node: Node, size: int) -> Tile:
    """Return the tile, as a tree of `size` leaves has it, whose hashes give this complete subtree."""
    level, index = node
    begin = index << (level % HEIGHT)
    count = size >> (level - level % HEIGHT)
    tile = Tile(level // HEIGHT, begin >> HEIGHT, min(WIDTH, count - (begin >> HEIGHT << HEIGHT)))
    if not begin + (1 << (level % HEIGHT)) <= tile.end <= MAX_SIZE:
        raise malformed()
    return tile


def node_in(hashes: Sequence[bytes], node: Node) -> bytes:
    """Return the hash of a complete subtree from the hashes of its tile."""
    level, index = node
    width = 1 << (level % HEIGHT)
    begin = (index << (level % HEIGHT)) % WIDTH
    return root(hashes[begin : begin + width])


def join(hashes: Sequence[bytes]) -> bytes:
    """Return a tile's bytes."""
    return b"".join(hashes)


def split(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile that is `width` wide; GgzyError ``tile.malformed``."""
    if len(data) != width * HASH_SIZE:
        raise _malformed()
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def join_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle's bytes."""
    return b"".join(_PREFIX + entry for entry in entries)


def split_entries(data: bytes, width: int) -> list[bytes]:
    """Return the 32-byte entries of a bundle that is `width` wide; GgzyError ``tile.malformed``."""
    step = len(_PREFIX) + ENTRY_SIZE
    if len(data) != width * step:
        raise _malformed()
    entries = [data[i + len(_PREFIX) : i + step] for i in range(0, len(data), step)]
    if join_entries(entries) != data:
        raise _malformed()
    return entries


def _malformed() -> GgzyError:
    return GgzyError("tile.malformed", Kind.INTEGRITY)
