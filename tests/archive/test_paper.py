"""Paper: the same bytes for the same input, PDF/A, Chinese by our own fonts, refusals with a code."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest

from archive.paper import render
from kernel.errors import GgzyError

CREATED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set text(font: "Noto Sans SC", lang: "zh")
= #data.title
#data.body *粗体*
"""
DATA = {"title": "开标记录", "body": "锡林浩特“一主三分”"}


def test_the_same_input_gives_the_same_bytes() -> None:
    """Template, data and date decide every byte; another date changes them."""
    first = render(TEMPLATE, DATA, created=CREATED)
    assert first == render(TEMPLATE, dict(reversed(DATA.items())), created=CREATED)
    assert first != render(TEMPLATE, DATA, created=CREATED.replace(year=2027))


def test_it_is_pdf_a_and_ua_with_its_fonts_inside() -> None:
    """The file declares PDF/A-2a and PDF/UA-1, has the text as text, and embeds Noto Sans SC."""
    pdf = render(TEMPLATE, DATA, created=CREATED)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data()
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert b"<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "一主三分" in reader.pages[0].extract_text()
    fonts = {str(font.get_object()["/BaseFont"]) for font in reader.pages[0]["/Resources"]["/Font"].values()}
    assert all("NotoSansSC" in name for name in fonts)
    assert len(fonts) == 2


def test_data_cannot_become_markup() -> None:
    """What people typed is text: typst's own signs in it stay signs."""
    pdf = render(TEMPLATE, {"title": "x", "body": "#panic() *a* $x$ @b"}, created=CREATED)
    assert "#panic() *a* $x$ @b" in pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


@pytest.mark.parametrize("template", ["#nonsense(", "no title", '#read("/etc/hostname")'])
def test_a_bad_template_is_refused(template: str) -> None:
    """A broken template, one without a title and one that reads the disk give one stable code."""
    with pytest.raises(GgzyError, match=r"paper\.bad_template"):
        render(template, {}, created=CREATED)


def test_missing_fonts_are_told(tmp_path: Path) -> None:
    """Nothing is printed with whatever fonts the machine has."""
    with pytest.raises(GgzyError, match=r"paper\.no_fonts"):
        render(TEMPLATE, DATA, created=CREATED, fonts=tmp_path)
