"""The promises of plan."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from bidding import plan
from bidding.payload import FilePlan
from kernel.errors import GgzyError
from trading.lot import EnvelopeKind

TOML = """
bidder = "91152502MA0N7E8T0X"
[price]
price = 9876543.21
term_days = 180
leader = "李雷"
files = ["清单.xlsx"]
[technical]
files = [{path = "图/a.pdf", name = "图纸.pdf"}, "b.unknown"]
[technical.particulars]
"机器特征码" = "a1b2"
"""


def refused(folder: Path, text: str, name: str = "bid.toml") -> str:
    """Return the code with which a plan is refused."""
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(GgzyError) as raised:
        plan.read(folder / name)
    return raised.value.code


def test_a_plan_reads_forms_and_files(tmp_path: Path) -> None:
    """Prices keep every digit, paths lie beside the plan, media types are found by name."""
    (tmp_path / "bid.toml").write_text(TOML, encoding="utf-8")
    read = plan.read(tmp_path / "bid.toml")
    technical, price = read.envelopes
    assert read.bidder == "91152502MA0N7E8T0X"
    assert price.form.price == Decimal("9876543.21")
    assert price.files[0].media_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert technical.form.kind is EnvelopeKind.TECHNICAL
    assert technical.files == (
        FilePlan(tmp_path / "图/a.pdf", "图纸.pdf", "application/pdf"),
        FilePlan(tmp_path / "b.unknown", "b.unknown", "application/octet-stream"),
    )


def test_json_says_the_same(tmp_path: Path) -> None:
    """A plan may be JSON, with or without a byte order mark."""
    value = {"bidder": "91152502MA0N7E8T0X", "price": {"price": 1.10}}
    (tmp_path / "bid.json").write_text("\ufeff" + json.dumps(value), encoding="utf-8")
    assert plan.read(tmp_path / "bid.json").envelopes[0].form.price == Decimal("1.10")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("bidder", "plan.malformed"),
        ("", "plan.malformed"),
        ('bidder = "x"\n[other]', "plan.malformed"),
        ('bidder = "x"\n[price]\nprise = "1"', "plan.malformed"),
        ('bidder = "x"\n[price]\nterm_days = 0', "plan.malformed"),
        ('bidder = "x"\n[price]\nprice = "一百万"', "bid.bad_price"),
        ('bidder = "x"\n[price]\nprice = 1.001', "bid.bad_price"),
        ('bidder = "x"\n[price]\nprice = inf', "bid.bad_price"),
    ],
)
def test_a_wrong_plan_is_refused(tmp_path: Path, text: str, code: str) -> None:
    """Wrong syntax, unknown words and wrong amounts each say what is wrong."""
    assert refused(tmp_path, text) == code


def test_limits(tmp_path: Path) -> None:
    """A missing plan, one of more than 1 MiB, one that is not text, one nested too deep."""
    with pytest.raises(GgzyError, match=r"plan\.not_found"):
        plan.read(tmp_path / "none.toml")
    assert refused(tmp_path, "#" * (1 << 20) + "#") == "plan.malformed"
    assert refused(tmp_path, "[" * 100_000, "bid.json") == "plan.malformed"
    (tmp_path / "bid.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(GgzyError, match=r"plan\.malformed"):
        plan.read(tmp_path / "bid.toml")
