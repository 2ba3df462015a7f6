"""The draw itself: a pure function of what was logged beforehand. Format and reasons: docs/spec/draw.md.

PRK = HKDF-Extract(salt = sorted nonces, IKM = beacon ‖ checkpoint root); each expert's ticket is
HKDF-Expand(PRK, "draw-v1" ‖ tender ‖ round ‖ expert, 32) (RFC 5869, SHA-256); the lowest that fill the quotas win.
"""

import hashlib
import heapq
import hmac
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from experts.quota import Quota, select
from experts.roster import Entry
from kernel.errors import GgzyError, Kind

NONCE_CONTEXT = b"ggzy/draw-nonce/v1\0"
TICKET_LABEL = b"draw-v1"
NONCE_SIZE = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A drawn expert: code (32 bytes), ticket (32 bytes), index of the quota whose seat they take."""

    code: bytes
    ticket: bytes
    quota: int


def commit_nonce(draw_id: UUID, role: str, nonce: bytes) -> bytes:
    """Return the 32-byte commitment of a participant's 32-byte nonce, bound to the draw and their role.

    Raises GgzyError ``draw.wrong_nonce``.
    """
    if len(nonce) != NONCE_SIZE:
        raise GgzyError("draw.wrong_nonce", Kind.INVALID, role=role)
    return hashlib.sha256(NONCE_CONTEXT + draw_id.bytes + role.encode() + b"\0" + nonce).digest()


def extract(nonces: Collection[bytes], beacon: bytes, root: bytes) -> bytes:
    """Return PRK (32 bytes): the nonces sorted bytewise are the salt, beacon (empty or 32 bytes) ‖ root the input."""
    return hmac.digest(b"".join(sorted(nonces)), beacon + root, "sha256")


def tickets(prk: bytes, tender: UUID, number: int, codes: Sequence[bytes]) -> list[bytes]:
    """Return the 32-byte ticket of each code in round `number`.

    One block of HKDF-Expand is one HMAC; its two keyed states are made once and copied, which halves the time.
    """
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in prk.ljust(64, b"\0")))
    inner.update(TICKET_LABEL + tender.bytes + number.to_bytes(4, "big"))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in prk.ljust(64, b"\0")))
    result: list[bytes] = []
    for code in codes:
        block = inner.copy()
        block.update(code + b"\x01")
        tag = outer.copy()
        tag.update(block.digest())
        result.append(tag.digest())
    return result


def draw(
    entries: Sequence[Entry],
    quotas: Sequence[Quota],
    prk: bytes,
    tender: UUID,
    number: int,
    *,
    gone: Collection[bytes] = (),
) -> tuple[Place, ...]:
    """Return the committee's places by rising ticket, without the codes in `gone` (declined, timed out, recused).

    Whoever was in the committee and is not gone stays in it: taking one element from the ground set of a matroid
    exchanges exactly one element of its lowest basis. Raises ``draw.pool_exhausted``.
    """
    masks: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    codes: list[bytes] = []
    fits: list[int] = []
    for entry in entries:
        if entry.exclusions or entry.code in gone:
            continue
        skills = (entry.specialties, entry.sites)
        mask = masks.get(skills)
        if mask is None:
            mask = masks[skills] = fitting(entry, quotas)
        if mask:
            codes.append(entry.code)
            fits.append(mask)
    waiting = list(zip(tickets(prk, tender, number, codes), codes, fits, strict=True))
    heapq.heapify(waiting)  # few are looked at: popping them costs less than sorting all
    seen: dict[bytes, bytes] = {}
    seated = select(_by_ticket(waiting, seen), quotas)
    return tuple(Place(seat.expert, seen[seat.expert], seat.quota) for seat in seated)


def fitting(entry: Entry, quotas: Sequence[Quota]) -> int:
    """Return the bit mask of the quotas whose seats the expert may take."""
    return sum(1 << at for at, quota in enumerate(quotas) if quota.fits(entry.specialties, entry.sites))


def _by_ticket(waiting: list[tuple[bytes, bytes, int]], seen: dict[bytes, bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield codes and masks by rising ticket from a heap, noting the tickets of those looked at."""
    while waiting:
        ticket, code, mask = heapq.heappop(waiting)
        seen[code] = ticket
        yield code, mask
