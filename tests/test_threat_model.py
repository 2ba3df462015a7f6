"""The threat model's page names the tests that keep its claims; none of them may vanish."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threat-model.md"
NAMED = re.compile(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`")


def test_every_claim_names_tests_that_exist() -> None:
    """Each numbered line of the table names at least one test, and each named test is there."""
    for line in PAGE.read_text("utf-8").splitlines():
        if re.match(r"\| [0-9]+ \|", line):
            named = NAMED.findall(line)
            assert named, line
            for file, name in named:
                assert name in _functions(TESTS / file), f"{file}::{name}"


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
