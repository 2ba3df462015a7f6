"""Polynomials over the group's order and their Feldman commitments; Lagrange coefficients at zero.

A polynomial of degree k−1 is its k coefficients as scalars, lowest first. Indexes are the custodians' numbers from 1.
Sources: P. Feldman, "A practical scheme for non-interactive verifiable secret sharing" (1987); RFC 9591 appendix C.
"""

from collections.abc import Sequence
from functools import reduce

from bidding import group
from kernel.entropy import Entropy
from kernel.errors import GgzyError


def draw(threshold: int, entropy: Entropy) -> tuple[bytes, ...]:
    """Return `threshold` random coefficients, none of them zero."""
    return tuple(group.random_scalar(entropy) for _ in range(threshold))


def commit(coefficients: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the Feldman commitments, one point for each coefficient."""
    return tuple(group.base_mult(coefficient) for coefficient in coefficients)


def evaluate(coefficients: Sequence[bytes], index: int) -> bytes:
    """Return the polynomial's value at an index, a secret scalar (Horner)."""
    at = group.small_scalar(index)
    return reduce(lambda value, c: group.scalar_add(group.scalar_mul(value, at), c), reversed(coefficients), group.ZERO)


def evaluate_commitments(commitments: Sequence[bytes], index: int) -> bytes:
    """Return the commitment of the value at an index (Horner in the exponent).

    Raises ``group.bad_point`` when a sum on the way is the identity, which no honest polynomial comes to.
    """
    at = group.small_scalar(index)
    *lower, value = commitments
    for commitment in reversed(lower):
        value = group.add(group.mult(at, value), commitment)
    return group.check_point(value)


def fits(share: bytes, commitments: Sequence[bytes], index: int) -> bool:
    """Tell whether a share is a reduced scalar, not zero, and the value at `index` of what was committed to."""
    try:
        return group.base_mult(group.check_scalar(share)) == evaluate_commitments(commitments, index)
    except GgzyError:
        return False


def sum_commitments(dealers: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """Return the commitments of the sum of several polynomials of one degree."""
    return tuple(reduce(group.add, column) for column in zip(*dealers, strict=True))


def coefficient_at_zero(index: int, indexes: Sequence[int]) -> bytes:
    """Return the Lagrange coefficient of `index` among distinct `indexes` for the value at zero: Π j/(j − i)."""
    own = group.small_scalar(index)
    above, below = group.ONE, group.ONE
    for other in (group.small_scalar(j) for j in indexes if j != index):
        above = group.scalar_mul(above, other)
        below = group.scalar_mul(below, group.scalar_sub(other, own))
    return group.scalar_mul(above, group.scalar_invert(below))
