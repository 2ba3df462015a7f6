"""Polynomials: the values that dealers deal, their public check, and interpolation at zero."""

from functools import reduce
from itertools import combinations

import pytest

from bidding import group, polynomial
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

ORDER = 2**252 + 27742317777372353535851937790883648493


def number(scalar: bytes) -> int:
    """Read a test's scalar as an integer."""
    return int.from_bytes(scalar, "little")


def test_values_are_those_of_the_integers() -> None:
    """Horner over libsodium's scalars gives what plain arithmetic modulo the order gives."""
    drawn = polynomial.draw(4, SeededEntropy(b"p"))
    for index in range(1, 8):
        expected = sum(number(c) * index**power for power, c in enumerate(drawn)) % ORDER
        assert number(polynomial.evaluate(drawn, index)) == expected


def test_commitments_are_evaluated_as_their_polynomial() -> None:
    """The public evaluation is the commitment of the secret one, for every custodian."""
    drawn = polynomial.draw(3, SeededEntropy(b"p"))
    committed = polynomial.commit(drawn)
    for index in range(1, 8):
        share = polynomial.evaluate(drawn, index)
        assert polynomial.evaluate_commitments(committed, index) == group.base_mult(share)
        assert polynomial.fits(share, committed, index)
        assert not polynomial.fits(share, committed, index + 1)


@pytest.mark.parametrize("share", [bytes(32), b"\xff" * 32, ORDER.to_bytes(32, "little"), b"short"])
def test_what_is_no_scalar_fits_nothing(share: bytes) -> None:
    """Zero, unreduced values and wrong lengths are never a share."""
    assert not polynomial.fits(share, polynomial.commit(polynomial.draw(2, SeededEntropy(b"p"))), 1)


def test_a_polynomial_that_vanishes_at_a_custodian_fits_nothing() -> None:
    """A dealer that chooses f(2) = 0 deals custodian 2 no share, and this can be seen by everybody."""
    one = group.ONE
    zero_at_two = (group.scalar_sub(group.ZERO, group.scalar_add(one, one)), one)
    committed = polynomial.commit(zero_at_two)
    assert polynomial.evaluate(zero_at_two, 2) == group.ZERO
    assert not polynomial.fits(polynomial.evaluate(zero_at_two, 2), committed, 2)
    with pytest.raises(GgzyError) as caught:
        polynomial.evaluate_commitments(committed, 2)
    assert caught.value.code == "group.bad_point"


def test_sums_of_commitments_are_commitments_of_sums() -> None:
    """What the dealers committed to together is committed to by the sum."""
    dealers = [polynomial.draw(3, SeededEntropy(bytes([i]))) for i in range(4)]
    together = [reduce(group.scalar_add, column) for column in zip(*dealers, strict=True)]
    assert polynomial.sum_commitments([polynomial.commit(one) for one in dealers]) == polynomial.commit(together)


def test_any_quorum_interpolates_the_value_at_zero() -> None:
    """Lagrange's coefficients give f(0) from every choice of threshold values, up to 5 of 7."""
    drawn = polynomial.draw(5, SeededEntropy(b"p"))
    values = {index: polynomial.evaluate(drawn, index) for index in range(1, 8)}
    for chosen in combinations(values, 5):
        terms = (group.scalar_mul(polynomial.coefficient_at_zero(i, chosen), values[i]) for i in chosen)
        assert reduce(group.scalar_add, terms) == drawn[0]
