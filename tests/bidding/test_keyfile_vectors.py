"""The published vectors of key files: current, and each comes out as it declares."""

import json
from typing import Any

import pytest

from bidding import keyfile
from kernel.errors import GgzyError
from tests.vectors.keyfile.generate import FOLDER, files

CASES: list[dict[str, Any]] = json.loads((FOLDER / "keyfile.json").read_text("utf-8"))["cases"]


def test_vectors_are_current() -> None:
    """The generator makes exactly the file that is committed."""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == files()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    """A good file gives its secrets; every other is refused under the code that is listed."""
    try:
        opened = keyfile.decrypt(case["file"].encode(), case["passphrase"])
    except GgzyError as error:
        assert error.code == case["expect"]
    else:
        assert case["expect"] == "ok"
        assert {name: value.hex() for name, value in opened.secrets.items()} == case["secrets"]
