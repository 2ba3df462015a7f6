"""Values out of a form: each field is checked on its own, so that everything wrong is told at once, at its place.

Times in forms are China time (``datetime-local``); amounts are yuan, with or without thousands separators.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from api.web.forms import Form
from kernel.clock import CHINA
from kernel.errors import GgzyError
from trading.draft import YEARS

T = TypeVar("T", bound=msgspec.Struct)
LOCAL = "%Y-%m-%dT%H:%M"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WHOLE = re.compile(r"[0-9]{1,9}")


def struct(form: Form, kind: type[T], *, prefix: str = "", **given: object) -> T | None:
    """Read a msgspec struct whose text fields stand in the form as ``<prefix><name>``; `given` are not asked for.

    Puts ``field.empty`` or ``field.unfit`` at each field that is wrong and returns None then.
    """
    values: dict[str, Any] = dict(given)
    before = len(form.problems)
    for one in msgspec.structs.fields(kind):
        if one.name not in given:
            found = text(form, prefix + one.name, one.type, required=one.required)
            if found is not None:
                values[one.name] = found
    return kind(**values) if len(form.problems) == before else None


def text(form: Form, name: str, kind: Any = str, *, required: bool = True) -> Any:
    """Read one field as a msgspec type; None where it is empty or wrong, which is put at the field."""
    sent = form[name]
    if not sent:
        if required:
            form.refuse(GgzyError("field.empty"), name)
        return None
    try:
        return msgspec.convert(sent, kind, strict=False)
    except msgspec.ValidationError:
        form.refuse(GgzyError("field.unfit"), name)
        return None


def moment(form: Form, name: str, *, required: bool = True) -> datetime | None:
    """Read a ``datetime-local`` field as China time."""
    if not form[name] and not required:
        return None
    try:
        return datetime.strptime(form[name][:16], LOCAL).replace(tzinfo=CHINA)
    except ValueError:
        form.refuse(GgzyError("field.empty" if not form[name] else "field.bad_moment"), name)
        return None


def whole(text: str) -> int | None:
    """Read a whole number as people write one, up to nine digits; None for anything else."""
    return int(text) if WHOLE.fullmatch(text) else None


def day(text: str) -> date | None:
    """Read a day as ``date`` fields send it, ``YYYY-MM-DD``, of the years of trading; None for anything else."""
    try:
        found = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None
    return found if found is not None and found.year in YEARS else None


def amount(form: Form, name: str, *, required: bool = True) -> Decimal | None:
    """Read an amount of yuan; what is allowed of it is decided elsewhere."""
    sent = form[name].replace(",", "").replace("，", "")
    if not sent and not required:
        return None
    try:
        found = Decimal(sent)
    except InvalidOperation:
        found = Decimal("NaN")
    if found.is_finite() and sent.isascii():
        return found
    form.refuse(GgzyError("field.empty" if not sent else "field.bad_amount"), name)
    return None


def local(at: datetime) -> str:
    """Return a moment as a ``datetime-local`` field shows it: China time to the minute."""
    return at.astimezone(CHINA).strftime(LOCAL)
