"""Small files from disk: never more in memory than the caller's limit, whatever lies there."""

from pathlib import Path

from kernel.errors import GgzyError


def read(path: Path, limit: int, missing: GgzyError, larger: GgzyError | None = None) -> bytes:
    """Return what a file holds; raises `missing` when it cannot be read and `larger` above `limit` bytes.

    Without `larger`, limit + 1 bytes come back of a longer file, by which its parser sees that there is too much.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise missing from error
    if larger is not None and len(data) > limit:
        raise larger
    return data
