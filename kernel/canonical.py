"""Canonical JSON (RFC 8785), the bytes that are hashed and signed. Floats are refused: amounts are decimal strings.

Without floats the standard asks for three things: no white space, the shortest escapes, members in the order of their
names' UTF-16 units. msgspec's encoder gives the first two; a test holds the whole against the package `rfc8785`.
"""

import json
from typing import Any

import msgspec

from kernel.errors import GgzyError, Kind

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1

_ENCODER = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """Return the canonical bytes of dicts, lists, strings, integers below 2^53, booleans and null.

    Raises GgzyError ``canonical.unsupported`` for anything else.
    """
    try:
        return _ENCODER.encode(_ordered(value, 0))
    except (UnicodeEncodeError, RecursionError) as error:
        raise _unsupported() from error


def decode(data: bytes) -> Any:
    """Parse canonical bytes strictly: what was parsed must encode to the same bytes again.

    Raises GgzyError ``canonical.malformed``.
    """
    try:
        value = json.loads(data)
        if encode(value) == data:
            return value
    except (ValueError, RecursionError, GgzyError) as error:
        raise GgzyError("canonical.malformed", Kind.INTEGRITY) from error
    raise GgzyError("canonical.malformed", Kind.INTEGRITY)


def _ordered(value: Any, depth: int) -> Any:
    """Return the value with every object's members in canonical order, refusing what has no canonical form."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    if depth < MAX_DEPTH:
        if isinstance(value, dict):
            return {name: _ordered(value[name], depth + 1) for name in _names(value)}
        if isinstance(value, list | tuple):
            return [_ordered(item, depth + 1) for item in value]
    raise _unsupported()


def _names(value: dict[str, Any]) -> list[str]:
    """Return the names in the order of their UTF-16 units, which for ASCII is the plain one."""
    try:
        plain = all(map(str.isascii, value))
    except TypeError as error:
        raise _unsupported() from error
    return sorted(value) if plain else sorted(value, key=lambda name: name.encode("utf-16-be"))


def _unsupported() -> GgzyError:
    return GgzyError("canonical.unsupported", Kind.INVALID)
