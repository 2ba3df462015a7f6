"""Avoidance (回避) as data: who must not judge a lot, each reason with its code. Pure.

评标委员会和评标方法暂行规定 12: relatives of bidders' leaders, regulators of the project, economic or other interest,
earlier penalties; 评标专家和评标专家库管理办法: employer or former employer within three years. The codes are
explained in docs/spec/expert-pool.md.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

REASONS = (
    "employer_purchaser",
    "employer_agency",
    "employer_bidder",
    "former_purchaser",
    "former_agency",
    "former_bidder",
    "declared_interest",
    "penalty",
    "suspended",
    "untrained",
    "expired",
    "month_cap",
    "employer_cap",
    "already_called",
)


@dataclass(frozen=True, slots=True)
class Employer:
    """An employer by name, by 统一社会信用代码 if known; `left` is the last day there (None: still)."""

    name: str
    uscc: str | None = None
    left: date | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the lot: ``purchaser``, ``agency`` or ``bidder``."""

    quality: str
    uscc: str
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """What the pool knows of an expert that bears on avoidance; `interests` are the 统一社会信用代码 declared."""

    employers: tuple[Employer, ...]
    interests: frozenset[str]
    penalized: bool
    suspended: bool
    trained: bool
    valid_from: date
    valid_until: date
    drawn_this_month: int = 0
    employer_drawn_this_month: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Years that a former employer counts; how often an expert or an employer's experts are drawn in a month."""

    cooling_years: int
    per_expert: int | None = None
    per_employer: int | None = None


def exclusions(record: Record, parties: Iterable[Party], limits: Limits, on: date) -> tuple[str, ...]:
    """Return the reason codes that keep the expert out on this day, in the order of `REASONS`."""
    found = {reason for party in parties for reason in _ties(record, party, limits.cooling_years, on)}
    states = (
        ("penalty", record.penalized),
        ("suspended", record.suspended),
        ("untrained", not record.trained),
        ("expired", not record.valid_from <= on <= record.valid_until),
        ("month_cap", _reached(record.drawn_this_month, limits.per_expert)),
        ("employer_cap", _reached(record.employer_drawn_this_month, limits.per_employer)),
    )
    found.update(reason for reason, holds in states if holds)
    return tuple(reason for reason in REASONS if reason in found)


def within_cooling(left: date, on: date, years: int) -> bool:
    """Tell whether fewer than so many years have passed; somebody who left on 29 February is free on 1 March."""
    try:
        free = left.replace(year=left.year + years)
    except ValueError:
        free = date(left.year + years, 3, 1)
    return on < free


def same_organization(employer: Employer, party: Party) -> bool:
    """Compare by 统一社会信用代码 where it is known, else by name, ignoring width, case and spaces."""
    if employer.uscc is not None:
        return employer.uscc == party.uscc
    return plain_name(employer.name) == plain_name(party.name)


def plain_name(name: str) -> str:
    """Return the name in the form in which names are compared."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _reached(drawn: int, limit: int | None) -> bool:
    return limit is not None and drawn >= limit


def _ties(record: Record, party: Party, years: int, on: date) -> Iterable[str]:
    for employer in record.employers:
        if same_organization(employer, party):
            if employer.left is None:
                yield f"employer_{party.quality}"
            elif within_cooling(employer.left, on, years):
                yield f"former_{party.quality}"
    if party.uscc in record.interests:
        yield "declared_interest"
