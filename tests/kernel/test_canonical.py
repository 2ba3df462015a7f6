"""Canonical JSON: one value, one byte string, and nothing else is accepted."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from kernel import canonical
from kernel.errors import GgzyError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(VALUES)
def test_round_trip(value: object) -> None:
    """Whatever is encoded decodes to the same value, and its bytes are ordinary JSON."""
    data = canonical.encode(value)
    assert canonical.decode(data) == value
    assert json.loads(data) == value


@given(VALUES)
def test_the_bytes_are_those_of_another_implementation(value: object) -> None:
    """The package `rfc8785` writes the same bytes for whatever we write."""
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(st.binary(max_size=64))
def test_any_bytes_give_one_error_type(data: bytes) -> None:
    """A parser raises its one error or returns a value whose encoding is those very bytes."""
    try:
        value = canonical.decode(data)
    except GgzyError as error:
        assert error.code == "canonical.malformed"
    else:
        assert canonical.encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b'"\\u4e2d"',
        b"1.0",
        b"1e2",
        b"NaN",
        b"-0",
        b'"\xff"',
        b'"\\ud800"',
        b"9007199254740993",
        b"[" * 5000 + b"]" * 5000,
        b"",
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    """Unsorted, spaced, repeated, escaped, float, surrogate, too large, too deep: all refused alike."""
    with pytest.raises(GgzyError) as caught:
        canonical.decode(data)
    assert caught.value.code == "canonical.malformed"


@pytest.mark.parametrize("value", [1.5, {"a": [0.0]}, b"x", {1: 2}, 2**60, {"\ud800": 1}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Floats, bytes, other keys, big integers and lone surrogates have no canonical bytes."""
    with pytest.raises(GgzyError) as caught:
        canonical.encode(value)
    assert caught.value.code == "canonical.unsupported"


def test_keys_are_sorted_by_utf16_units() -> None:
    """RFC 8785 section 3.2.3: the astral character's surrogates sort before U+FB33."""
    assert canonical.encode({"\ufb33": 1, "\U0001f600": 2}) == b'{"\xf0\x9f\x98\x80":2,"\xef\xac\xb3":1}'
