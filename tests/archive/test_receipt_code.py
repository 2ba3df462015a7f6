"""The promises of archive.receipt_code: a receipt on paper is the receipt."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from archive import receipt, receipt_code
from archive.receipt import Files
from kernel.errors import GgzyError

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "receipt/vectors.json").read_text("utf-8"))
CODE: dict[str, Any] = json.loads((FOLDER / "receipt_code/vectors.json").read_text("utf-8"))
CONTENT, DIGEST, TOKEN = (base64.b64decode(one) for one in VECTORS["vectors"][0]["files"][:3])
TEXT = CODE["text"]


def test_a_scanned_receipt_verifies_offline() -> None:
    """What the code says is enough for steps 1 to 5 of the recipe."""
    files = receipt_code.scanned(f"{TEXT[:900]}\r\n{TEXT[900:]}\n".encode())
    assert files == receipt_code.read(TEXT) == Files(CONTENT, DIGEST, TOKEN)
    _, steps = receipt.verify(files, VECTORS["chain"].encode(), None)
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]


def test_it_fits_into_a_code_that_a_telephone_reads() -> None:
    """All characters are of QR's dense mode, and a code of medium strength has room to spare."""
    assert set(TEXT) <= set(receipt_code.ALPHABET)
    code = segno.make(TEXT, error="m", boost_error=False)
    assert code.mode == "alphanumeric"
    assert int(code.version) <= 30


@pytest.mark.parametrize("case", CODE["malformed"], ids=lambda case: case["wrong"])
def test_another_text_is_refused(case: dict[str, str]) -> None:
    """Another version, cut, extended, lower case, not base45, not zlib: what the browser refuses as well."""
    with pytest.raises(GgzyError, match=r"receipt\.malformed"):
        receipt_code.read(case["text"])


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=300))
def test_every_receipt_comes_back(content: bytes, token: bytes) -> None:
    """Whatever is written is read."""
    files = receipt_code.read(receipt_code.write(content, token))
    assert (files.content, files.token) == (content, token)


@given(st.text(max_size=60))
def test_any_text_gives_one_error_type(text: str) -> None:
    """A scanner may find anything."""
    with pytest.raises(GgzyError, match=r"receipt\.malformed"):
        receipt_code.read(receipt_code.PREFIX + text)
