"""A second language, written downwards, needs a catalogue and nothing else (traditional Mongolian is the one meant)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import locale
from tests.pages.conftest import Visitor

CATALOGUE = """msgid ""
msgstr ""
"Language: mn_Mong\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "locale.writing"
msgstr "vertical-lr"

msgid "page.sign_in"
msgstr "ᠨᠡᠪᠲᠡᠷᠡᠬᠦ"
"""


@pytest.fixture
def mongolian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A beginning of a Mongolian catalogue beside the Chinese one."""
    folder = tmp_path / "locale"
    (folder / "mn_Mong").mkdir(parents=True)
    (folder / "mn_Mong" / "pages.po").write_text(CATALOGUE)
    (folder / "zh_CN").symlink_to(locale.FOLDER / "zh_CN")
    monkeypatch.setattr(locale, "FOLDER", folder)
    locale.catalogue.cache_clear()
    yield
    locale.catalogue.cache_clear()


@pytest.mark.usefixtures("mongolian")
async def test_a_page_is_written_downwards(visitor: Visitor) -> None:
    """Who asks for Mongolian reads it in vertical lines; words that are not translated yet are Chinese."""
    answer = await visitor.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "mn-Mong"})
    assert '<html lang="mn-Mong" data-writing="vertical-lr">' in answer.text
    assert "ᠨᠡᠪᠲᠡᠷᠡᠬᠦ" in answer.text
    assert "公告公示" in answer.text
    assert answer.headers["content-language"] == "mn-Mong"


@pytest.mark.usefixtures("mongolian")
async def test_others_read_chinese_as_before(visitor: Visitor) -> None:
    """A browser that asks for no language that exists gets the installation's own."""
    answer = await visitor.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "fr"})
    assert '<html lang="zh-CN" data-writing="horizontal-tb">' in answer.text


def test_the_look_names_no_side() -> None:
    """Style sheets say start and end, not left and right, so that lines may run in any direction."""
    sheets = (Path(locale.__file__).parent.parent / "static").rglob("*.css")
    physical = (" left:", " right:", "margin-left", "margin-right", "padding-left", "padding-right", "border-left",
                "border-right", "text-align: left", "text-align: right", "float: left", "float: right")  # fmt: skip
    found = {(path.name, word) for path in sheets for word in physical if word in path.read_text()}
    assert found == set()
