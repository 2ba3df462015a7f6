"""The promises of bidding.form."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bidding import form as forms
from bidding.form import MAX_FORM, FileEntry, Form
from kernel import canonical
from kernel.errors import GgzyError
from tests.bidding.sample_bid import PRICE
from trading.lot import EnvelopeKind

TECHNICAL = Form(
    kind=EnvelopeKind.TECHNICAL,
    quality="合格",
    particulars={"机器特征码": "a1b2"},
    files=(FileEntry("施工组织设计.pdf", 7, "application/pdf"), FileEntry("空", 0, "text/plain")),
)


def code_of(form: Form) -> str:
    """Return the code with which a form is refused."""
    with pytest.raises(GgzyError) as refusal:
        form.encode()
    return refusal.value.code


@pytest.mark.parametrize("form", [PRICE, TECHNICAL, Form(kind=EnvelopeKind.QUALIFICATION)])
def test_a_form_reads_back(form: Form) -> None:
    """Every field survives the wire, the price to the fen."""
    assert forms.parse(form.encode()) == form


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "C:x", "a\0b", "a\nb", " a", "a ", "a.", "\u202ea", "\ud800", "e\u0301", "x" * 256,
     "字" * 86, "*", "\u200b"],
)  # fmt: skip
def test_unsafe_file_names_are_refused(name: str) -> None:
    """No name leads out of a folder, hides what it is, or means two things on two machines."""
    unsafe = replace(TECHNICAL, files=(FileEntry(name, 1, "application/pdf"),))
    assert code_of(unsafe) in {"bid.bad_file_name", "bid.bad_form"}


def test_repeated_file_names_are_refused() -> None:
    """Two names that one file system would take for the same are refused."""
    twice = tuple(FileEntry(name, 1, "text/plain") for name in ("A.txt", "a.TXT"))
    assert code_of(replace(TECHNICAL, files=twice)) == "bid.repeated_file"


def test_limits_of_files() -> None:
    """A thousand files at most, each with a media type."""
    many = tuple(FileEntry(f"{n}", 1, "text/plain") for n in range(1001))
    assert code_of(replace(TECHNICAL, files=many)) == "bid.bad_form"
    assert code_of(replace(TECHNICAL, files=(FileEntry("a", 1, "pdf"),))) == "bid.bad_media_type"
    assert code_of(replace(TECHNICAL, files=(FileEntry("a", -1, "text/plain"),))) == "bid.bad_form"


@pytest.mark.parametrize("text", ["", "abc", "-1", "0", "0.00", "1.001", "1e3x", "NaN", "Infinity", "1" * 16, "sNaN"])
def test_wrong_prices_are_refused(text: str) -> None:
    """An amount is positive yuan with at most two places."""
    with pytest.raises(GgzyError, match=r"bid\.bad_price"):
        Form(kind=EnvelopeKind.PRICE, price=forms.read_price(text)).encode()


def test_prices_are_read_as_people_write_them() -> None:
    """100, 100.5 and 100.50 are amounts; they stand in the form with two places."""
    assert [forms.read_price(text) for text in ("100", "100.5", "100.50")] == [
        Decimal("100.00"), Decimal("100.50"), Decimal("100.50"),
    ]  # fmt: skip


def test_the_price_stands_in_the_price_envelope_only() -> None:
    """A technical envelope with a price, or a price envelope without one, is refused."""
    assert code_of(replace(TECHNICAL, price=Decimal(5))) == "bid.price_misplaced"
    assert code_of(Form(kind=EnvelopeKind.PRICE)) == "bid.price_misplaced"


def test_size_is_limited() -> None:
    """A form longer than 1 MiB is refused before it is parsed."""
    with pytest.raises(GgzyError, match=r"bid\.bad_form"):
        forms.parse(b" " * (MAX_FORM + 1))
    assert code_of(Form(kind=EnvelopeKind.TECHNICAL, quality="字" * 1001)) == "bid.bad_form"


@pytest.mark.parametrize(
    "change",
    [
        {"format": "ggzy/form/v2"},
        {"kind": "other"},
        {"price": "1"},
        {"price": "01.00"},
        {"price": "1.00\n"},
        {"price": 1},
        {"term_days": 0},
        {"term_days": "180"},
        {"unknown": None},
        {"files": [{"name": "a", "size": 1}]},
        {"files": None},
        {"particulars": {"": "x"}},
    ],
)
def test_a_form_that_is_not_exactly_one_is_refused(change: dict[str, object]) -> None:
    """Unknown, missing and ill-typed fields are refused, as is another version."""
    value = canonical.decode(PRICE.encode()) | change
    with pytest.raises(GgzyError):
        forms.parse(canonical.encode(value))


def test_json_that_is_not_canonical_is_refused() -> None:
    """One form has one encoding."""
    with pytest.raises(GgzyError, match=r"bid\.bad_form"):
        forms.parse(PRICE.encode().replace(b":", b": ", 1))


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists).map(repr).map(str.encode)
)
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError):
        forms.parse(data)


@given(st.dictionaries(st.sampled_from(["price", "files", "kind", "leader", "particulars", "term_days"]),
                       st.none() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=3)
                       | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)))  # fmt: skip
def test_parsing_near_misses_raises_one_error(change: dict[str, object]) -> None:
    """A form with fields replaced reads back as itself or is refused."""
    try:
        data = canonical.encode(canonical.decode(PRICE.encode()) | change)
        assert forms.parse(data).encode() == data
    except GgzyError:
        pass
