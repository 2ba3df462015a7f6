"""Passwords: argon2id in threads, never more than two at once, so that signing in cannot exhaust memory."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.entropy import Entropy
from kernel.errors import GgzyError

SHORTEST, LONGEST = 10, 256
# No 0, 1, I, O, l: these are read aloud and typed from paper.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Passwords:
    """Makes and checks argon2id hashes (RFC 9106) with `memory` KiB each."""

    def __init__(self, memory: int) -> None:
        """Prepare the hasher and the hash that stands for logins nobody has."""
        self._hasher = PasswordHasher(time_cost=3 if memory >= 1 << 15 else 1, memory_cost=memory, parallelism=1)
        self._nobody = self._hasher.hash("nobody has this login")
        self._gate = asyncio.Semaphore(2)

    async def digest(self, password: str) -> str:
        """Return the hash to keep; ``password.unfit`` unless 10 to 256 characters long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise GgzyError("password.unfit", shortest=SHORTEST, longest=LONGEST)
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Tell whether the password is the one kept; takes as long when there is none."""
        if len(password) > LONGEST:
            return False
        async with self._gate:
            right = await asyncio.to_thread(self._verify, kept or self._nobody, password)
        return right and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def invent(entropy: Entropy) -> str:
    """Return a random password of 16 letters (93 bits) in groups of four."""
    letters: list[str] = []
    while len(letters) < 16:  # noqa: PLR2004 - four groups of four
        letters += [LETTERS[byte] for byte in entropy.token(32) if byte < len(LETTERS)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))
