"""Path and place arithmetic of tlog-tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import merkle, tiles
from archive.tiles import Tile
from kernel.errors import GgzyError

LEAVES = [merkle.leaf_hash(n.to_bytes(2, "big")) for n in range(700)]


@given(st.integers(-1, 7), st.integers(0, 2**54), st.integers(1, 256))
def test_every_path_reads_back(level: int, index: int, width: int) -> None:
    """A path that is written is read as the same tile."""
    tile = Tile(level, index, width)
    if tile.end <= merkle.MAX_SIZE:
        assert tiles.parse(tiles.path(tile)) == tile


def test_the_specifications_own_examples() -> None:
    """The example paths and the example tree of the specification come out."""
    assert tiles.path(Tile(0, 1_234_067)) == "tile/0/x001/x234/067"
    assert tiles.path(Tile(0, 273, 112)) == "tile/0/273.p/112"
    count = [t for t in tiles.tiles_of(70_000) if t.level != tiles.ENTRIES]
    assert sum(t.level == 0 and t.width == 256 for t in count) == 273
    assert [t for t in count if t.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles.tiles_of(0)) == []
    assert [t for t in tiles.tiles_of(256) if t.level >= 0] == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(1, 700), st.data())
def test_every_node_is_found_in_its_tile(size: int, data: st.DataObject) -> None:
    """A complete subtree of a tree has a tile that the tree has, and the tile's hashes give the subtree's hash."""
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))
    tile = tiles.tile_of((level, index), size)
    assert tile in set(tiles.tiles_of(size))
    step = 256**tile.level
    hashes = [merkle.root(LEAVES[n * step : (n + 1) * step]) for n in range(tile.begin, tile.end)]
    assert tiles.node_in(hashes, (level, index)) == merkle.root(LEAVES[index << level : (index + 1) << level])


def test_a_node_beyond_the_tree_has_no_tile() -> None:
    """Subtrees that the tree does not complete are refused."""
    for node in ((0, 600), (8, 2), (9, 1), (3, 75)):
        with pytest.raises(GgzyError, match=r"merkle\.malformed"):
            tiles.tile_of(node, 600)


def test_bundles_hold_32_byte_entries_only() -> None:
    """Entries of other lengths, too few, too many and bytes left over are refused."""
    entries = [bytes([n]) * 32 for n in range(3)]
    data = tiles.join_entries(entries)
    assert tiles.split_entries(data, 3) == entries
    for wrong, width in ((data, 2), (data, 4), (data[:-1], 3), (data + b"\0", 3), (b"\0\x21" + data[2:], 3), (b"", 1)):
        with pytest.raises(GgzyError, match=r"tile\.malformed"):
            tiles.split_entries(wrong, width)
    for wrong in (b"", bytes(31), bytes(64)):
        with pytest.raises(GgzyError, match=r"tile\.malformed"):
            tiles.split(wrong, 1)
