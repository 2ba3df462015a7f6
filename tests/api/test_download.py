"""Files as answers: one place says how they are named, kept and fenced in."""

from pathlib import Path

import pytest

from api import download

API = Path(download.__file__).parent


def test_one_place_writes_the_headers_of_files() -> None:
    """Whoever gives a file does it by `api.download`: nobody else names one."""
    naming = [path.name for path in API.rglob("*.py") if "content-disposition" in path.read_text("utf-8").lower()]
    assert naming == ["download.py"]


@pytest.mark.parametrize("inline", [False, True])
def test_a_file_is_no_document_that_may_do_anything(*, inline: bool) -> None:
    """It runs nothing, is of the type that we say, and is kept by nobody unless it is everybody's."""
    told = download.headers("投标文件\r\nX: y.pdf", inline=inline, size=7)
    assert told["Content-Security-Policy"].startswith("default-src 'none'")
    assert "script-src" not in told["Content-Security-Policy"]
    assert ("sandbox" in told["Content-Security-Policy"]) is not inline
    assert (told["X-Content-Type-Options"], told["Cache-Control"]) == ("nosniff", "private, no-store")
    assert told["Content-Length"] == "7"
    assert told["Content-Disposition"].isascii()
    assert "\r" not in told["Content-Disposition"]
