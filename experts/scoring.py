"""How bids are scored: the scheme that the documents lay down, the members' signed messages, the comparison. Pure.

docs/spec/evaluation.md. Points are decimal strings with at most two places. An automatic sign (an abnormally low
price, a price over the ceiling) is a hint beside the result and never part of it (发改法规〔2026〕195号).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from bidding import signed
from bidding.wire import Hash, Identifier
from experts import formulas
from experts.formulas import Slope, Standing
from kernel.errors import GgzyError, Kind

SHEET, VOTE = "ggzy/score-sheet/v1", "ggzy/rejection-vote/v1"
DECLARATION, OPINION = "ggzy/avoidance-declaration/v1", "ggzy/report-opinion/v1"
MAX_MESSAGE = 64 << 10

# 招标投标法实施条例 第五十一条
GROUNDS = (
    "not_signed",
    "no_consortium_agreement",
    "not_qualified",
    "several_offers",
    "below_cost_or_above_ceiling",
    "not_responsive",
    "collusion_or_fraud",
)
FORMULAS = ("lowest_price", "base_price")
MAX_CANDIDATES = 3

DEVIATION = "deviation"

_POINTS = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?\Z")
Text = Annotated[str, msgspec.Meta(max_length=4000)]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is judged by hand: its code, the kind of envelope it is judged from, its maximum in points.

    Of the kind ``deviation`` it is an amount of yuan that is added to the price in the comparison alone.
    """

    code: str
    kind: str
    maximum: Decimal


@dataclass(frozen=True, slots=True)
class Scheme:
    """The documents' way of comparing."""

    method: str
    formula: str
    criteria: tuple[Criterion, ...]
    weight: Decimal
    dropped: int
    factor: Decimal
    above: Decimal
    below: Decimal
    trimmed: bool
    ties: tuple[str, str]


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's points for one bid by criterion."""

    format: Literal["ggzy/score-sheet/v1"]
    committee: Identifier
    bid: Identifier
    scores: dict[str, str]
    remark: Text


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's opinion whether a bid is to be rejected, on which ground and why."""

    format: Literal["ggzy/rejection-vote/v1"]
    committee: Identifier
    bid: Identifier
    reject: bool
    ground: str
    reason: Text


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's declaration that they need not avoid this lot, or why they must."""

    format: Literal["ggzy/avoidance-declaration/v1"]
    committee: Identifier
    conflict: bool
    reason: Text


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member signs under a report (its SHA-256): consent, or dissent with reasons."""

    format: Literal["ggzy/report-opinion/v1"]
    report: Hash
    kind: Literal["consent", "dissent"]
    reason: Text


@dataclass(frozen=True, slots=True)
class Offer:
    """An opened bid: price in yuan, None while its envelope is sealed or when it could not be opened."""

    bid: str
    bidder: str
    name: str
    price: Decimal | None
    refused: str | None = None


def scheme(evaluation: Mapping[str, Any]) -> Scheme:
    """Read what the lot lays down; ``evaluation.bad_scheme`` names the part that does not fit."""
    weights = {str(kind): Decimal(text) for kind, text in evaluation.get("weights", {}).items()}
    given = {str(name): Decimal(text) for name, text in evaluation.get("parameters", {}).items()}
    formula, method = evaluation.get("formula"), evaluation.get("method")
    _require(formula in FORMULAS, "formula")
    _require(method in ("comprehensive", "lowest_evaluated"), "method")
    _require(sum(weights.values(), Decimal(0)) == 100 and "price" in weights, "weights")  # noqa: PLR2004 - 100 points
    dropped = given.get("dropped", Decimal(0))
    _require(dropped == int(dropped) and given.get("factor", Decimal(1)) > 0, "parameters")
    return Scheme(
        method=str(method),
        formula=str(formula),
        criteria=(
            *(c for kind, weight in sorted(weights.items()) for c in _criteria(kind, weight, given)),
            *_deviations(str(method), given),
        ),
        weight=weights["price"],
        dropped=int(dropped),
        factor=given.get("factor", Decimal(1)),
        above=given.get("above", Decimal(1)),
        below=given.get("below", Decimal(1)),
        trimmed=bool(given.get("trimmed", Decimal(0))),
        ties=("technical", "price") if given.get("technical_first") else ("price", "technical"),
    )


def read(message: bytes, name: str, shape: type[Any], device_key: bytes) -> Any:
    """Parse a member's signed message; ``evaluation.bad_message``, ``signed.bad_signature``."""
    try:
        parsed = signed.read(message, name, limit=MAX_MESSAGE)
        found = msgspec.convert(parsed.fields, shape)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("evaluation.bad_message", Kind.INVALID, format=name) from error
    signed.verify(parsed, device_key)
    return found


def check_sheet(sheet: Sheet, laid_down: Scheme) -> None:
    """Refuse a sheet with a criterion missing or unknown, or points out of range: ``evaluation.bad_score``."""
    maxima = {criterion.code: criterion.maximum for criterion in laid_down.criteria}
    for code in sorted(set(maxima) | set(sheet.scores)):
        text = sheet.scores.get(code, "")
        fits = code in maxima and _POINTS.match(text) is not None and Decimal(text) <= maxima[code]
        if not fits:
            maximum = str(maxima[code]) if code in maxima else ""
            raise GgzyError("evaluation.bad_score", Kind.INVALID, criterion=code, maximum=maximum)


