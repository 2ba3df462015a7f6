"""Drafts checked before they are kept: amounts, envelopes, quorum, weights, invitees; bad input of every form."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts import scoring
from kernel.errors import GgzyError
from tests.trading.conftest import AGENCY, BIDDERS, PURCHASER, lot_draft, tender_draft
from trading.draft import EnvelopeDraft, Evaluation, LotDraft, TenderDraft, check, check_lot
from trading.lot import EnvelopeKind, OpeningPolicy
from trading.rulepack import pack

PACK = pack("construction", "152502", date(2026, 11, 21))
TECHNICAL, PRICE = EnvelopeKind.TECHNICAL, EnvelopeKind.PRICE


def weights(**shares: str) -> Evaluation:
    """Return an evaluation with these weights."""
    return Evaluation("comprehensive", "lowest_price", {EnvelopeKind(kind): share for kind, share in shares.items()})


def test_a_right_draft_passes() -> None:
    """The draft that the other tests change is right."""
    check(tender_draft(), PACK)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"estimate": Decimal(0)}, "lot.bad_amount"),
        ({"estimate": Decimal(-1)}, "lot.bad_amount"),
        ({"estimate": Decimal("1.001")}, "lot.bad_amount"),
        ({"estimate": Decimal("1E+15")}, "lot.bad_amount"),
        ({"estimate": Decimal("1E+999999")}, "lot.bad_amount"),
        ({"estimate": Decimal("NaN")}, "lot.bad_amount"),
        ({"estimate": Decimal("sNaN")}, "lot.bad_amount"),
        ({"ceiling": Decimal("Infinity")}, "lot.bad_amount"),
        ({"bond": Decimal("-0.01")}, "lot.bad_amount"),
        ({"bond": Decimal("200000.01")}, "lot.bond_too_high"),
        ({"envelopes": (EnvelopeDraft(TECHNICAL, 1),)}, "lot.bad_envelopes"),
        ({"envelopes": (EnvelopeDraft(PRICE, 2),)}, "lot.bad_envelopes"),
        ({"envelopes": (EnvelopeDraft(PRICE, 1), EnvelopeDraft(PRICE, 2))}, "lot.bad_envelopes"),
        ({"threshold": 3}, "lot.bad_quorum"),
        ({"threshold": 4}, "lot.bad_quorum"),
        ({"opening_policy": OpeningPolicy.QUORUM_AND_BIDDER}, "lot.policy_not_offered"),
        ({"opening_policy": OpeningPolicy.QUORUM_OR_BIDDER}, "lot.policy_not_offered"),
        ({"evaluation": weights(technical="60", price="39.99")}, "lot.bad_weights"),
        ({"evaluation": weights(qualification="60", price="40")}, "lot.bad_weights"),
        ({"evaluation": weights(technical="100")}, "lot.bad_weights"),
        ({"evaluation": weights(technical="0", price="100")}, "lot.bad_weights"),
        ({"deadline": datetime(1, 1, 1, tzinfo=UTC)}, "deadline.out_of_range"),
        ({"deadline": datetime(9999, 12, 31, tzinfo=UTC)}, "deadline.out_of_range"),
    ],
)
def test_bad_lots_are_named(changes: dict[str, Any], refusal: str) -> None:
    """What is wrong with a lot has a code of its own."""
    with pytest.raises(GgzyError) as caught:
        check_lot(lot_draft(**changes), PACK)
    assert caught.value.code == refusal


def test_the_bond_may_reach_its_limit() -> None:
    """Two per cent of the estimate are allowed to the cent, and the refusal says how much (条例26)."""
    check_lot(lot_draft(bond=Decimal("200000.00")), PACK)
    with pytest.raises(GgzyError) as caught:
        check_lot(lot_draft(estimate=Decimal("100.49"), ceiling=None, bond=Decimal("2.01")), PACK)
    assert caught.value.params["maximum"] == "2.00"
    assert "第二十六条" in str(caught.value.params["article"])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"agency": PURCHASER}, "tender.own_agency"),
        ({"method": "invited"}, "tender.bad_invitees"),
        ({"method": "invited", "invitees": tuple(BIDDERS[:2])}, "tender.bad_invitees"),
        ({"method": "invited", "invitees": (*BIDDERS[:3], BIDDERS[0])}, "tender.bad_invitees"),
        ({"method": "public", "invitees": tuple(BIDDERS[:3])}, "tender.bad_invitees"),
        ({"lots": (lot_draft(1), lot_draft(1))}, "lot.number_twice"),
        ({"lots": (lot_draft(1), lot_draft(2, threshold=5))}, "lot.bad_quorum"),
    ],
)
def test_bad_tenders_are_named(changes: dict[str, Any], refusal: str) -> None:
    """What is wrong with a tender has a code of its own."""
    with pytest.raises(GgzyError) as caught:
        check(tender_draft(**changes), PACK)
    assert caught.value.code == refusal


def test_three_may_be_invited() -> None:
    """An invited tender names three or more."""
    check(tender_draft(method="invited", invitees=tuple(BIDDERS[:3])), PACK)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "a" * 201),
        ("title", "a\u0000b"),
        ("title", "a\n"),
        ("site", "152502\n"),
        ("site", "１５２５０２"),
        ("purchaser", AGENCY.lower()),
        ("purchaser", AGENCY + "\n"),
        ("method", "auction"),
        ("trade_type", "land"),
        ("lots", []),
        ("minimum_price", "1.00"),
        ("funding", None),
    ],
)
def test_bad_forms_are_refused_on_reading(field: str, value: Any) -> None:
    """Control characters, foreign digits, unknown fields (a minimum price too, 条例27) never get to a service."""
    body = msgspec.to_builtins(tender_draft()) | {field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(body, default=str), type=TenderDraft)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 0),
        ("number", 100),
        ("custodians", 8),
        ("custodians", 2),
        ("threshold", 7),
        ("threshold", 1),
        ("deadline", "2026-12-31T00:00:00"),
        ("floor", "1.00"),
        ("envelopes", [{"kind": "price", "stage": 3}]),
        ("evaluation", {"method": "comprehensive", "formula": "lowest_price", "weights": {"price": "1e2"}}),
        ("evaluation", {"method": "comprehensive", "formula": "Lowest", "weights": {"price": "100"}}),
    ],
)
def test_bad_forms_of_lots_are_refused_on_reading(field: str, value: Any) -> None:
    """Numbers out of range, times without a zone, stages and parameters of another form are refused."""
    body = msgspec.to_builtins(lot_draft()) | {field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(body, default=str), type=LotDraft)


@given(st.decimals(), st.decimals(), st.decimals())
def test_any_amounts_are_answered(estimate: Decimal, bond: Decimal, ceiling: Decimal) -> None:
    """Whatever decimals are sent, the answer is yes or a refusal of ours; yes only for money within the limit."""
    try:
        check_lot(lot_draft(estimate=estimate, bond=bond, ceiling=ceiling), PACK)
    except GgzyError as error:
        assert error.code in {"lot.bad_amount", "lot.bond_too_high"}
    else:
        assert bond * 50 <= estimate


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ({"technical_plan": "40", "technical_team": "20"}, None),
        ({"dropped": "1", "factor": "0.97", "above": "2", "below": "1", "trimmed": "1", "technical_first": "0"}, None),
        ({"technical_plan": "40", "technical_first": "1"}, "technical_plan"),
        ({"technical_plan": "60.000001"}, "technical_plan"),
        ({"technical_a": "0", "technical_b": "60"}, "technical_a"),
        ({"price_plan": "40"}, "price_plan"),
        ({"qualification_plan": "40"}, "qualification_plan"),
        ({"dropped": "1.5"}, "dropped"),
        ({"dropped": "11"}, "dropped"),
        ({"factor": "0"}, "factor"),
        ({"trimmed": "2"}, "trimmed"),
        ({"unheard_of": "1"}, "unheard_of"),
    ],
)
def test_parameters_are_known_and_in_range(parameters: dict[str, str], wrong: str | None) -> None:
    """An unknown parameter, one out of range and items that do not make up their envelope's points are named."""
    draft = lot_draft(evaluation=msgspec.structs.replace(lot_draft().evaluation, parameters=parameters))
    if wrong is None:
        check_lot(draft, PACK)
    else:
        with pytest.raises(GgzyError) as caught:
            check_lot(draft, PACK)
        assert (caught.value.code, caught.value.params["parameter"]) == ("lot.bad_parameter", wrong)


NAMES = ["dropped", "factor", "above", "below", "trimmed", "technical_first", "technical_a", "technical_b", "x"]
NUMBERS = st.sampled_from(["0", "1", "2", "0.97", "1.5", "30", "60", "100"])


@given(
    st.sampled_from(scoring.FORMULAS),
    st.sampled_from(["comprehensive", "lowest_evaluated"]),
    st.sampled_from([{"technical": "60", "price": "40"}, {"price": "100"}, {"technical": "100"}, {"price": "99"}]),
    st.dictionaries(st.sampled_from(NAMES), NUMBERS, max_size=4),
)
def test_what_is_accepted_can_be_evaluated(
    formula: str, method: str, shares: dict[str, str], parameters: dict[str, str]
) -> None:
    """No lot is announced whose evaluation the committee's program would refuse months later."""
    stated = {"formula": formula, "method": method, "weights": shares, "parameters": parameters}
    draft = lot_draft(evaluation=msgspec.convert(stated, Evaluation))
    try:
        check_lot(draft, PACK)
    except GgzyError as error:
        assert error.code in {"lot.bad_weights", "lot.bad_parameter"}
    else:
        assert scoring.scheme(msgspec.to_builtins(draft.evaluation)).formula == formula
