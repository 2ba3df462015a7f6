"""The committed receipts of tests/vectors/receipt, made by the generator beside them, each with its verdict."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from archive import note as notes
from archive import receipt
from archive.receipt import Files
from kernel.errors import GgzyError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "receipt" / "vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_every_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    """A good receipt passes every step; a bad one is refused with the code that the vector names."""
    files = Files(*(None if one is None else b64decode(one) for one in vector["files"]))
    key = notes.parse_key(VECTORS["vkey"])
    if vector["code"] is None:
        _, steps = receipt.verify(files, VECTORS["chain"].encode(), key)
        assert [step.number for step in steps] == ([1, 2, 3, 4, 5] if files.proof is None else [1, 2, 3, 4, 5, 7])
        return
    with pytest.raises(GgzyError) as caught:
        receipt.verify(files, VECTORS["chain"].encode(), key)
    assert caught.value.code == vector["code"]
