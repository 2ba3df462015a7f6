"""DER (X.690): the few encodings that RFC 3161 needs, and a strict reader of definite, minimal lengths."""

from datetime import UTC, datetime
from typing import NamedTuple

from kernel.errors import GgzyError, Kind

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
GENERALIZED_TIME, SEQUENCE, SET = 0x18, 0x30, 0x31
CONTEXT_0, CONTEXT_0_PRIMITIVE = 0xA0, 0x80

_SHORT_LENGTHS = tuple(bytes((n,)) for n in range(0x80))
_LONG_FORM = 0x80
_HIGH_TAG = 0x1F
_MAX_LENGTH_BYTES = 4


class Node(NamedTuple):
    """One element: its tag byte, its content, and the whole encoding."""

    tag: int
    content: bytes
    raw: bytes


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return the element of this tag whose content is the parts joined."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag,)) + _SHORT_LENGTHS[size] + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER in its shortest form."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """Return the OBJECT IDENTIFIER of a dotted name, arcs of any size (X.660 UUID arcs have 128 bits)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OID, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def generalized_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in UTC; DER wants no trailing zeros in the fraction (X.690 11.7)."""
    utc = moment.astimezone(UTC)
    text = utc.strftime("%Y%m%d%H%M%S")
    if utc.microsecond:
        text += f".{utc.microsecond:06d}".rstrip("0")
    return tlv(GENERALIZED_TIME, text.encode() + b"Z")


def element(data: bytes, tag: int | None = None) -> Node:
    """Read exactly one element that fills `data`; GgzyError ``timestamp.malformed`` for anything else."""
    node, rest = _take(data)
    if rest or (tag is not None and node.tag != tag):
        raise malformed()
    return node


def children(node: Node, *tags: int, of: int = SEQUENCE) -> list[Node]:
    """Read the elements inside a constructed one, which has the tag `of`; with `tags`, exactly these in this order."""
    if node.tag != of:
        raise malformed()
    found, rest = [], node.content
    while rest:
        child, rest = _take(rest)
        found.append(child)
    if tags and tuple(child.tag for child in found) != tags:
        raise malformed()
    return found


def at_least(count: int, nodes: list[Node]) -> list[Node]:
    """Return the nodes, of which there must be `count` or more."""
    if len(nodes) < count:
        raise malformed()
    return nodes


def read_integer(node: Node) -> int:
    """Read a non-negative INTEGER in its shortest form."""
    value = int.from_bytes(node.content, "big", signed=True)
    if node.tag != INTEGER or value < 0 or integer(value) != node.raw:
        raise malformed()
    return value


def read_oid(node: Node) -> str:
    """Read an OBJECT IDENTIFIER in its shortest form as a dotted name."""
    arcs, value = [], 0
    for byte in node.content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        raise malformed()
    top = min(arcs[0] // 40, 2)
    dotted = ".".join(str(arc) for arc in (top, arcs[0] - 40 * top, *arcs[1:]))
    if oid(dotted) != node.raw:
        raise malformed()
    return dotted


def read_time(node: Node) -> datetime:
    """Read a GeneralizedTime as `generalized_time` writes it; parts finer than a microsecond are refused."""
    text = node.content.decode("ascii", "replace")
    pattern = "%Y%m%d%H%M%S.%fZ" if "." in text else "%Y%m%d%H%M%SZ"
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError as error:
        raise malformed() from error
    if generalized_time(moment) != node.raw:
        raise malformed()
    return moment


def malformed() -> GgzyError:
    """Return the one refusal of bytes that are not what RFC 3161 and DER lay down."""
    return GgzyError("timestamp.malformed", Kind.INTEGRITY)


def _take(data: bytes) -> tuple[Node, bytes]:
    if len(data) < 2 or data[0] & _HIGH_TAG == _HIGH_TAG:  # noqa: PLR2004 - a tag byte and a length byte
        raise malformed()
    size, start = data[1], 2
    if size >= _LONG_FORM:
        start += size - _LONG_FORM
        length = data[2:start]
        if not 0 < len(length) <= _MAX_LENGTH_BYTES or len(length) != start - 2:
            raise malformed()
        size = int.from_bytes(length, "big")
        if length[0] == 0 or size < _LONG_FORM:
            raise malformed()
    end = start + size
    if end > len(data):
        raise malformed()
    return Node(data[0], data[start:end], data[:end]), data[end:]


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | arc & 0x7F)
    return bytes(reversed(groups))
