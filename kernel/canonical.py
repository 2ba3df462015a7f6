"""Canonical JSON (RFC 8785), the bytes that are hashed and signed. Floats are refused: amounts are decimal strings."""

import json
from typing import Any

import rfc8785

from kernel.errors import GgzyError, Kind

MAX_DEPTH = 32


def encode(value: Any) -> bytes:
    """Return the canonical bytes of dicts, lists, strings, integers below 2^53, booleans and null.

    Raises GgzyError ``canonical.unsupported`` for anything else.
    """
    _refuse_floats(value, 0)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise GgzyError("canonical.unsupported", Kind.INVALID) from error


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


def _refuse_floats(value: Any, depth: int) -> None:
    if isinstance(value, float) or depth > MAX_DEPTH:
        raise GgzyError("canonical.unsupported", Kind.INVALID)
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item, depth + 1)
