"""No script exports what nobody imports: what is left over after a change is found here."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = {path: path.read_text() for path in sorted((ROOT / "api" / "static" / "js").rglob("*.js"))}
USERS = SCRIPTS | {path: path.read_text() for path in (ROOT / "tests").rglob("*.mjs")}
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


def test_every_export_is_imported() -> None:
    """Each exported name stands in another script, or in a test in node, that imports its module."""
    left = [
        f"{path.name} {name}"
        for path, text in SCRIPTS.items()
        for name in EXPORT.findall(text)
        if not any(
            path.name in user and re.search(rf"\b{name}\b", user) for place, user in USERS.items() if place != path
        )
    ]
    assert left == []
