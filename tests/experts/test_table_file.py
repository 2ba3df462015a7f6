"""Table files: every format that people bring, every way in which they are wrong."""

import io
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from experts import application, table_file
from experts.application import NAME, NUMBER, OPTIONAL, REQUIRED
from kernel.errors import GgzyError
from tests.experts import cast

SITES = {cast.SITE}


def problems(data: bytes) -> list[tuple[int, str, str]]:
    """What is wrong with a file, by row, column and problem."""
    with pytest.raises(GgzyError, match=r"pool\.bad_file") as caught:
        application.read(table_file.read(data), SITES)
    listed = caught.value.params["problems"]
    assert isinstance(listed, list)
    assert caught.value.params["count"] == len(listed)
    return [(p["row"], p["column"], p["problem"]) for p in listed]


def workbook(rows: list[dict[str, object]]) -> bytes:
    """An xlsx file."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        names = list(REQUIRED + OPTIONAL)
        sheet.write_row(0, 0, names)
        for at, row in enumerate(rows, 1):
            for column, name in enumerate(names):
                value = row.get(name, "")
                if isinstance(value, date):
                    sheet.write_datetime(at, column, value, day)  # type: ignore[arg-type]
                else:
                    sheet.write(at, column, value)
    return out.getvalue()


def test_csv_with_and_without_bom_and_declared_gb18030() -> None:
    """The same people come out of each encoding that is declared rightly."""
    data = cast.table([cast.row(n) for n in range(3)])
    plain = application.read(table_file.read(data), SITES)
    assert application.read(table_file.read(b"\xef\xbb\xbf" + data), SITES) == plain
    assert application.read(table_file.read(data.decode().encode("gb18030"), "gb18030"), SITES) == plain
    assert plain[0].employers[0].name == "第0设计院"


def test_a_workbook_with_numbers_and_dates() -> None:
    """Sites and telephones typed as numbers and dates typed as dates are read as meant."""
    row: dict[str, object] = dict(cast.row(1))
    row[application.SITES], row[application.PHONE] = 152502, 13900000001
    row[application.UNTIL] = date(2030, 12, 31)
    (found,) = application.read(table_file.read(workbook([row])), SITES)
    assert (found.sites, found.phone, found.valid_until) == ((cast.SITE,), "13900000001", date(2030, 12, 31))


def test_a_number_that_lost_its_digits_is_told() -> None:
    """A 身份证号 typed as a number is rounded by the table program: refused, not guessed."""
    row: dict[str, object] = dict(cast.row(1))
    row[NUMBER] = 152502195501010010
    with pytest.raises(GgzyError, match=r"pool\.bad_file"):
        application.read(table_file.read(workbook([row])), SITES)


def test_undeclared_gb18030_and_utf16_are_named() -> None:
    """A wrong encoding is an error that says what the file seems to be, never a garbled name."""
    text = cast.table([cast.row(1)]).decode()
    for data, found in ((text.encode("gb18030"), "GB18030"), (text.encode("utf-16"), "UTF-16"), (b"\xff\xff\x81", "?")):
        with pytest.raises(GgzyError, match=r"pool\.bad_encoding") as caught:
            table_file.read(data)
        assert caught.value.params["found"] == found


def test_all_mistakes_are_told_at_once() -> None:
    """Each wrong cell by row and column, in one answer."""
    data = cast.table(
        [
            cast.row(1, **{NUMBER: cast.resident(1)[:-1] + ("0" if cast.resident(1)[-1] != "0" else "1")}),
            cast.row(2, **{NAME: "", application.SITES: "999999"}),
            cast.row(3, **{application.SPECIALTIES: "甲级", application.PHONE: "0479-123"}),
            cast.row(4, **{application.UNTIL: "2020-01-01"}),
            cast.row(5, **{application.FORMER: "某院", application.EMPLOYER_CODE: "911525"}),
            cast.row(6),
            cast.row(6),
        ]
    )
    assert problems(data) == [
        (2, "身份证号", "malformed"),
        (3, "姓名", "missing"),
        (3, "站点", "malformed"),
        (4, "专业代码", "malformed"),
        (4, "手机号", "malformed"),
        (5, "有效期至", "ends_before_start"),
        (6, "单位代码", "malformed"),
        (6, "原工作单位", "malformed"),
        (8, "身份证号", "duplicate"),
    ]


def test_wrong_columns_are_told_before_anything_else() -> None:
    """Missing, unknown and repeated columns by name."""
    data = "姓名,身份证,姓名\n张三,1,李四\n".encode()
    found = problems(data)
    assert (1, "身份证号", "column_missing") in found
    assert (1, "身份证", "column_unknown") in found
    assert (1, "姓名", "column_twice") in found


def test_cells_outside_the_columns_are_told() -> None:
    """A cell beyond the headings is not silently dropped."""
    data = cast.table([cast.row(1)]).rstrip() + ",备注".encode()
    assert problems(data) == [(2, "", "cell_outside_columns")]


@pytest.mark.parametrize(
    "data", [b"", b"\n", ",".join(REQUIRED).encode(), b"PK\x03\x04garbage", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_what_is_no_table_is_refused(data: bytes) -> None:
    """Empty files, bare headings, torn workbooks."""
    with pytest.raises(GgzyError, match=r"pool\."):
        application.read(table_file.read(data), SITES)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever bytes come, the only exception is GgzyError."""
    for start in (b"", b"PK\x03\x04", b"\xef\xbb\xbf"):
        try:
            application.read(table_file.read(start + data), SITES)
        except GgzyError as error:
            assert error.code.startswith("pool.")


def test_a_torn_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook cut anywhere or with a byte changed is read rightly or refused."""
    data = workbook([dict(cast.row(1))])
    for at in range(1, len(data), 97):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        for torn in (data[:at], bytes(broken)):
            try:
                application.read(table_file.read(torn), SITES)
            except GgzyError as error:
                assert error.code.startswith("pool.")