def check_vote(vote: Vote) -> None:
    """A rejection names one of the grounds of 条例 51 and a reason; ``evaluation.bad_ground``."""
    if vote.reject and (vote.ground not in GROUNDS or not vote.reason.strip()):
        raise GgzyError("evaluation.bad_ground", Kind.INVALID)


def compare(
    laid_down: Scheme,
    offers: Sequence[Offer],
    sheets: Mapping[str, Sequence[Sheet]],
    rejected: frozenset[str],
    ceiling: Decimal | None,
) -> dict[str, Any]:
    """Return scores, ranks and hints of all offers as canonical data; `sheets` by bid, one of each member.

    ``ranking`` lists groups of bids; a group of several is a tie that the documents leave open.
    """
    prices = {o.bid: o.price for o in offers if o.price is not None and o.refused is None and o.bid not in rejected}
    scored = {bid: _scored(laid_down, sheets.get(bid, ())) for bid in prices}
    points = _price_points(laid_down, prices)
    standings = [_standing(laid_down, bid, price, scored[bid], points) for bid, price in prices.items()]
    return {
        "hints": {bid: list(signs) for bid, signs in sorted(_hints(prices, ceiling).items())},
        "ranking": [list(group) for group in formulas.rank(standings, laid_down.ties)],
        "scores": {
            standing.bid: {
                "criteria": {code: str(value) for code, value in scored[standing.bid].items()},
                "price": str(points[standing.bid]),
                "total": str(standing.total),
                **_reviewed_too(laid_down, standing),
            }
            for standing in standings
        },
    }


def reviewed(laid_down: Scheme, price: Decimal, scored: Mapping[str, Decimal]) -> Decimal:
    """Return the price with the deviations that the members quantified, in yuan: what is compared, never paid."""
    return formulas.reviewed_price(price, [scored[c.code] for c in laid_down.criteria if c.kind == DEVIATION])


def _criteria(kind: str, weight: Decimal, given: Mapping[str, Decimal]) -> tuple[Criterion, ...]:
    """A kind's points, split into the items ``<kind>_<item>`` among the parameters where there are any."""
    if kind == "price":
        return ()
    items = {name: value for name, value in given.items() if name.startswith(f"{kind}_") and name != "technical_first"}
    if not items:
        return (Criterion(kind, kind, weight),)
    _require(sum(items.values(), Decimal(0)) == weight, "parameters")
    return tuple(Criterion(name, kind, value) for name, value in sorted(items.items()))


def _deviations(method: str, given: Mapping[str, Decimal]) -> tuple[Criterion, ...]:
    found = sorted((name, most) for name, most in given.items() if name.startswith(f"{DEVIATION}_"))
    _require(not found or method == "lowest_evaluated", "parameters")
    return tuple(Criterion(name, DEVIATION, most) for name, most in found)


def _scored(laid_down: Scheme, sheets: Sequence[Sheet]) -> dict[str, Decimal]:
    """Return the members' combined points by criterion."""
    return {
        one.code: formulas.combine([Decimal(sheet.scores[one.code]) for sheet in sheets], trimmed=laid_down.trimmed)
        for one in laid_down.criteria
    }


def _price_points(laid_down: Scheme, prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    if not prices:
        return {}
    if laid_down.formula == "lowest_price":
        lowest = min(prices.values())
        return {bid: formulas.lowest_price_score(p, lowest, laid_down.weight) for bid, p in prices.items()}
    base = formulas.base_price(list(prices.values()), laid_down.dropped, laid_down.factor)
    slope = Slope(laid_down.weight, laid_down.above, laid_down.below)
    return {bid: formulas.base_price_score(price, base, slope) for bid, price in prices.items()}


def _reviewed_too(laid_down: Scheme, standing: Standing) -> dict[str, str]:
    """Return the reviewed price where bids are compared by it: the total is then its negative, so low ranks first."""
    return {"reviewed": str(-standing.total)} if laid_down.method == "lowest_evaluated" else {}


def _standing(
    laid_down: Scheme, bid: str, price: Decimal, scored: Mapping[str, Decimal], points: Mapping[str, Decimal]
) -> Standing:
    technical = sum((scored[c.code] for c in laid_down.criteria if c.kind == "technical"), Decimal(0))
    if laid_down.method == "lowest_evaluated":
        return Standing(bid, -reviewed(laid_down, price, scored), price, technical)
    return Standing(bid, sum(scored.values(), points[bid]), price, technical)


def _hints(prices: Mapping[str, Decimal], ceiling: Decimal | None) -> dict[str, tuple[str, ...]]:
    hints = formulas.abnormally_low(prices, ceiling)
    for bid, price in prices.items():
        if ceiling is not None and price > ceiling:
            hints[bid] = (*hints.get(bid, ()), "above_ceiling")
    return hints


def _require(holds: bool, part: str) -> None:  # noqa: FBT001 - a guard reads best with the condition first
    if not holds:
        raise GgzyError("evaluation.bad_scheme", Kind.CONFLICT, part=part)
