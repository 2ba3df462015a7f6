"""The committed receipts of tests/vectors/filed, held against the package that stands beside them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from archive import receipt
from archive.package.holding import Holding, Logged
from archive.recipe import Step
from kernel.errors import GgzyError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "filed" / "vectors.json").read_text("utf-8"))
TOLD = VECTORS["package"]
INDEXES = {bytes.fromhex(commitment): index for commitment, index in TOLD["indexes"].items()}
PACKAGE = Holding(UUID(TOLD["trade"]), bytes.fromhex(TOLD["package"]), Logged.of(INDEXES, TOLD["log"]), INDEXES)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_every_receipt_gets_its_verdict(vector: dict[str, Any]) -> None:
    """What is in the package is named with its index, a filing with its number of entries; the rest is refused."""
    told = receipt.decode(vector["receipt"].encode())
    if vector["code"] is None:
        found = PACKAGE.indexes.get(told.commitment, PACKAGE.logged.entries)
        assert PACKAGE.check_receipt(told) == Step(8, "filed", str(found))
        return
    with pytest.raises(GgzyError) as caught:
        PACKAGE.check_receipt(told)
    assert caught.value.code == vector["code"]


def test_the_package_tells_its_root() -> None:
    """The root in the vectors is the one that follows from the commitments."""
    assert PACKAGE.told() == {name: TOLD[name] for name in ("package", "log", "entries", "root")}
