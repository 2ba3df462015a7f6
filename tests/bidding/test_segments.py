"""The promises of bidding.segments."""

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import merkle
from bidding.segments import PART_SIZE, SEGMENT_SIZE, BodyHasher, PartHasher, body_root, part_root
from kernel.errors import GgzyError

BODY = random.Random(1).randbytes(2 * PART_SIZE + 3 * SEGMENT_SIZE + 77)  # noqa: S311 - test data


def naive_root(data: bytes) -> bytes:
    """RFC 6962 section 2.1, word for word, over segments of 1 MiB."""
    segments = [data[i : i + SEGMENT_SIZE] for i in range(0, len(data), SEGMENT_SIZE)]
    return _mth(segments)


def _mth(entries: list[bytes]) -> bytes:
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _mth(entries[:split]) + _mth(entries[split:])).digest()


@pytest.mark.parametrize(
    "size",
    [1, SEGMENT_SIZE, SEGMENT_SIZE + 1, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, len(BODY)],
)
def test_root_is_that_of_rfc_6962(size: int) -> None:
    """Streamed, from parts, and by the RFC's own recursion: one root."""
    data = BODY[:size]
    hasher = BodyHasher()
    hasher.update(data)
    parts = [data[i : i + PART_SIZE] for i in range(0, size, PART_SIZE)]
    assert hasher.root() == naive_root(data)
    assert body_root((part_root(part), len(part)) for part in parts) == naive_root(data)
    assert hasher.parts == [(part_root(part), len(part)) for part in parts]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3 << 20), max_size=12))
def test_chunks_do_not_matter(cuts: list[int]) -> None:
    """However the bytes arrive, the root is the same."""
    hasher, rest = BodyHasher(), memoryview(BODY)
    for cut in cuts:
        hasher.update(rest[:cut])
        rest = rest[cut:]
    hasher.update(rest)
    assert hasher.root() == naive_root(BODY)


def test_a_part_takes_no_byte_too_many() -> None:
    """A part ends at 8 MiB."""
    hasher = PartHasher()
    hasher.update(bytes(PART_SIZE))
    with pytest.raises(GgzyError, match=r"part\.wrong_length"):
        hasher.update(b"x")


@pytest.mark.parametrize(
    "sizes", [[], [0], [PART_SIZE + 1], [PART_SIZE - 1, PART_SIZE], [PART_SIZE, 0], [5, 5], [PART_SIZE] * (2**18 + 1)]
)
def test_sizes_that_no_body_has_are_refused(sizes: list[int]) -> None:
    """Only full parts and one last shorter part make a body."""
    with pytest.raises(GgzyError, match=r"bid\.bad_parts"):
        body_root((bytes(32), size) for size in sizes)


def test_order_of_parts_matters() -> None:
    """Swapped parts give another root."""
    left, right = part_root(BODY[:PART_SIZE]), part_root(BODY[PART_SIZE : 2 * PART_SIZE])
    assert body_root([(left, PART_SIZE), (right, PART_SIZE)]) == merkle.node_hash(left, right)
    assert body_root([(right, PART_SIZE), (left, PART_SIZE)]) != merkle.node_hash(left, right)
