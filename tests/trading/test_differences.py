"""Differences of texts: complete, and readable."""

from hypothesis import given
from hypothesis import strategies as st

from trading.differences import Piece, are_alike, compare

TEXTS = st.text(alphabet="甲乙丙丁 12,.\n", max_size=60)


@given(TEXTS, TEXTS)
def test_pieces_are_both_texts(old: str, new: str) -> None:
    """Without what came they are the old text, without what went the new one: a difference hides nothing."""
    pieces = compare(old, new)
    assert "".join(piece.text for piece in pieces if piece.change != "in") == old
    assert "".join(piece.text for piece in pieces if piece.change != "out") == new
    assert all(piece.text for piece in pieces)


def test_numbers_change_as_a_whole() -> None:
    """An amount or a date is not split into digits that happened to stay."""
    assert compare("限价 9,800,000.00 元", "限价 9,650,000.00 元") == [
        Piece("same", "限价 "),
        Piece("out", "9,800,000.00"),
        Piece("in", "9,650,000.00"),
        Piece("same", " 元"),
    ]


def test_single_characters_that_stayed_do_not_splinter_a_change() -> None:
    """One character in common between two changes belongs to the change."""
    pieces = compare("资质要求为市政公用工程施工总承包二级", "资质要求为建筑公司机电安装专业承包一级")
    assert [piece.change for piece in pieces].count("same") <= 3


def test_unchanged_lines_stay_whole() -> None:
    """A line that was put in leaves the others as they are."""
    assert compare("一\n三\n", "一\n二\n三\n") == [Piece("same", "一\n"), Piece("in", "二\n"), Piece("same", "三\n")]


def test_other_texts_are_not_compared() -> None:
    """An announcement and an unrelated clarification are no versions of each other."""
    assert are_alike("投标截止时间为十二月一日九时", "投标截止时间为十二月三日九时")
    assert not are_alike("投标截止时间为十二月一日九时", "现对图纸第七页阀门井做法说明如下")
    assert compare("", "") == []
