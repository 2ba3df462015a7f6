"""Padmé padding: the length of an envelope tells at most O(log log n) bits of what is in it.

Nikitin et al., *Reducing Metadata Leakage from Encrypted Files and Communication with PURBs*, PoPETs 2019, section 4.
"""

FLOOR = 65536
"""Every payload has at least this length, so that all envelopes holding a form only look alike."""


def padded_length(length: int) -> int:
    """Return the Padmé length of `length` bytes, at least `FLOOR`; at most 12 % more, below 4 % from 4 GiB on."""
    size = max(length, FLOOR)
    exponent = size.bit_length() - 1
    zeros = exponent - exponent.bit_length()
    mask = (1 << zeros) - 1
    return (size + mask) & ~mask


def is_padded(length: int) -> bool:
    """Tell whether a length is one that `padded_length` returns."""
    return length >= FLOOR and padded_length(length) == length
