"""People, files and lots that the tests of this package share. Numbers are invented and carry right check digits."""

import csv
import io
from uuid import UUID

from stdnum.cn import ric

from experts import application
from kernel.actor import Actor, Grant, Role, site

SITE = "152502"
PURCHASER = "11152502MB1A30672"


def person(number: int, name: str, *grants: Grant, key: bytes | None = None) -> Actor:
    """Return an actor with a fixed id."""
    return Actor(UUID(int=0xACE0000 + number), name, frozenset(grants), key)


SUPERVISOR = person(1, "监管", Grant(Role.SUPERVISOR, site(SITE)))
WITNESS = person(2, "见证", Grant(Role.WITNESS, site(SITE)))


def resident(number: int) -> str:
    """Return a 身份证号 with a right birth date and check digit."""
    year, rest = 1955 + number % 40, number // 40
    body = f"152502{year}{1 + rest % 12:02}{1 + rest // 12 % 28:02}{rest // 336 % 1000:03}"
    return body + ric.calc_check_digit(body + "0")


def row(number: int, **changes: str) -> dict[str, str]:
    """Return one expert's cells by column."""
    return {
        application.NAME: f"专家{number}",
        application.NUMBER: resident(number),
        application.SPECIALTIES: ("A0101", "A02", "B0103")[number % 3],
        application.SITES: SITE,
        application.EMPLOYER: f"第{number}设计院",
        application.PHONE: f"139{number:08}",
        application.FROM: "2024-01-01",
        application.UNTIL: "2030-12-31",
        application.TRAINED: "2030-12-31",
    } | changes


def table(rows: list[dict[str, str]]) -> bytes:
    """Return a CSV file in UTF-8."""
    out = io.StringIO()
    names = list(application.REQUIRED + application.OPTIONAL)
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
