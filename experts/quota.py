"""Quotas of a draw and the one set of experts that fills them: greedy over tickets on a transversal matroid.

Sets of experts who can be seated together form a matroid, so taking experts by rising ticket and keeping each who can
still be seated never ends in a dead end when a full committee exists, and gives the lowest possible tickets. See
docs/spec/draw.md, "Selection".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kernel.errors import GgzyError, Kind

SPECIALTY = re.compile(r"[A-Z][0-9]{2}(?:[0-9]{2}){0,4}\Z")
SITE = re.compile(r"[0-9]{6}\Z")
MAX_SEATS = 99
MAX_QUOTAS = 32

Name = TypeVar("Name", bound=bytes)


@dataclass(frozen=True, slots=True)
class Quota:
    """`count` seats for experts of a specialty (or of one below it), at one site or, with None, at any."""

    specialty: str
    count: int
    site: str | None = None

    def fits(self, specialties: Sequence[str], sites: Sequence[str]) -> bool:
        """Tell whether somebody with these specialties at these sites may take a seat of this quota."""
        return any(s.startswith(self.specialty) for s in specialties) and (self.site is None or self.site in sites)

    def label(self) -> str:
        """Return ``specialty`` or ``specialty@site``, as errors and lists name a quota."""
        return self.specialty if self.site is None else f"{self.specialty}@{self.site}"

    def document(self) -> dict[str, object]:
        """Return the canonical form."""
        return {"count": self.count, "site": self.site, "specialty": self.specialty}


def read(documents: object) -> tuple[Quota, ...]:
    """Read quotas from their canonical form, strictly; raises ``draw.bad_quotas``."""
    if not isinstance(documents, list) or not 1 <= len(documents) <= MAX_QUOTAS:
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    quotas = tuple(_read_one(document) for document in documents)
    if sum(q.count for q in quotas) > MAX_SEATS or len({(q.specialty, q.site) for q in quotas}) != len(quotas):
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    return quotas


@dataclass(frozen=True, slots=True)
class Seated(Generic[Name]):
    """An expert and the index of the quota whose seat they take."""

    expert: Name
    quota: int


def select(ranked: Iterable[tuple[Name, int]], quotas: Sequence[Quota]) -> tuple[Seated[Name], ...]:
    """Return the committee, in rank order, from experts in rank order, each with the bit mask of the quotas they fit.

    Raises ``draw.pool_exhausted`` naming the quotas that nobody can fill, and how many seats are missing.
    """
    seats = _Seats[Name](quotas)
    total = sum(q.count for q in quotas)
    refused: set[int] = set()
    for expert, mask in ranked:
        if mask in refused:
            continue  # whoever fits the same quotas as somebody refused is refused as well
        if not seats.admit(expert, mask):
            refused.add(mask)
        elif len(seats.order) == total:
            return _canonical(seats.order, seats.masks, quotas)
    raise _exhausted(seats, quotas)


class _Seats(Generic[Name]):
    """Who sits where while the committee grows; an admitted expert never leaves, but may change seats."""

    def __init__(self, quotas: Sequence[Quota]) -> None:
        self.free = [q.count for q in quotas]
        self.held: list[list[Name]] = [[] for _ in quotas]
        self.masks: dict[Name, int] = {}
        self.order: list[Name] = []

    def admit(self, expert: Name, mask: int) -> bool:
        """Seat the expert, moving others along an augmenting path when needed; False when there is none."""
        self.masks[expert] = mask
        if self._place(expert, 0):
            self.order.append(expert)
            return True
        del self.masks[expert]
        return False

    def _place(self, expert: Name, seen: int) -> bool:
        frontier: list[tuple[Name, int | None, int]] = [(expert, None, -1)]
        for at, (who, _, _) in enumerate(frontier):
            for quota in _bits(self.masks[who] & ~seen):
                seen |= 1 << quota
                if self.free[quota]:
                    self._shift(frontier, at, quota)
                    return True
                frontier.extend((member, at, quota) for member in self.held[quota])
        return False

    def _shift(self, frontier: list[tuple[Name, int | None, int]], at: int | None, quota: int) -> None:
        self.free[quota] -= 1
        while at is not None:
            who, before, left = frontier[at]
            self.held[quota].append(who)
            if before is not None:
                self.held[left].remove(who)
            at, quota = before, left


def _canonical(order: Sequence[Name], masks: dict[Name, int], quotas: Sequence[Quota]) -> tuple[Seated[Name], ...]:
    """Seat members in rank order, each in the lowest quota that leaves seats for all after them."""
    counts = [q.count for q in quotas]
    result: list[Seated[Name]] = []
    for place, expert in enumerate(order):
        for quota in _bits(masks[expert]):
            if not counts[quota]:
                continue
            counts[quota] -= 1
            if _seatable([masks[later] for later in order[place + 1 :]], counts):
                result.append(Seated(expert, quota))
                break
            counts[quota] += 1
    return tuple(result)


def _seatable(masks: Sequence[int], counts: Sequence[int]) -> bool:
    seats = _Seats[bytes]([Quota("A00", count) for count in counts])
    return all(seats.admit(index.to_bytes(2, "big"), mask) for index, mask in enumerate(masks))


def _exhausted(seats: _Seats[Name], quotas: Sequence[Quota]) -> GgzyError:
    """Name the quotas short of people by Hall's theorem: the closure of a free seat under who could sit there."""
    short = 1 << next(index for index, free in enumerate(seats.free) if free)
    while True:
        wider = short
        for quota, members in enumerate(seats.held):
            if any(seats.masks[m] & short for m in members):
                wider |= 1 << quota
        if wider == short:
            break
        short = wider
    labels = [quotas[index].label() for index in _bits(short)]
    missing = sum(seats.free[index] for index in _bits(short))
    return GgzyError("draw.pool_exhausted", Kind.CONFLICT, quota=", ".join(labels), missing=missing)


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _read_one(document: object) -> Quota:
    if not isinstance(document, dict) or set(document) != {"specialty", "site", "count"}:
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    specialty, site, count = document["specialty"], document["site"], document["count"]
    if not isinstance(specialty, str) or not SPECIALTY.match(specialty):
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    if site is not None and not (isinstance(site, str) and SITE.match(site)):
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    if type(count) is not int or not 1 <= count <= MAX_SEATS:
        raise GgzyError("draw.bad_quotas", Kind.INVALID)
    return Quota(specialty, count, site)
