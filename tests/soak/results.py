"""What `make soak` found: a run that passed leaves docs/soak/<name>.json; docs/soak.md is made of them."""

import json
import os
import platform
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Soak and fault runs

`make soak` runs these and writes this page from `docs/soak/*.json`; each is the latest run that passed.
"""


def report(name: str, title: str, counts: dict[str, int | str]) -> None:
    """Keep the counts of a run that passed, under the name and title of its test."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found = {"title": title, "counts": counts, "machine": machine}
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    (DOCS / "soak" / f"{name}.json").write_text(text, "utf-8")
    (DOCS / "soak.md").write_text(page(), "utf-8")


def page() -> str:
    """Return the page."""
    found = (json.loads(path.read_text("utf-8")) for path in sorted((DOCS / "soak").glob("*.json")))
    return HEAD + "".join(_part(one["title"], one["counts"], one["machine"]) for one in found)


def _part(title: str, counts: dict[str, int | str], machine: str) -> str:
    rows = "".join(f"| {what} | {count} |\n" for what, count in counts.items())
    return f"\n## {title}\n\n| what | count |\n|---|---|\n{rows}\nMeasured on {machine}.\n"
