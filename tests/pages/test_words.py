"""Words of the pages: templates and scripts hold none, and every code that they name has words."""

import re
from pathlib import Path

import pytest

from api import locale
from api.web import assets
from api.web.rendering import TEMPLATES, environment

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")  # characters and their punctuation
COMMENT = re.compile(r"(?s)\{#.*?#\}")
SCRIPT_COMMENT = re.compile(r"(?s)/\*.*?\*/|(?m:^\s*//.*$)|(?m:\s//\s.*$)")
CODE = re.compile(r"""(?<![\w.])t\(\s*(['"])([a-z0-9_.]+)\1\s*[,)]""")
TEMPLATE_FILES = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())
SCRIPTS = sorted(assets.STATIC.rglob("*.js"))
STYLES = sorted(assets.STATIC.rglob("*.css"))
PACKAGES = ("kernel", "archive", "trading", "bidding", "experts", "api")
SOURCES = sorted(
    path
    for package in PACKAGES
    for path in (TEMPLATES.parents[1] / package).rglob("*")
    if path.suffix in {".py", ".js", ".html", ".toml", ".typ"}
)
NAMED = re.compile(r"""["'`]([\w.\- ]+)["'`]""")
# Codes put together: "lot.state." ~ state, f"done.{code}", not_found("lot"). What a page takes by its prefix is no use.
FAMILY = re.compile(r"""(?<!words_json\()["'`]([a-z0-9_.]+[._])(?:["'`]|\$?\{)""")
MISSING = re.compile(r"""not_found\(\s*"([a-z_]+)\"""")
DOCUMENTED = "docs."  # English of the machine's documentation: a test of its own compares both sides
NUMERALS = assets.STATIC / "js" / "lib" / "amount.js"  # writes amounts in 大写, whatever the page's language


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_holds_no_words(path: Path) -> None:
    """Another language needs another catalogue and no other template: none holds Chinese, and each can be read."""
    assert CHINESE.findall(COMMENT.sub("", path.read_text())) == []
    environment().get_template(str(path.relative_to(TEMPLATES)))


@pytest.mark.parametrize(
    "path", [one for one in SCRIPTS if one != NUMERALS], ids=lambda path: str(path.relative_to(assets.STATIC))
)
def test_a_script_holds_no_words(path: Path) -> None:
    """Scripts take their words from the page."""
    assert CHINESE.findall(SCRIPT_COMMENT.sub("", path.read_text())) == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_sheet_holds_no_words(path: Path) -> None:
    """Nor do style sheets put words or punctuation of a language into a page."""
    assert CHINESE.findall(SCRIPT_COMMENT.sub("", path.read_text())) == []


def test_no_words_are_left_over() -> None:
    """Every code that has words is named in the source, or is of a family whose codes are put together there."""
    texts = [path.read_text() for path in SOURCES]
    named = {code for text in texts for code in NAMED.findall(text)}
    named |= {f"{noun}.not_found" for text in texts for noun in MISSING.findall(text)}
    families = tuple({family for text in texts for family in FAMILY.findall(text)})
    known = locale.catalogue(locale.DEFAULT)
    assert [code for code in known if code not in named and not code.startswith((*families, DOCUMENTED))] == []


def test_every_code_named_has_words() -> None:
    """No page shows a code in place of words."""
    known = locale.catalogue(locale.DEFAULT)
    named = {code: str(path) for path in (*TEMPLATE_FILES, *SCRIPTS) for _, code in CODE.findall(path.read_text())}
    assert len(named) > 300
    assert {code: path for code, path in named.items() if code not in known} == {}


def test_nothing_is_inline() -> None:
    """No template writes a style or a handler into its markup: the pages' policy forbids them."""
    inline = re.compile(r"""<style|\sstyle=|\son[a-z]+=["']|javascript:""")
    assert {str(path): found for path in TEMPLATE_FILES if (found := inline.findall(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (8388608, "8.4 MB"), (2**31, "2.1 GB"), (5 * 10**12, "5000.0 GB")],
)
def test_sizes_are_decimal(count: int, text: str) -> None:
    """A size is told in decimal units everywhere, as scripts tell it (tests/js/foundation.test.mjs)."""
    assert environment().filters["size"](count) == text
