"""Tables of a form that grow: a row's fields are ``<column>-<number>``, and the first column gives the table its name.

Rows are added and removed by buttons named ``rows`` that send the whole form, which is shown again (`changed`); a
script does the same without asking the server (`js/rows.js`). Numbers may have gaps, and rows with nothing in them
count for nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from api.web.forms import Form

NUMBER = re.compile(r"[1-9][0-9]{0,2}")
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns, and how many rows it takes."""

    columns: tuple[str, ...]
    most: int

    @property
    def name(self) -> str:
        """The name of the table, at which refusals of the table as a whole are put."""
        return self.columns[0]

    def numbers(self, form: Form) -> list[int]:
        """Return the numbers of the rows in a form, in order."""
        sent = (name.removeprefix(f"{self.name}-") for name in form.fields if name.startswith(f"{self.name}-"))
        return sorted(int(number) for number in sent if NUMBER.fullmatch(number))[: self.most]

    def shown(self, form: Form) -> list[int]:
        """Return the numbers of the rows that a page shows: an empty one where there is none."""
        return self.numbers(form) or [1]

    def filled(self, form: Form) -> list[int]:
        """Return the numbers of the rows in which something is written."""
        return [number for number in self.numbers(form) if any(form[f"{one}-{number}"] for one in self.columns)]

    def typed(self, form: Form) -> dict[str, str]:
        """Return the fields of the rows in which something is written, numbered from 1."""
        return self.fields([form[f"{one}-{number}"] for one in self.columns] for number in self.filled(form))

    def fields(self, rows: Iterable[Sequence[str]]) -> dict[str, str]:
        """Return the fields that show these rows, each the texts of its columns."""
        return {
            f"{column}-{number}": text
            for number, row in enumerate(rows, 1)
            for column, text in zip(self.columns, row, strict=True)
        }

    def total(self, form: Form, column: str) -> Decimal:
        """Return the sum of a column; what is no amount counts for nothing."""
        sent = (form[f"{column}-{number}"] for number in self.numbers(form))
        return sum((Decimal(text) for text in sent if AMOUNT.fullmatch(text)), Decimal("0.00"))


def changed(form: Form, *tables: Rows) -> bool:
    """Add or remove the row that the pressed button asks for; False where the form was sent to be kept."""
    verb, _, where = form["rows"].partition(":")
    name, _, number = where.partition("-")
    table = next((one for one in tables if one.name == name), None)
    if table is None or verb not in ("add", "remove"):
        return False
    numbers = table.shown(form)
    if verb == "add" and len(numbers) < table.most:
        numbers.append(numbers[-1] + 1)
    elif verb == "remove":
        numbers = [one for one in numbers if str(one) != number]
    kept = table.fields([[form[f"{column}-{one}"] for column in table.columns] for one in numbers])
    for one in [one for one in form.fields if one.rpartition("-")[0] in table.columns]:
        del form.fields[one]
    form.fields |= {one: [text] for one, text in kept.items()}
    return True
