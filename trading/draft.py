"""What a tenderer states about a tender and its lots, checked before it is kept. Pure; amounts in yuan, two places."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from kernel.errors import GgzyError
from trading.lot import EnvelopeKind, EnvelopeRule, LotFacts, OpeningPolicy
from trading.rulepack import Pack
from trading.text import Line

MAX_LOTS = 99
MIN_INVITED = 3  # 招标投标法 第十七条
MAX_AMOUNT = Decimal(10) ** 15
YEARS = range(2000, 2200)
FLAGS = frozenset({"trimmed", "technical_first"})
DEVIATION = "deviation_"
SLOPES = frozenset({"factor", "above", "below"})
MAX_DROPPED = 10
PREFIXES = {"construction": "GC"}

Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{18}$(?!\n)")]
Division = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$(?!\n)")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][A-Za-z0-9_\u4e00-\u9fff]{0,39}$(?!\n)")]
Item = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\u4e00-\u9fff]{1,26}$(?!\n)")]
"""What a criterion is called in a parameter's name after ``<envelope>_`` or ``deviation_``: 施工方案."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Points = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$(?!\n)")]
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)")]


class EnvelopeDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An envelope that every bid must have, and the stage at which it opens."""

    kind: EnvelopeKind
    stage: Annotated[int, msgspec.Meta(ge=1, le=2)]


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How bids will be compared: the method, the price formula with its parameters, points by envelope (sum 100).

    Parameters: ``dropped``, ``factor``, ``above``, ``below`` of the formula; ``trimmed``, ``technical_first`` (0 or 1);
    ``<envelope>_<item>`` the points of an item, which together make the envelope's points; ``deviation_<item>``, for
    `lowest_evaluated` alone, the most yuan by which a deviation may be quantified.
    """

    method: Literal["comprehensive", "lowest_evaluated"]
    formula: Literal["lowest_price", "base_price"]
    weights: Annotated[dict[EnvelopeKind, Points], msgspec.Meta(min_length=1, max_length=3)]
    parameters: Annotated[dict[Name, Number], msgspec.Meta(max_length=64)] = {}


class LotDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lot as its tenderer states it. `bond` is the bid bond, `ceiling` the maximum price (a minimum is forbidden)."""

    number: Annotated[int, msgspec.Meta(ge=1, le=MAX_LOTS)]
    title: Line
    estimate: Decimal
    envelopes: Annotated[tuple[EnvelopeDraft, ...], msgspec.Meta(min_length=1, max_length=3)]
    evaluation: Evaluation
    ceiling: Decimal | None = None
    bond: Decimal = Decimal(0)
    deadline: Moment | None = None
    opening_policy: OpeningPolicy = OpeningPolicy.QUORUM
    threshold: Annotated[int, msgspec.Meta(ge=2, le=6)] = 2
    custodians: Annotated[int, msgspec.Meta(ge=3, le=7)] = 3


class TenderDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tender as its tenderer states it. `invitees` only for an invited tender, three or more."""

    title: Line
    site: Division
    purchaser: Code
    region: Division
    lots: Annotated[tuple[LotDraft, ...], msgspec.Meta(min_length=1, max_length=MAX_LOTS)]
    agency: Code | None = None
    trade_type: Literal["construction"] = "construction"
    method: Literal["public", "invited"] = "public"
    funding: Line = "state"
    invitees: Annotated[tuple[Code, ...], msgspec.Meta(max_length=100)] = ()


def check(draft: TenderDraft, pack: Pack) -> None:
    """Raise what is wrong with a draft.

    Codes: ``tender.bad_invitees``, ``tender.own_agency``, ``lot.number_twice``, and those of `check_lot`.
    """
    if draft.agency == draft.purchaser:
        raise GgzyError("tender.own_agency")
    invited = len(set(draft.invitees))
    if (draft.method == "invited") != (invited >= MIN_INVITED) or invited != len(draft.invitees):
        raise GgzyError("tender.bad_invitees", minimum=MIN_INVITED)
    if len({lot.number for lot in draft.lots}) != len(draft.lots):
        raise GgzyError("lot.number_twice")
    for lot in draft.lots:
        check_lot(lot, pack)


