"""Words of the pages: templates and scripts hold none, and every code that they name has words."""

import re
from pathlib import Path

import pytest

from api import locale
from api.web import assets
from api.web.rendering import TEMPLATES, environment

CHINESE = re.compile(r"[\u4e00-\u9fff]")
COMMENT = re.compile(r"(?s)\{#.*?#\}")
SCRIPT_COMMENT = re.compile(r"(?s)/\*.*?\*/|(?m:^\s*//.*$)|(?m:\s//\s.*$)")
CODE = re.compile(r"""(?<![\w.])t\(\s*(['"])([a-z0-9_.]+)\1\s*[,)]""")
TEMPLATE_FILES = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())
SCRIPTS = sorted(assets.STATIC.rglob("*.js"))
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
