"""The roster of a draw: every expert who fits a quota, under an opaque salted code, with the reasons that exclude them.

One expert is one line of ASCII, ``code specialties sites exclusions``; the lines stand in the order of their codes, and
their digest is what the trail holds. Format: docs/spec/draw.md, "Roster".
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel import canonical
from kernel.errors import GgzyError, Kind

CODE_CONTEXT = b"ggzy/draw-expert/v1\0"
SALT_CONTEXT = b"ggzy/draw-salt/v1\0"
DIGEST_CONTEXT = b"ggzy/draw-roster/v1\0"
MAX_ENTRIES = 1_000_000

_SPECIALTY = r"[A-Z][0-9]{2,10}"
_LINE = re.compile(
    rf"([0-9a-f]{{64}}) ({_SPECIALTY}(?:,{_SPECIALTY})*) ([0-9]{{6}}(?:,[0-9]{{6}})*) (-|[a-z_]+(?:,[a-z_]+)*)\Z"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An expert by code (32 bytes), what they can do, where, and why they are excluded (empty: they are not)."""

    code: bytes
    specialties: tuple[str, ...]
    sites: tuple[str, ...]
    exclusions: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the entry's line."""
        excluded = ",".join(self.exclusions) or "-"
        return f"{self.code.hex()} {','.join(self.specialties)} {','.join(self.sites)} {excluded}"


def identity(expert_id: UUID, name: str, employer: str) -> bytes:
    """Return the canonical bytes that a code commits to: whose name is published must be who was drawn."""
    return canonical.encode({"employer": employer, "expert": str(expert_id), "name": name})


def expert_salt(secret: bytes, expert_id: UUID) -> bytes:
    """Return the 32-byte salt of one expert in one draw, from the draw's secret (32 bytes)."""
    return hmac.digest(secret, SALT_CONTEXT + expert_id.bytes, "sha256")


def expert_code(salt: bytes, identified: bytes) -> bytes:
    """Return the opaque code: a 32-byte commitment to the identity."""
    return hashlib.sha256(CODE_CONTEXT + salt + identified).digest()


def write(entries: Iterable[Entry]) -> list[str]:
    """Return the lines in the order of their codes."""
    return sorted(entry.line() for entry in entries)


def digest(lines: Sequence[str]) -> bytes:
    """Return SHA-256 of the context and the lines, each ended by a line feed."""
    return hashlib.sha256(DIGEST_CONTEXT + "".join(line + "\n" for line in lines).encode()).digest()


def read(lines: object) -> list[Entry]:
    """Read lines strictly: form, order, no code twice; raises ``draw.bad_roster`` with the line's number."""
    if not isinstance(lines, list) or len(lines) > MAX_ENTRIES:
        raise GgzyError("draw.bad_roster", Kind.INTEGRITY, line=0)
    entries: list[Entry] = []
    before = ""
    lists: dict[str, tuple[str, ...]] = {"-": ()}
    for number, line in enumerate(lines, 1):
        match = _LINE.match(line) if isinstance(line, str) else None
        if match is None or match[1] <= before:
            raise GgzyError("draw.bad_roster", Kind.INTEGRITY, line=number)
        before = match[1]
        parts = [lists.get(text) or lists.setdefault(text, () if text == "-" else tuple(text.split(",")))
                 for text in (match[2], match[3], match[4])]  # fmt: skip
        entries.append(Entry(bytes.fromhex(before), *parts))
    return entries
