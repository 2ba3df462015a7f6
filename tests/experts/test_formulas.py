"""The six formulas with exactly the figures of their sources."""

from decimal import Decimal

import pytest

from experts import formulas
from experts.formulas import Slope, Standing
from kernel.errors import GgzyError

D = Decimal
PRICES = [D(p) for p in ("92", "95", "97", "100", "106")]


def test_lowest_price() -> None:
    """1: 100/110/125 at 30 points give 30 / 27.27 / 24."""
    scores = [formulas.lowest_price_score(D(p), D(100), D(30)) for p in (100, 110, 125)]
    assert [str(s) for s in scores] == ["30.00", "27.27", "24.00"]


def test_base_price() -> None:
    """2: one highest and one lowest dropped, base 97.3333, points 94.52 / 97.60 / 99.66 / 94.52 / 82.19."""
    base = formulas.base_price(PRICES, 1)
    assert str(base) == "97.3333"
    slope = Slope(D(100), D(2), D(1))
    scores = [formulas.base_price_score(p, base, slope) for p in PRICES]
    assert [str(s) for s in scores] == ["94.52", "97.60", "99.66", "94.52", "82.19"]


def test_base_price_with_a_factor() -> None:
    """3: K = 0.97 gives 94.4133 and 97.44 / 98.76 / 94.52 for the three middle prices' neighbours."""
    base = formulas.base_price(PRICES, 1, D("0.97"))
    assert str(base) == "94.4133"
    slope = Slope(D(100), D(2), D(1))
    scores = [formulas.base_price_score(D(p), base, slope) for p in (92, 95, 97)]
    assert [str(s) for s in scores] == ["97.44", "98.76", "94.52"]


def test_reviewed_price() -> None:
    """4: A 100+3, B 102+0: B is lower."""
    assert formulas.reviewed_price(D(100), [D(3)]) == 103
    assert formulas.reviewed_price(D(102), []) == 102


def test_combined_scores() -> None:
    """5: trimmed 35.00, untrimmed 34.60."""
    scores = [D(s) for s in (34, 36, 35, 38, 30)]
    assert str(formulas.combine(scores, trimmed=True)) == "35.00"
    assert str(formulas.combine(scores, trimmed=False)) == "34.60"


def test_ties() -> None:
    """6: by price, then by technical score; what is equal in all stays a tie."""
    standings = [
        Standing("a", D(90), D(100), D(50)),
        Standing("b", D(90), D(99), D(40)),
        Standing("c", D(90), D(99), D(45)),
        Standing("d", D(91), D(200), D(1)),
        Standing("e", D(90), D(99), D(45)),
    ]
    assert formulas.rank(standings) == (("d",), ("c", "e"), ("b",), ("a",))
    assert formulas.rank(standings, ("technical", "price")) == (("d",), ("a",), ("c", "e"), ("b",))


def test_points_never_fall_below_zero() -> None:
    """A price far off gets nothing, not less."""
    assert formulas.base_price_score(D(500), D(100), Slope(D(40), D(2), D(1))) == 0


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_amounts_are_positive(price: str) -> None:
    """Nothing is computed from an amount that is none."""
    with pytest.raises(GgzyError, match=r"formula\.bad_amount"):
        formulas.lowest_price_score(D(price), D(1), D(30))


def test_too_little_to_drop_from() -> None:
    """Dropping everything is refused."""
    with pytest.raises(GgzyError, match=r"formula\.too_few_prices"):
        formulas.base_price(PRICES[:2], 1)
    with pytest.raises(GgzyError, match=r"formula\.too_few_scores"):
        formulas.combine([D(1), D(2)], trimmed=True)


def test_abnormally_low_is_a_hint() -> None:
    """Each of the three signs is seen, at its bound not yet."""
    found = formulas.abnormally_low({"a": D(40), "b": D(100), "c": D(110)}, D(100))
    assert found == {"a": ("below_half_of_mean", "below_half_of_second", "below_45_percent_of_ceiling")}
    assert formulas.abnormally_low({"a": D(45), "b": D(90), "c": D(45)}, D(100)) == {}
    assert formulas.abnormally_low({}, None) == {}
