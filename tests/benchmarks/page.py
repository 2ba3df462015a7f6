"""Writes docs/benchmarks.md from docs/benchmarks/*.json, one JSON object per line; `make bench` runs it."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Benchmarks

Each figure is a ratio to its peer or limit, measured in the same run on the same machine; `make bench` measures again
and writes this page from `docs/benchmarks/*.json`. Absolute times say little about another machine, ratios say much.

| what | measured against | ratio | target | |
|---|---|---|---|---|
"""


def results() -> list[dict[str, Any]]:
    """Return every result, in the order of file names and lines."""
    lines = (
        line for path in sorted((DOCS / "benchmarks").glob("*.json")) for line in path.read_text("utf-8").splitlines()
    )
    return [json.loads(line) for line in lines if line.strip()]


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_row(one) for one in results())


def _row(one: dict[str, Any]) -> str:
    target, ratio = one.get("target"), one.get("ratio")
    lower = one.get("lower_is_better", False)
    reached = ""
    if isinstance(target, int | float) and isinstance(ratio, int | float):
        reached = "✓" if (ratio <= target if lower else ratio >= target) else "**missed**"
    bound = "" if target is None else f"{'≤' if lower else '≥'} {target}"
    return f"| {one['what']} | {one.get('peer', '')} | {ratio} | {bound} | {reached} |\n"


if __name__ == "__main__":
    (DOCS / "benchmarks.md").write_text(page(), "utf-8")
