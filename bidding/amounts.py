"""Amounts of yuan in capital figures (人民币大写), and whether what a form says of its own price agrees with it.

Written as 支付结算办法 附一 asks: 零 once for a gap, 整 after a whole amount of 元 or 角.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_MOST = Decimal("9999999999999999.99")
_GROUP = 10_000

# What bidders also write, brought to the one form.
_VARIANTS = str.maketrans("〇一二三四五六七八九十百千圆正两", "零壹贰叁肆伍陆柒捌玖拾佰仟元整贰")
_PREFIX = re.compile(r"^(人民币|￥|¥|（大写）|\(大写\)|大写|：|:)+")
_SPACE = re.compile(r"[\s,，]+")
_PLAIN = re.compile(r"([0-9]{1,16})(\.[0-9]{1,2})?(元)?\Z")
WORDS = "大写"
TOTALS = ("合计", "总价", "总计", "总报价", "小写")


def write(amount: Decimal) -> str:
    """Return an amount of yuan, not negative and with at most two places, in capital figures.

    >>> write(Decimal("1020300.05"))
    '壹佰零贰万零叁佰元零伍分'
    >>> write(Decimal("980000.00"))
    '玖拾捌万元整'
    """
    if not 0 <= amount <= _MOST or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(amount)
    cents = int(amount * 100)
    yuan, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    text = _whole(yuan) + "元" if yuan else ""
    if jiao:
        text += ("零" if yuan and yuan % 10 == 0 else "") + DIGITS[jiao] + "角"
    if fen:
        text += ("零" if text and not jiao else "") + DIGITS[fen] + "分"
    return (text or "零元") + ("" if fen else "整")


def read(text: str) -> Decimal | None:
    """Return the amount that somebody wrote in capital figures, common variants taken in; None for what is none.

    What was read is written again and compared, so a text that says two things at once is not read as one of them.
    """
    words = _PREFIX.sub("", _SPACE.sub("", text)).translate(_VARIANTS)
    found = re.fullmatch(rf"(?:([{DIGITS}拾佰仟万亿]+)元)?(?:零?([{DIGITS}])角)?(?:零?([{DIGITS}])分)?整?", words)
    if found is None or not any(found.groups()):
        return None
    whole, jiao, fen = found.groups()
    yuan = _number(whole) if whole else 0
    if yuan is None:
        return None
    amount = Decimal(yuan) + Decimal(DIGITS.index(jiao or "零")) / 10 + Decimal(DIGITS.index(fen or "零")) / 100
    amount = amount.quantize(Decimal("0.01"))
    return amount if _bare(write(amount)) == _bare(words) else None


def discrepancies(price: Decimal, particulars: Mapping[str, str]) -> list[str]:
    """Return the labels of a form's own statements of the price that disagree with it, or cannot be read, in order.

    A label with 大写 holds capital figures; one with 合计, 总价, 总计, 总报价 or 小写 holds a number of yuan.
    """
    return [label for label, text in particulars.items() if _disagrees(price, label, text)]


def _disagrees(price: Decimal, label: str, text: str) -> bool:
    if WORDS in label:
        return read(text) != price
    if any(word in label for word in TOTALS):
        found = _PLAIN.match(_PREFIX.sub("", _SPACE.sub("", text)))
        return found is None or Decimal(found[1] + (found[2] or "")) != price
    return False


def _whole(yuan: int) -> str:
    """Write a whole number: groups of four digits, each with its 万 or 亿, one 零 between what is apart."""
    text, gap = "", False
    for power in range(len(_GROUPS) - 1, -1, -1):
        group = yuan // _GROUP**power % _GROUP
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < _GROUP // 10):
            text += "零"
        # 万亿: the 亿 stands once, behind what follows
        unit = "万" if power == len(_GROUPS) - 1 and yuan // _GROUP**2 % _GROUP else _GROUPS[power]
        text, gap = text + _four(group) + unit, False
    return text


def _four(group: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            text += ("零" if gap else "") + DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = bool(text)
    return text


def _number(text: str) -> int | None:
    """Read a whole number; nonsense gives some number that `read` finds to be written otherwise."""
    total = section = digit = 0
    for character in text:
        if character in DIGITS:
            digit = DIGITS.index(character)
        elif character in _PLACES:
            section, digit = section + (digit or 1) * 10 ** _PLACES.index(character), 0
        elif character == "万":
            section, digit = (section + digit) * _GROUP, 0
            total, section = total + section, 0
        else:
            total, section, digit = (total + section + digit) * _GROUP**2, 0, 0
    number = total + section + digit
    return number if number <= _MOST else None


def _bare(text: str) -> str:
    """Leave out what may be written or not: 零 and 整, and 壹 before a leading 拾."""
    return re.sub(r"^壹拾", "拾", text.replace("零", "").replace("整", ""))
