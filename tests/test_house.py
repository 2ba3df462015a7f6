"""House-wide rules: every code has words, every catalogue is read alike by Babel, files and functions stay small."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from api import locale

ROOT = Path(__file__).parent.parent
PACKAGES = ("kernel", "archive", "trading", "bidding", "experts", "api")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CATALOGUES = sorted((ROOT / "api" / "locale").rglob("*.po"))
LINES_AT_MOST = 400
KINDS = ("invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_large", "too_many", "integrity")


def test_every_code_has_words() -> None:
    """Whatever refusal is raised anywhere, a person reads words about it and not its code."""
    known = locale.catalogue(locale.DEFAULT)
    wanted = {code: place for path in SOURCES for code, place in _codes(path)}
    assert len(wanted) > 100
    assert {code: place for code, place in wanted.items() if code not in known} == {}


def test_every_kind_has_a_title() -> None:
    """Every problem document has a title of its kind."""
    known = locale.catalogue(locale.DEFAULT)
    assert [kind for kind in (*KINDS, "unavailable") if f"problem.{kind}" not in known] == []


def test_every_word_of_the_program_is_in_the_catalogue() -> None:
    """Every msgid that the program asks for by name exists."""
    known = locale.catalogue(locale.DEFAULT)
    asked = {text: str(path) for path in SOURCES for text in _asked(path)}
    assert {text: path for text, path in asked.items() if text not in known} == {}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_catalogues_read_alike_by_babel(path: Path) -> None:
    """Our reader finds in a catalogue exactly what Babel finds, and no entry is empty."""
    with path.open("rb") as handle:
        theirs = {str(message.id): str(message.string) for message in read_po(handle) if message.id}
    assert locale.read(path) == theirs
    assert all(theirs.values())


def test_no_code_is_worded_twice() -> None:
    """Two catalogues of a locale do not fight over a code."""
    seen: dict[str, str] = {}
    for path in CATALOGUES:
        for code in locale.read(path):
            place = f"{path.parent.name}:{code}"
            assert place not in seen, (seen[place], path.name)
            seen[place] = path.name


def test_files_stay_small() -> None:
    """No file of ours is too long to be read at once."""
    long = {str(path): count for path in SOURCES if (count := len(path.read_text().splitlines())) > LINES_AT_MOST}
    assert long == {}


def test_services_never_commit() -> None:
    """Transactions begin and end only in api."""
    below = [path for path in SOURCES if path.parts[len(ROOT.parts)] != "api"]
    calls = [
        f"{path}:{node.lineno}"
        for path in below
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "begin") and _is_session(node.value)
    ]
    assert calls == []


def test_clock_and_entropy_are_made_in_api_only() -> None:
    """Below api nothing asks the machine for time or randomness, so that everything replays."""
    forbidden = {("secrets", None), ("uuid", "uuid4"), ("datetime", "now"), ("datetime", "utcnow"), ("random", None)}
    allowed = {ROOT / "kernel" / "clock.py", ROOT / "kernel" / "entropy.py"}
    below = [path for path in SOURCES if path.parts[len(ROOT.parts)] != "api" and path not in allowed]
    found = [f"{path}:{line}" for path in below for name, line in _uses(path) if name in forbidden]
    assert found == []


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_dependency_is_pinned_with_hashes(name: str) -> None:
    """What pyproject.toml asks for is in the requirements, each with hashes, and no line names an address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + (project["dependency-groups"]["dev"] if name == "dev" else [])
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==\S+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    pinned = {pin.lower().replace("_", "-") for pin in pins}
    assert {re.split(r"[\[><=]", one)[0].lower() for one in wanted} - pinned == set()
    assert "://" not in text


def test_no_lockfile_names_an_address() -> None:
    """The lock of npm holds versions and hashes; where they come from is the reader's own setting."""
    assert "://" not in (ROOT / "package-lock.json").read_text()


@pytest.mark.parametrize("folder", ["spec", "decisions"])
def test_every_page_is_listed(folder: str) -> None:
    """The index of specifications and that of decisions name every page, and nothing that is not there."""
    pages = {path.name for path in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", (ROOT / "docs" / folder / "README.md").read_text())
    assert set(listed) == pages


def test_every_decision_is_enforced() -> None:
    """Each record names what enforces it, and the files and tests that it names exist."""
    for path in (ROOT / "docs" / "decisions").glob("[!R]*.md"):
        _, _, enforced = path.read_text().partition("**Enforced by**")
        named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", enforced)
        assert named or "ck_" in enforced or "/lifecycle.py" in enforced, path.name
        for file, test in named:
            assert (ROOT / file).exists(), (path.name, file)
            assert not test or f"def {test}(" in (ROOT / file).read_text(), (path.name, test)


def _is_session(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("session", "sessions", "connection", "engine")


def _codes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each code that a file raises: ``GgzyError("code", …)`` and ``not_found("noun")`` with literal arguments."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        suffix = {"GgzyError": "", "not_found": ".not_found"}.get(name)
        if suffix is not None:
            for text in _literals(node.args[0]):
                yield text + suffix, f"{path}:{node.lineno}"


def _asked(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words" and node.args:
            yield from _literals(node.args[0])


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _uses(path: Path) -> Iterator[tuple[tuple[str, str | None], int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield (name.name, None), node.lineno
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield (node.module or "", name.name), node.lineno
                yield (node.module or "", None), node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield (node.value.id, node.attr), node.lineno
