"""The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots, inclusion and consistency proofs.

Proofs are made from any source of subtree hashes (a list, tiles, database rows): the shape of a proof is a list of
leaf ranges, and each range is a few complete subtrees named ``(level, index)``, the subtree of ``2**level`` leaves that
begins at leaf ``index << level``. Verification is that of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from kernel.errors import GgzyError, Kind

HASH_SIZE = 32
MAX_SIZE = 1 << 62  # leaves; keeps every index within PostgreSQL's bigint and Go's int64
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int]
Span = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one log entry: SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes (not entries)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree (a compact range): at most one complete subtree per level, 32 bytes each.

    It takes leaves or whole aligned subtrees, so a root is streamed without keeping the leaves.
    """

    __slots__ = ("_closed", "_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Start empty, or go on from a size and its peaks (largest subtree first); GgzyError ``merkle.malformed``."""
        if not 0 <= size <= MAX_SIZE or len(peaks) != size.bit_count() or any(len(p) != HASH_SIZE for p in peaks):
            raise malformed()
        self._size = size
        self._peaks = list(peaks)
        self._closed = False

    @property
    def size(self) -> int:
        """Return the number of leaves so far."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Return the complete subtrees that make up the tree, largest first: what the constructor takes back."""
        if self._closed:
            raise malformed()
        return tuple(self._peaks)

    def append(self, node: bytes, level: int = 0) -> list[tuple[Node, bytes]]:
        """Add the hash of a leaf, or of a complete subtree of ``2**level`` leaves aligned to its own size.

        Returns the inner nodes that this completed, as ``((level, index), hash)``, lowest first.
        Raises GgzyError ``merkle.malformed`` when it does not fit at the right edge.
        """
        if self._closed or len(node) != HASH_SIZE or not 0 <= level < MAX_SIZE.bit_length():
            raise malformed()
        if self._size & ((1 << level) - 1) or self._size + (1 << level) > MAX_SIZE:
            raise malformed()
        completed: list[tuple[Node, bytes]] = []
        rest = self._size >> level
        while rest & 1:
            node = node_hash(self._peaks.pop(), node)
            rest >>= 1
            level += 1
            completed.append(((level, rest), node))
        self._peaks.append(node)
        self._size = (rest + 1) << level
        return completed

    def close(self, node: bytes, leaves: int) -> None:
        """Add the last, shorter subtree: the root over `leaves` (any number ≥ 1) leaf hashes.

        The tree so far must be a multiple of the power of two that holds `leaves`. Nothing can be appended after it.
        """
        if self._closed or len(node) != HASH_SIZE or leaves < 1 or self._size + leaves > MAX_SIZE:
            raise malformed()
        if self._size % (1 << (leaves - 1).bit_length()):
            raise malformed()
        self._peaks.append(node)
        self._size += leaves
        self._closed = True

    def root(self) -> bytes:
        """Return the Merkle tree hash of everything appended; SHA-256 of nothing when empty."""
        return fold(self._peaks) if self._peaks else EMPTY_ROOT


def fold(nodes: Sequence[bytes]) -> bytes:
    """Return the hash over consecutive subtrees, largest first; at least one."""
    result = nodes[-1]
    for node in reversed(nodes[:-1]):
        result = node_hash(node, result)
    return result


def cover(begin: int, end: int) -> list[Node]:
    """Return the complete subtrees, left to right, that make up the leaf range of one subtree of a proof."""
    nodes: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the leaf ranges whose hashes prove leaf `index` in a tree of `size`, from the leaf's sibling upward."""
    if not 0 <= index < size <= MAX_SIZE:
        raise malformed()
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the leaf ranges whose hashes prove that the tree of `new` leaves extends the tree of `old` leaves.

    Empty when the sizes are equal or `old` is 0, as there is nothing to prove.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise malformed()
    if old in (0, new):
        return []
    spans: list[Span] = []
    begin, end = 0, new
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    if begin:
        spans.append((begin, end))
    return spans[::-1]


def nodes_of(spans: Sequence[Span]) -> list[Node]:
    """Return every complete subtree that a proof needs: what a reader must fetch."""
    return [node for span in spans for node in cover(*span)]


def prove(spans: Sequence[Span], lookup: Callable[[Node], bytes]) -> list[bytes]:
    """Return the proof's hashes, one per span, with `lookup` giving each complete subtree's hash."""
    return [fold([lookup(node) for node in cover(*span)]) for span in spans]


def lookup_in(leaves: Sequence[bytes]) -> Callable[[Node], bytes]:
    """Return the `lookup` over a list of leaf hashes."""

    def lookup(node: Node) -> bytes:
        level, index = node
        return root(leaves[index << level : (index + 1) << level])

    return lookup


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Check that the leaf hash stands at `index` in the tree of `size` leaves with root `expected` (RFC 9162 2.1.3.2).

    Raises GgzyError ``merkle.not_included``.
    """
    if not 0 <= index < size <= MAX_SIZE or any(len(h) != HASH_SIZE for h in (leaf, *proof)):
        raise GgzyError("merkle.not_included", Kind.INTEGRITY)
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if not last:
            raise GgzyError("merkle.not_included", Kind.INTEGRITY)
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        position >>= 1
        last >>= 1
    if last or not hmac.compare_digest(result, expected):
        raise GgzyError("merkle.not_included", Kind.INTEGRITY)


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `new` leaves extends the tree of `old` leaves (RFC 9162 2.1.4.2).

    Raises GgzyError ``merkle.not_consistent``.
    """
    if not 0 <= old <= new <= MAX_SIZE or any(len(h) != HASH_SIZE for h in (old_root, new_root, *proof)):
        raise GgzyError("merkle.not_consistent", Kind.INTEGRITY)
    if old in (0, new):
        trivial = old_root == (new_root if old == new else EMPTY_ROOT)
        if proof or not trivial or (new == 0 and new_root != EMPTY_ROOT):
            raise GgzyError("merkle.not_consistent", Kind.INTEGRITY)
        return
    roots = _fold_consistency(old, new, [old_root, *proof] if not old & (old - 1) else list(proof))
    if roots is None or not all(map(hmac.compare_digest, roots, (old_root, new_root))):
        raise GgzyError("merkle.not_consistent", Kind.INTEGRITY)


def malformed() -> GgzyError:
    """Return the refusal of sizes, indexes or hashes that no tree has."""
    return GgzyError("merkle.malformed", Kind.INTEGRITY)


def _split(size: int) -> int:
    """Return the largest power of two below `size` (size ≥ 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _fold_consistency(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    if not path:
        return None
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if not last:
            return None
        if position & 1 or position == last:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new_root = node_hash(new_root, sibling)
        position >>= 1
        last >>= 1
    return None if last else (old_root, new_root)
