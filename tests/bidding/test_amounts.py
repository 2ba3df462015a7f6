"""Amounts in capital figures: written as the rules ask, read back exactly, never read when they say two things."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding import amounts


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("10.00", "壹拾元整"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("980000.00", "玖拾捌万元整"),
        ("1020300.05", "壹佰零贰万零叁佰元零伍分"),
        ("100001000000.00", "壹仟亿零壹佰万元整"),
        ("1234567890123.45", "壹万贰仟叁佰肆拾伍亿陆仟柒佰捌拾玖万零壹佰贰拾叁元肆角伍分"),
    ],
)
def test_known_amounts(figures: str, words: str) -> None:
    """The examples of 支付结算办法 附一 and the gaps that people get wrong."""
    assert amounts.write(Decimal(figures)) == words
    assert amounts.read(words) == Decimal(figures)


@given(st.integers(min_value=0, max_value=10**17))
def test_what_is_written_is_read_back(cents: int) -> None:
    """Every amount of yuan with two places comes back as it was."""
    amount = Decimal(cents) / 100
    assert amounts.read(amounts.write(amount)) == amount


@pytest.mark.parametrize(
    "words", ["人民币玖拾捌万圆正", "九十八万元整", "（大写）玖拾捌万元", " 玖 拾 捌 万 元 整", "大写：玖拾捌万元整"]
)
def test_common_variants_are_read(words: str) -> None:
    """What bidders commonly write instead is the same amount."""
    assert amounts.read(words) == Decimal("980000.00")


@pytest.mark.parametrize(
    "words", ["", "元", "整", "x", "玖捌万元", "万元", "玖拾捌万元整贰角", "980000", "玖万万亿元", "壹拾贰拾元"]
)
def test_nonsense_is_not_read(words: str) -> None:
    """What is no amount, or two, is not taken for one."""
    assert amounts.read(words) is None


@given(st.text(alphabet=amounts.DIGITS + "拾佰仟万亿元角分整", max_size=24))
def test_whatever_is_read_is_written_the_same(words: str) -> None:
    """No text is read as an amount that would be written otherwise, but for 零 and 整."""
    found = amounts.read(words)
    if found is not None:
        plain = str.maketrans("", "", "零整")
        bare = words.translate(plain)  # 拾 alone is what many write for 壹拾
        assert amounts.write(found).translate(plain) == (f"壹{bare}" if bare.startswith("拾") else bare)


def test_a_form_that_contradicts_itself_is_named() -> None:
    """The labels whose words or totals disagree with the price are named; others are nobody's business."""
    price = Decimal("980000.00")
    said = {
        "投标报价（大写）": "玖拾捌万元整",
        "报价大写": "玖拾玖万元整",
        "合计": "980,000.00元",
        "总价": "980001",
        "投标总报价": "约九十八万",
        "工期": "180",
    }
    assert amounts.discrepancies(price, said) == ["报价大写", "总价", "投标总报价"]
