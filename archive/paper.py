"""Paper: PDF/A made by typst from a template and data, the same bytes for the same input and date.

Fonts come from the npm package `@expo-google-fonts/noto-sans-sc` alone, never from the machine, so that every
installation prints alike. Templates (``*.typ``) lie beside their users, read `sys.inputs.data` as JSON and
set a document title, without which PDF/UA is refused. What they share is `prelude.typ`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from kernel.clock import civil, moment_of
from kernel.errors import GgzyError, Kind

FONTS = Path(__file__).parents[1] / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
PRELUDE = Path(__file__).with_name("prelude.typ")


def render(template: Path | str, data: Mapping[str, Any], *, created: datetime, fonts: Path = FONTS) -> bytes:
    """Return a PDF/A-2a and PDF/UA-1 of a template file, or of a template's own text, filled with JSON-able `data`.

    Blocking and long (tens of milliseconds): call it with `asyncio.to_thread`. `created` goes into the file's metadata.
    Raises GgzyError ``paper.no_fonts``, or ``paper.bad_template`` when typst refuses.
    """
    import typst  # noqa: PLC0415 - a heavy import that few commands need

    source = template if isinstance(template, str) else template.read_text("utf-8")
    try:
        pdf = typst.compile(
            f"{PRELUDE.read_text('utf-8')}{source}".encode(),
            format="pdf",
            font_paths=_fonts(fonts),
            sys_inputs={"data": json.dumps(_for_people(data), ensure_ascii=False, sort_keys=True)},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=int(created.timestamp()),
        )
    except typst.TypstError as error:
        raise GgzyError("paper.bad_template", Kind.INVALID, message=str(error)[:200]) from error
    return bytes(pdf)


def _for_people(data: Any) -> Any:
    """Return the data with every canonical time as papers say it: China time to the second, without its offset."""
    if isinstance(data, Mapping):
        return {name: _for_people(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_for_people(value) for value in data]
    at = moment_of(data)
    return data if at is None else civil(at.replace(microsecond=0)).removesuffix(" +08:00")


@cache
def _fonts(folder: Path) -> Any:
    """Return the two weights that templates use, read once: all nine would cost half a second."""
    import typst  # noqa: PLC0415 - as above

    found = [folder / weight for weight in ("400Regular", "700Bold")]
    if not all(path.is_dir() for path in found):
        raise GgzyError("paper.no_fonts", Kind.UNAVAILABLE)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=found)
