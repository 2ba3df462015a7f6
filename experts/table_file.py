"""A table file as rows of text: xlsx, xls, ods through calamine, or CSV in UTF-8 or declared GB18030.

Cells become stripped text: whole numbers without a point, dates as YYYY-MM-DD. Limits guard against compressed bombs.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from kernel.errors import GgzyError, Kind

MAX_BYTES = 64 << 20
MAX_INFLATED = 1 << 30
MAX_ROWS = 500_000
MAX_COLUMNS = 64
MAX_CELL = 2_000
ENCODINGS = ("utf-8", "gb18030")

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read(data: bytes, encoding: str = "utf-8") -> list[list[str]]:
    """Return the rows of the first sheet, empty rows at the end left out.

    Raises ``pool.too_large``, ``pool.bad_encoding`` (naming what the file seems to be), ``pool.not_a_table``.
    """
    if len(data) > MAX_BYTES:
        raise GgzyError("pool.too_large", Kind.TOO_LARGE, limit=MAX_BYTES)
    rows = _workbook(data) if data.startswith((_ZIP, _OLE)) else _csv(_text(data, encoding))
    while rows and not any(rows[-1]):
        rows.pop()
    if len(rows) > MAX_ROWS + 1:
        raise GgzyError("pool.too_large", Kind.TOO_LARGE, limit=MAX_ROWS)
    return rows


def _workbook(data: bytes) -> list[list[str]]:
    try:
        if data.startswith(_ZIP):
            _refuse_bomb(data)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if not book.sheet_names:
            return []
        sheet = book.get_sheet_by_index(0)
        _limit_columns(sheet.width)
        return [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise GgzyError("pool.not_a_table", Kind.INVALID) from error
    except BaseException as error:  # a panic of the reader is no subclass of Exception
        if type(error).__name__ != "PanicException":
            raise
        raise GgzyError("pool.not_a_table", Kind.INVALID) from error


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > MAX_INFLATED:
            raise GgzyError("pool.too_large", Kind.TOO_LARGE, limit=MAX_INFLATED)


def _text(data: bytes, encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise GgzyError("pool.bad_encoding", Kind.INVALID, found="?", declared=encoding)
    if data.startswith(_OTHER_BOMS):
        raise GgzyError("pool.bad_encoding", Kind.INVALID, found="UTF-16", declared=encoding)
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        found = "GB18030" if encoding == "utf-8" and _is_gb18030(data) else "?"
        raise GgzyError("pool.bad_encoding", Kind.INVALID, found=found, declared=encoding) from error


def _is_gb18030(data: bytes) -> bool:
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _csv(text: str) -> list[list[str]]:
    if "\0" in text:
        raise GgzyError("pool.not_a_table", Kind.INVALID)
    try:
        return [
            [_cell(cell) for cell in row] for row in _limited(csv.reader(io.StringIO(text, newline=""), strict=True))
        ]
    except csv.Error as error:
        raise GgzyError("pool.not_a_table", Kind.INVALID) from error


def _limited(rows: Iterable[list[str]]) -> Iterable[list[str]]:
    for row in rows:
        _limit_columns(len(row))
        yield row


def _limit_columns(count: int) -> None:
    if count > MAX_COLUMNS:
        raise GgzyError("pool.not_a_table", Kind.INVALID)


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_CELL:
        raise GgzyError("pool.not_a_table", Kind.INVALID)
    return re.sub(r"[\s\u3000]+", " ", text).strip()
