"""Price and score formulas as pure functions of Decimals. Nothing is rounded but where a docstring says so, half up.

Sources: 政府采购货物和服务招标投标管理办法 (财政部令第87号) 55, 57; 公路工程建设项目评标工作细则;
评标委员会和评标方法暂行规定. Specified with worked figures in docs/spec/evaluation.md. Prices are yuan, scores points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from kernel.errors import GgzyError, Kind

CENT = Decimal("0.01")
BASE_STEP = Decimal("0.0001")
_EXACT = Context(prec=50, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Slope:
    """What a price pays for leaving the base price: full score F, points per percent above (E1) and below (E2)."""

    full: Decimal
    above: Decimal
    below: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """A bid in the comparison: its total and technical score in points and its price in yuan."""

    bid: str
    total: Decimal
    price: Decimal
    technical: Decimal = Decimal(0)


def lowest_price_score(price: Decimal, lowest: Decimal, weight: Decimal) -> Decimal:
    """1. 低价优先 (87号令 55): S = lowest / price × weight, rounded to 0.01 at the end."""
    _positive(price, lowest)
    with localcontext(_EXACT):
        return (lowest * weight / price).quantize(CENT)


def base_price(prices: Sequence[Decimal], dropped: int, factor: Decimal = Decimal(1)) -> Decimal:
    """2, 3. The base: mean without the `dropped` highest and lowest, times K; rounded to 0.0001, as it is announced.

    Raises ``formula.too_few_prices`` when nothing would be left.
    """
    if dropped < 0 or len(prices) <= 2 * dropped:
        raise GgzyError("formula.too_few_prices", Kind.INVALID, prices=len(prices), dropped=dropped)
    _positive(*prices, factor)
    kept = sorted(prices)[dropped : len(prices) - dropped]
    with localcontext(_EXACT):
        return (sum(kept, Decimal(0)) * factor / len(kept)).quantize(BASE_STEP)


def base_price_score(price: Decimal, base: Decimal, slope: Slope) -> Decimal:
    """2, 3. 合理低价: D = (price − base) / base; F − D·100·E1 above the base, else F + D·100·E2.

    Rounded to 0.01 at the end, never below 0.
    """
    _positive(price, base)
    with localcontext(_EXACT):
        deviation = (price - base) / base
        score = slope.full - abs(deviation) * 100 * (slope.above if deviation > 0 else slope.below)
        return max(score, Decimal(0)).quantize(CENT)


def reviewed_price(price: Decimal, deviations: Sequence[Decimal]) -> Decimal:
    """4. 经评审的最低投标价: price plus quantified deviations, only to compare. No rounding."""
    _positive(price)
    with localcontext(_EXACT):
        return sum(deviations, price)


def combine(scores: Sequence[Decimal], *, trimmed: bool) -> Decimal:
    """5. 综合评估: the mean of the members' scores, rounded to 0.01; trimmed: without one highest and one lowest.

    Raises ``formula.too_few_scores`` when nothing would be left.
    """
    kept = sorted(scores)[1:-1] if trimmed else list(scores)
    if not kept:
        raise GgzyError("formula.too_few_scores", Kind.INVALID, scores=len(scores))
    with localcontext(_EXACT):
        return (sum(kept, Decimal(0)) / len(kept)).quantize(CENT)


def rank(standings: Sequence[Standing], ties: Sequence[str] = ("price", "technical")) -> tuple[tuple[str, ...], ...]:
    """6. Rank by total; ties by price (low first) and technical score (high first) in the documents' order (87号令 57).

    Returns groups in rank order; a group of several is a tie that the documents leave to the committee. Raises
    GgzyError ``formula.unknown_tie``.
    """
    keys = {"price": lambda s: s.price, "technical": lambda s: -s.technical}
    if not set(ties) <= set(keys):
        raise GgzyError("formula.unknown_tie", Kind.INVALID)
    groups: dict[tuple[Decimal, ...], list[str]] = {}
    for standing in standings:
        groups.setdefault((-standing.total, *(keys[name](standing) for name in ties)), []).append(standing.bid)
    return tuple(tuple(sorted(groups[key])) for key in sorted(groups))


def abnormally_low(prices: Mapping[str, Decimal], ceiling: Decimal | None) -> dict[str, tuple[str, ...]]:
    """Return the bids whose price calls for an explanation, with the signs seen. A hint; it never decides anything.

    ``below_half_of_mean``: under 50 % of the mean of the conforming bids; ``below_half_of_second``: the lowest under
    50 % of the second lowest; ``below_45_percent_of_ceiling``.
    """
    if not prices:
        return {}
    ordered = sorted(prices.values())
    found: dict[str, tuple[str, ...]] = {}
    with localcontext(_EXACT):
        mean = sum(ordered, Decimal(0)) / len(ordered)
        for bid, price in prices.items():
            checks = (
                ("below_half_of_mean", price * 2 < mean),
                ("below_half_of_second", len(ordered) > 1 and price == ordered[0] and price * 2 < ordered[1]),
                ("below_45_percent_of_ceiling", ceiling is not None and price * 100 < ceiling * 45),
            )
            if signs := tuple(name for name, seen in checks if seen):
                found[bid] = signs
    return found


def _positive(*amounts: Decimal) -> None:
    if not all(amount.is_finite() and amount > 0 for amount in amounts):
        raise GgzyError("formula.bad_amount", Kind.INVALID)
