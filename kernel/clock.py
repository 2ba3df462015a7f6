"""Clocks. Deadlines are decided by the database's clock (`kernel.database.now`), never by these.

Made only where the program is put together and passed down, so that everything replays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

CHINA = timezone(timedelta(hours=8))
LENGTH = len("2026-11-21T00:00:00.000000Z")


class Clock(Protocol):
    """Anything that tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock, moved by the sandbox's offset (zero in earnest)."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the machine's time plus the offset."""
        return datetime.now(UTC) + self.offset


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still, for replays and tests."""

    moment: datetime

    def now(self) -> datetime:
        """Return the fixed moment."""
        return self.moment


def isoformat(moment: datetime) -> str:
    """Return RFC 3339 UTC with microseconds and ``Z``, the only form used in canonical bytes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """Read what `isoformat` wrote; ValueError for any other form."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if isoformat(moment) != text:
        raise ValueError(text)
    return moment


def civil(moment: datetime) -> str:
    """Return China Standard Time as people read it: ``2026-11-21 08:00:00 +08:00``, a fraction where there is one."""
    local = moment.astimezone(CHINA)
    fraction = f".{local.microsecond:06d}" if local.microsecond else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} +08:00"


def moment_of(value: object) -> datetime | None:
    """Return the moment that `isoformat` wrote; None for anything else."""
    if isinstance(value, str) and len(value) == LENGTH and value.endswith("Z"):
        try:
            return parse(value)
        except ValueError:
            return None
    return None


def readable(value: object) -> object:
    """Return the civil form of a string that `isoformat` wrote, and anything else as it is: for people's eyes only."""
    at = moment_of(value)
    return value if at is None else civil(at)
