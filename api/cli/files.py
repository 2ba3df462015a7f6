"""Files that a command is given."""

from pathlib import Path

from kernel import disk
from kernel.errors import GgzyError, Kind

MAX_PIN = 64 << 10


def read(path: Path, limit: int, refusal: str) -> bytes:
    """Return at most `limit` bytes and one more, by which the parser sees that there is too much.

    Raises GgzyError `refusal` with the file's `name` when it cannot be read.
    """
    return disk.read(path, limit, GgzyError(refusal, Kind.NOT_FOUND, name=path.name))


def pin(path: Path) -> bytes:
    """Return a pinned key or chain; GgzyError ``custody.no_pin``."""
    return read(path, MAX_PIN, "custody.no_pin")