def check_lot(lot: LotDraft, pack: Pack) -> None:
    """Raise what is wrong with a lot.

    Codes: ``lot.bad_amount``, ``lot.bond_too_high``, ``lot.bad_envelopes``, ``lot.bad_quorum``,
    ``lot.policy_not_offered``, ``lot.bad_weights``, ``lot.bad_parameter``, ``deadline.out_of_range``.
    """
    _check_amounts(lot, pack)
    check_moment(lot.deadline)
    kinds = [rule.kind for rule in lot.envelopes]
    stages = {rule.kind: rule.stage for rule in lot.envelopes}
    if len(set(kinds)) != len(kinds) or EnvelopeKind.PRICE not in stages or 1 not in stages.values():
        raise GgzyError("lot.bad_envelopes", lot=lot.number)
    if lot.threshold >= lot.custodians:
        raise GgzyError("lot.bad_quorum", lot=lot.number, threshold=lot.threshold, custodians=lot.custodians)
    # The other two need the bidder's secret at the opening, which openings do not take: no bid could be opened.
    if lot.opening_policy is not OpeningPolicy.QUORUM:
        raise GgzyError("lot.policy_not_offered", lot=lot.number, policy=str(lot.opening_policy))
    weights = {kind: Decimal(points) for kind, points in lot.evaluation.weights.items()}
    whole = sum(weights.values()) == 100 and all(weights.values())  # noqa: PLR2004 - 100 points
    if not whole or EnvelopeKind.PRICE not in weights or not set(weights) <= set(kinds):
        raise GgzyError("lot.bad_weights", lot=lot.number)
    given = {name: Decimal(value) for name, value in lot.evaluation.parameters.items()}
    for name in sorted(given):
        deviates = name.startswith(DEVIATION) and lot.evaluation.method == "lowest_evaluated"
        if not (is_money(given[name], least=1) if deviates else _fits(name, given, weights)):
            raise GgzyError("lot.bad_parameter", lot=lot.number, parameter=name)


def check_moment(moment: datetime | None) -> None:
    """Refuse times that no trade can mean and that other programs cannot hold: ``deadline.out_of_range``."""
    if moment is not None and moment.year not in YEARS:
        raise GgzyError("deadline.out_of_range")


def is_money(amount: Decimal, *, least: int) -> bool:
    """Tell whether an amount of yuan has at most two places, is at least `least` and below 10^15."""
    return amount.is_finite() and least <= amount < MAX_AMOUNT and amount == round(amount, 2)


def columns(lot: LotDraft) -> dict[str, Any]:
    """Return the draft as values of the lot's columns."""
    return {
        "title": lot.title,
        "deadline": lot.deadline,
        "estimate": lot.estimate,
        "ceiling": lot.ceiling,
        "bond": lot.bond,
        "envelopes": msgspec.to_builtins(lot.envelopes),
        "opening_policy": str(lot.opening_policy),
        "threshold": lot.threshold,
        "custodians": lot.custodians,
        "evaluation": msgspec.to_builtins(lot.evaluation),
    }


def keeps_key(lot: LotDraft, before: LotFacts) -> bool:
    """Tell whether a key that was made for the lot still fits: the same quorum under the same opening policy."""
    rules = tuple(EnvelopeRule(str(rule.kind), rule.stage) for rule in lot.envelopes)
    return before.opening_key_hash is None or (
        (lot.threshold, lot.custodians, str(lot.opening_policy), rules)
        == (before.threshold, before.custodians, before.opening_policy, before.envelopes)
    )


def _fits(name: str, given: dict[str, Decimal], weights: dict[EnvelopeKind, Decimal]) -> bool:
    value = given[name]
    if name in FLAGS:
        return value in (0, 1)
    if name == "dropped":
        return value == int(value) and value <= MAX_DROPPED
    if name in SLOPES:
        return value > 0
    kind, _, item = name.partition("_")
    if not item or kind == EnvelopeKind.PRICE or kind not in weights:
        return False
    items = [points for other, points in given.items() if other.startswith(f"{kind}_") and other not in FLAGS]
    return value > 0 and value == round(value, 2) and sum(items) == weights[EnvelopeKind(kind)]


def _check_amounts(lot: LotDraft, pack: Pack) -> None:
    amounts = {"estimate": lot.estimate, "bond": lot.bond, "ceiling": lot.ceiling}
    for name, amount in amounts.items():
        if amount is not None and not is_money(amount, least=0 if name == "bond" else 1):
            raise GgzyError("lot.bad_amount", lot=lot.number, field=name)
    share = pack.value("bond.max_share")
    if lot.bond > lot.estimate * share:
        article = pack.rule("bond.max_share").article
        maximum = (lot.estimate * share).quantize(Decimal("0.01"), rounding="ROUND_FLOOR")
        raise GgzyError("lot.bond_too_high", lot=lot.number, maximum=str(maximum), article=article)
