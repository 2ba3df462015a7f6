"""The tree against RFC 6962's definition, written out again here word by word, and the published test vectors."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import merkle
from kernel.errors import GgzyError

# The inputs and roots of the reference test in Certificate Transparency's own sources.
INPUTS = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(i.to_bytes(2, "big")) for i in range(301)]


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, MTH, as written there."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return leaves[0]
    k = largest_power_below(n)
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def audit_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, PATH, as written there."""
    n = len(leaves)
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*audit_path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*audit_path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], complete: bool) -> list[bytes]:  # noqa: FBT001 - the RFC's own form
    """RFC 6962 section 2.1.2, SUBPROOF, as written there."""
    n = len(leaves)
    if m == n:
        return [] if complete else [tree_hash(leaves)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, leaves[:k], complete), tree_hash(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def largest_power_below(n: int) -> int:
    """Return k, the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def prove_inclusion(index: int, size: int) -> list[bytes]:
    """Make the proof with our code over the test leaves."""
    return merkle.prove(merkle.inclusion_spans(index, size), merkle.lookup_in(LEAVES))


def prove_consistency(old: int, new: int) -> list[bytes]:
    """Make the proof with our code over the test leaves."""
    return merkle.prove(merkle.consistency_spans(old, new), merkle.lookup_in(LEAVES))


def test_published_roots() -> None:
    """The roots of the published vectors come out."""
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for size, expected in enumerate(ROOTS, 1):
        assert merkle.root(map(merkle.leaf_hash, INPUTS[:size])).hex() == expected


def test_every_root_up_to_300() -> None:
    """The streamed root equals the recursive definition for every size."""
    for size in range(301):
        assert merkle.root(LEAVES[:size]) == tree_hash(LEAVES[:size])


@given(st.integers(1, 300), st.data())
def test_inclusion_is_the_rfcs_path_and_verifies(size: int, data: st.DataObject) -> None:
    """Every proof is PATH of the RFC, verifies, and verifies for no other leaf, index, size or root."""
    index = data.draw(st.integers(0, size - 1))
    proof, expected = prove_inclusion(index, size), tree_hash(LEAVES[:size])
    assert proof == audit_path(index, LEAVES[:size])
    merkle.verify_inclusion(LEAVES[index], index, size, proof, expected)
    other = data.draw(st.integers(0, 300).filter(lambda i: i != index))
    for wrong in (
        (LEAVES[other], index, size, proof, expected),
        (LEAVES[index], other, size, proof, expected),
        (LEAVES[index], index, size, [*proof, LEAVES[0]], expected),
        (LEAVES[index], index, size, proof[:-1], expected if proof else LEAVES[other]),
        (LEAVES[index], index, size, proof, LEAVES[other]),
    ):
        with pytest.raises(GgzyError, match=r"merkle\.not_included"):
            merkle.verify_inclusion(*wrong)


@given(st.integers(0, 300), st.data())
def test_consistency_is_the_rfcs_proof_and_verifies(new: int, data: st.DataObject) -> None:
    """Every proof is SUBPROOF of the RFC, verifies, and verifies for no other root and no other length."""
    old = data.draw(st.integers(0, new))
    roots = tree_hash(LEAVES[:old]), tree_hash(LEAVES[:new])
    proof = prove_consistency(old, new)
    assert proof == (subproof(old, LEAVES[:new], complete=True) if old else [])
    merkle.verify_consistency(old, roots[0], new, roots[1], proof)
    for wrong in (
        (old, LEAVES[300], new, roots[1], proof),
        (old, roots[0], new, roots[1], [*proof, LEAVES[0]]),
        *([(old, roots[0], new, LEAVES[300], proof), (old, roots[0], new, roots[1], proof[1:])] if proof else []),
    ):
        with pytest.raises(GgzyError, match=r"merkle\.not_consistent"):
            merkle.verify_consistency(*wrong)


@given(st.integers(1, 300), st.data())
def test_a_flipped_bit_anywhere_is_seen(size: int, data: st.DataObject) -> None:
    """A proof with one bit changed proves nothing."""
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size)
    if proof:
        which, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        proof[which] = (int.from_bytes(proof[which], "big") ^ 1 << bit).to_bytes(32, "big")
        with pytest.raises(GgzyError):
            merkle.verify_inclusion(LEAVES[index], index, size, proof, tree_hash(LEAVES[:size]))


@given(st.integers(0, 6), st.integers(0, 9), st.integers(0, 63))
def test_whole_subtrees_give_the_same_root(level: int, parts: int, rest: int) -> None:
    """Parts of 2**level leaves and a shorter last one give the root over all leaves, as an upload needs it."""
    width = 1 << level
    rest = min(rest % (width + 1), 300 - parts * width) if parts * width < 300 else 0
    total = min(parts, 300 // width) * width
    frontier = merkle.Frontier()
    for begin in range(0, total, width):
        frontier.append(merkle.root(LEAVES[begin : begin + width]), level)
    if rest > 0:
        frontier.close(merkle.root(LEAVES[total : total + rest]), rest)
        total += rest
    assert frontier.size == total
    assert frontier.root() == tree_hash(LEAVES[:total])


def test_the_frontier_goes_on_from_its_peaks_and_names_completed_nodes() -> None:
    """A frontier restored from its peaks gives the same roots; each completed node is the hash over its leaves."""
    frontier = merkle.Frontier()
    for index, leaf in enumerate(LEAVES[:300]):
        frontier = merkle.Frontier(frontier.size, frontier.peaks)
        for (level, number), node in frontier.append(leaf):
            assert node == tree_hash(LEAVES[number << level : (number + 1) << level])
            assert (number + 1) << level == index + 1
    assert frontier.root() == tree_hash(LEAVES[:300])


def test_what_does_not_fit_is_refused() -> None:
    """Unaligned subtrees, anything after the last short one, wrong hash sizes and impossible ranges are refused."""
    leaf = LEAVES[0]
    one = merkle.Frontier(1, [leaf])
    closed = merkle.Frontier()
    closed.close(leaf, 3)
    for attempt in (
        lambda: one.append(leaf, 1),
        lambda: one.append(leaf[:-1]),
        lambda: one.append(leaf, -1),
        lambda: one.append(leaf, 63),
        lambda: one.close(leaf, 2),
        lambda: one.close(leaf, 0),
        lambda: closed.append(leaf),
        lambda: closed.close(leaf, 1),
        lambda: closed.peaks,
        lambda: merkle.Frontier(3, [leaf]),
        lambda: merkle.Frontier(-1),
        lambda: merkle.Frontier(merkle.MAX_SIZE, [leaf]).append(leaf),
        lambda: merkle.inclusion_spans(1, 1),
        lambda: merkle.inclusion_spans(-1, 1),
        lambda: merkle.consistency_spans(2, 1),
    ):
        with pytest.raises(GgzyError, match=r"merkle\.malformed"):
            attempt()
    assert closed.root() == leaf
