"""Applications to the pool as a table file states them: a row is an expert, a mistake is named by row and column.

Nothing is taken from a file with a mistake. Columns and forms: docs/spec/expert-pool.md. Pure.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from experts.avoidance import Employer
from experts.quota import SPECIALTY
from kernel.errors import GgzyError, Kind
from trading.party import check_code

NAME, NUMBER, SPECIALTIES, SITES = "姓名", "身份证号", "专业代码", "站点"
EMPLOYER, EMPLOYER_CODE, FORMER = "工作单位", "单位代码", "原工作单位"
INTERESTS, PHONE, FROM, UNTIL, TRAINED = "回避单位", "手机号", "有效期起", "有效期至", "培训有效期至"
REQUIRED = (NAME, NUMBER, SPECIALTIES, SITES, EMPLOYER, PHONE, FROM, UNTIL)
OPTIONAL = (EMPLOYER_CODE, FORMER, INTERESTS, TRAINED)
MAX_LISTED = 500
MAX_ITEMS = 20
MALFORMED = (ValueError, ValidationError, GgzyError)  # what the parsers of cells raise

_SEPARATOR = re.compile(r"[,，;；、 ]+")
_FORMER = re.compile(r"(.{2,100})[:：]([0-9]{4}-[0-9]{2}-[0-9]{2})\Z")
_NUMBER = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_PHONE = re.compile(r"1[0-9]{10}\Z")


@dataclass(frozen=True, slots=True)
class Application:
    """One expert as applied for; `number` is the 身份证号 and goes no further than its keyed hash."""

    row: int
    name: str
    number: str = field(repr=False)
    specialties: tuple[str, ...]
    sites: tuple[str, ...]
    employers: tuple[Employer, ...]
    interests: tuple[str, ...]
    phone: str = field(repr=False)
    valid_from: date
    valid_until: date
    trained_until: date | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake: row (1 is the heading), column as the file names it, and its code, ``duplicate`` for example."""

    row: int
    column: str
    problem: str


def read(rows: Sequence[Sequence[str]], sites: Collection[str]) -> list[Application]:
    """Read the rows under the heading; `sites` are the known site codes.

    Raises ``pool.bad_file`` with all problems (the first 500 listed, all counted); ``pool.empty`` without any row.
    """
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        raise GgzyError("pool.empty", Kind.INVALID)
    problems = _heading_problems(rows[0])
    if problems:
        raise refuse(problems)
    reader = _Reader({name: at for at, name in enumerate(rows[0]) if name}, sites, problems)
    found = [reader.application(number, row) for number, row in enumerate(rows[1:], 2) if any(row)]
    problems += repeated([(a.row, a.number) for a in found])
    if problems:
        raise refuse(problems)
    return found


def repeated(numbered: Sequence[tuple[int, str]]) -> list[Problem]:
    """Return a problem for each row whose number stands in an earlier row."""
    seen: set[str] = set()
    problems = []
    for row, number in numbered:
        if number and number in seen:
            problems.append(Problem(row, NUMBER, "duplicate"))
        seen.add(number)
    return problems


def refuse(problems: Sequence[Problem]) -> GgzyError:
    """Return ``pool.bad_file`` for the problems, in the order of rows."""
    ordered = sorted(problems, key=lambda p: p.row)
    listed = [{"row": p.row, "column": p.column, "problem": p.problem} for p in ordered[:MAX_LISTED]]
    return GgzyError("pool.bad_file", Kind.INVALID, count=len(problems), problems=listed)


def _heading_problems(heading: Sequence[str]) -> list[Problem]:
    missing = [Problem(1, name, "column_missing") for name in REQUIRED if name not in heading]
    named = [name for name in heading if name]
    unknown = [Problem(1, name, "column_unknown") for name in named if name not in REQUIRED + OPTIONAL]
    twice = [Problem(1, name, "column_twice") for name in sorted(set(named)) if named.count(name) > 1]
    return missing + unknown + twice


class _Reader:
    """Reads cells by column name and collects what is wrong with them."""

    def __init__(self, columns: dict[str, int], sites: Collection[str], problems: list[Problem]) -> None:
        self.columns = columns
        self.sites = sites
        self.problems = problems
        self.row = 0
        self.cells: Sequence[str] = ()

    def application(self, row: int, cells: Sequence[str]) -> Application:
        self.row, self.cells = row, cells
        known = self.columns.values()
        if any(cell for at, cell in enumerate(cells) if at not in known):
            self._wrong("", "cell_outside_columns")
        start, end = self._take(FROM, date.fromisoformat, date.min), self._take(UNTIL, date.fromisoformat, date.max)
        if start > end:
            self._wrong(UNTIL, "ends_before_start")
        return Application(
            row,
            self._take(NAME, _name, ""),
            self._take(NUMBER, _number, ""),
            self._many(SPECIALTIES, _specialty),
            self._many(SITES, self._site),
            (self._employer(), *self._many(FORMER, _former)),
            self._many(INTERESTS, check_code),
            self._take(PHONE, _phone, ""),
            start,
            end,
            self._take(TRAINED, date.fromisoformat, None) if self._cell(TRAINED) else None,
        )

    def _cell(self, column: str) -> str:
        at = self.columns.get(column)
        return self.cells[at] if at is not None and at < len(self.cells) else ""

    def _take(self, column: str, parse: Callable[[str], Any], otherwise: Any) -> Any:
        text = self._cell(column)
        if not text:
            self._wrong(column, "missing")
            return otherwise
        try:
            return parse(text)
        except MALFORMED:
            self._wrong(column, "malformed")
            return otherwise

    def _many(self, column: str, parse: Callable[[str], Any]) -> tuple[Any, ...]:
        texts = [text for text in _SEPARATOR.split(self._cell(column)) if text]
        if not texts and column in REQUIRED:
            self._wrong(column, "missing")
        if len(texts) > MAX_ITEMS:
            self._wrong(column, "too_many")
            return ()
        try:
            found = [parse(text) for text in texts]
        except MALFORMED:
            self._wrong(column, "malformed")
            return ()
        return tuple(dict.fromkeys(found))

    def _employer(self) -> Employer:
        code = self._cell(EMPLOYER_CODE)
        return Employer(self._take(EMPLOYER, _name, ""), self._take(EMPLOYER_CODE, check_code, None) if code else None)

    def _site(self, text: str) -> str:
        if text not in self.sites:
            raise ValueError(text)
        return text

    def _wrong(self, column: str, problem: str) -> None:
        self.problems.append(Problem(self.row, column, problem))


def _name(text: str) -> str:
    if not 2 <= len(text) <= 100 or any(ord(c) < 32 for c in text):  # noqa: PLR2004 - a name's length
        raise ValueError(text)
    return text


def _number(text: str) -> str:
    """Check form, check digit and birth date, but not the place.

    `ric.validate` refuses a division that was made after the person's birth, yet numbers were first given in 1984 and
    name the division of that time.
    """
    number = str(ric.compact(text))
    if not _NUMBER.match(number) or number[-1] != ric.calc_check_digit(number):
        raise ValueError
    ric.get_birth_date(number)
    return number


def _specialty(text: str) -> str:
    if not SPECIALTY.match(text):
        raise ValueError(text)
    return text


def _phone(text: str) -> str:
    if not _PHONE.match(text):
        raise ValueError(text)
    return text


def _former(text: str) -> Employer:
    match = _FORMER.match(text)
    if match is None:
        raise ValueError(text)
    return Employer(match[1], None, date.fromisoformat(match[2]))
