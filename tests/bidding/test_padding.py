"""The promises of bidding.padding."""

from hypothesis import given
from hypothesis import strategies as st

from bidding.padding import FLOOR, is_padded, padded_length

lengths = st.integers(min_value=0, max_value=1 << 41)


@given(lengths)
def test_padding_adds_at_most_an_eighth(length: int) -> None:
    """A payload never shrinks and never grows by more than 12 % beyond the floor."""
    padded = padded_length(length)
    assert max(length, FLOOR) <= padded <= max(length * 1.12, FLOOR)


@given(lengths)
def test_padded_lengths_are_fixed_points(length: int) -> None:
    """A padded length is its own padded length, so that a header can be judged by itself."""
    padded = padded_length(length)
    assert padded_length(padded) == padded
    assert is_padded(padded)
    assert is_padded(length) == (padded == length)


@given(lengths)
def test_few_lengths_are_possible(length: int) -> None:
    """A padded length keeps no more bits than Padmé allows: the low E − S bits are zero."""
    padded = padded_length(length)
    exponent = padded.bit_length() - 1
    assert padded % (1 << (exponent - exponent.bit_length())) == 0


def test_known_lengths() -> None:
    """The lengths that the specification prints."""
    assert [padded_length(n) for n in (0, 65536, 65537, 1_000_000, 2**31 + 1)] == [
        65536,
        65536,
        67584,
        1_015_808,
        2_214_592_512,
    ]
