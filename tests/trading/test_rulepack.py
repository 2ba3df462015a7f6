"""Rule packs: every rule names its article, packs lie over one another by region and time, files are read strictly."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import GgzyError
from trading.rulepack import combine, local_day, pack, parse, shipped

TODAY = date(2026, 11, 21)


def text(rules: str, region: str = "*", since: str = "2020-01-01", name: str = "test", more: str = "") -> str:
    """Return a pack file."""
    return f"""
format = "ggzy/rule-pack/v1"
name = "{name}"
title = "试验规则包"
trade_type = "construction"
region = "{region}"
effective_from = {since}
{more}
{rules}
"""


def rule(name: str, value: str, unit: str = "days", article: str = "某法 第一条", verified: str = "true") -> str:
    """Return one rule."""
    return f'[rules."{name}"]\nvalue = {value}\nunit = "{unit}"\narticle = "{article}"\nverified = {verified}\n'


def test_every_rule_names_its_article() -> None:
    """No rule of any pack stands without the article that sets it, and says whether somebody has read it."""
    for file in shipped():
        assert file.rules
        for name, one in file.rules.items():
            assert "第" in one.article or "办法" in one.article or "规定" in one.article, name
            assert isinstance(one.verified, bool), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bid_period.min_days", 20),
        ("clarification.min_days", 15),
        ("documents.sale_min_days", 5),
        ("objection.documents_min_days", 10),
        ("bond.max_share", Decimal("0.02")),
        ("bids.minimum", 3),
        ("committee.minimum", 5),
        ("committee.odd", True),
        ("candidates.maximum", 3),
        ("publicity.min_days", 3),
        ("award.first_rank_only", True),
        ("floor.allowed", False),
        ("contract.max_days", 30),
        ("complaint.decide_working_days", 30),
    ],
)
def test_the_construction_pack_says_what_the_law_says(name: str, value: object) -> None:
    """The numbers of 招标投标法 and its 实施条例 as docs name them."""
    assert pack("construction", "152502", TODAY).value(name) == value


def test_an_unknown_rule_is_an_error() -> None:
    """Nobody gets a default for a rule that does not exist."""
    with pytest.raises(GgzyError, match=r"rule\.unknown"):
        pack("construction", "152502", TODAY).value("bids.maximum")


@pytest.mark.parametrize(("trade_type", "on"), [("auction", TODAY), ("construction", date(1999, 1, 1))])
def test_no_pack_is_an_error(trade_type: str, on: date) -> None:
    """A trade that no pack covers has no rules, not empty ones."""
    with pytest.raises(GgzyError, match=r"rule\.no_pack"):
        pack(trade_type, "152502", on)


def test_the_nearer_region_and_the_later_pack_win() -> None:
    """A region's rule replaces the general one there only, and only from its day on; the others stay."""
    general = parse(text(rule("a.days", "1") + rule("b.days", "2"), name="general"))
    later = parse(text(rule("b.days", "3"), since="2025-01-01", name="later"))
    league = parse(text(rule("a.days", "5"), region="1525", since="2021-01-01", name="league"))
    files = (league, later, general)
    assert combine(files, "construction", "152502", date(2020, 6, 1)).value("a.days") == 1
    here = combine(files, "construction", "152502", TODAY)
    assert (here.value("a.days"), here.value("b.days")) == (5, 3)
    assert here.names == ("general", "later", "league")
    assert combine(files, "construction", "110105", TODAY).value("a.days") == 1


def test_a_pack_ends_on_its_day() -> None:
    """`effective_until` is the first day without the pack."""
    file = parse(text(rule("a.days", "1"), more="effective_until = 2021-01-01"))
    assert combine((file,), "construction", "152502", date(2020, 12, 31)).value("a.days") == 1
    with pytest.raises(GgzyError, match=r"rule\.no_pack"):
        combine((file,), "construction", "152502", date(2021, 1, 1))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "not toml",
        text(""),
        text(rule("a.days", "1")) + "extra = 1",
        text(rule("a.days", "1"), region="15250"),
        text(rule("nodot", "1")),
        text(rule("a.days", "1", article="")),
        text(rule("a.days", "-1")),
        text(rule("a.days", "1.5")),
        text(rule("a.days", "true")),
        text(rule("a.days", '"1"')),
        text(rule("a.days", "1", unit="weeks")),
        text(rule("a.share", '"1.01"', unit="share")),
        text(rule("a.share", '"x"', unit="share")),
        text(rule("a.share", '"nan"', unit="share")),
        text(rule("a.share", "1", unit="share")),
        text(rule("a.flag", "1", unit="flag")),
        text(rule("a.names", "[]", unit="names")),
        text(rule("a.names", '["A B"]', unit="names")),
        text(rule("a.days", "1", verified='"yes"')),
        text(rule("a.days", "1")).replace("v1", "v2"),
    ],
)
def test_bad_packs_are_refused(bad: str) -> None:
    """Whatever is not exactly a pack is refused with one code."""
    with pytest.raises(GgzyError, match=r"rule\.bad_pack"):
        parse(bad)


@given(st.text(max_size=200))
def test_any_text_is_answered(content: str) -> None:
    """The parser raises no other error whatever it reads."""
    with pytest.raises(GgzyError, match=r"rule\.bad_pack"):
        parse(content)


def test_the_day_is_that_of_china() -> None:
    """Sixteen hours UTC is the next day's midnight in China."""
    assert local_day(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == date(2026, 12, 31)
    assert local_day(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == date(2027, 1, 1)
