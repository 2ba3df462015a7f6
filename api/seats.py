"""Seats of a worker for live connections, of which no single address may take more than a share.

An address is what `api.address` counts a request under. A fifth of the seats is several times the largest hall behind
one address (hundreds of bidders' phones and screens), and leaves four fifths to everybody else however greedy one is.
Whoever finds no seat is told when to come again, and pages look anew from time to time instead (docs/spec/live.md).
"""

import contextlib
from collections import Counter
from collections.abc import Iterator

from kernel.errors import GgzyError, Kind

SEATS = 5000  # per worker
SHARE = 5  # one address has a fifth of them
AGAIN = 15  # seconds


class Seats:
    """Who sits, counted by address."""

    def __init__(self, seats: int = SEATS, share: int = SHARE) -> None:
        """Begin empty; `seats` in all, a `share`-th of them for one address."""
        self._seats, self._own = seats, seats // share
        self._taken, self._count = Counter[str](), 0

    def require(self, address: str) -> None:
        """Raise ``live.too_many`` where no seat is left, or none for this address."""
        if self._count >= self._seats or self._taken[address] >= self._own:
            raise GgzyError("live.too_many", Kind.UNAVAILABLE, seconds=AGAIN)

    @contextlib.contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """Hold a seat for the length of a block."""
        self._taken[address] += 1
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]
