"""Randomness as an argument: made only where the program is put together."""

import hashlib
import secrets
from typing import Protocol
from uuid import UUID


class Entropy(Protocol):
    """A source of uniformly random bytes."""

    def token(self, size: int) -> bytes:
        """Return `size` random bytes."""


class SystemEntropy:
    """The operating system's generator."""

    def token(self, size: int) -> bytes:
        """Return `size` bytes fit for keys."""
        return secrets.token_bytes(size)


class SeededEntropy:
    """A reproducible stream (SHAKE-256 of seed and counter) for vectors and tests; never for keys in use."""

    def __init__(self, seed: bytes) -> None:
        """Start the stream of this seed."""
        self._seed = seed
        self._count = 0

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of the stream."""
        self._count += 1
        return hashlib.shake_256(self._seed + self._count.to_bytes(8, "big")).digest(size)


def new_id(entropy: Entropy) -> UUID:
    """Return a random UUID (RFC 9562 version 4)."""
    return UUID(bytes=entropy.token(16), version=4)
