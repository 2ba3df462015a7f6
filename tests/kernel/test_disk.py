"""Small files from disk: the limit holds whatever lies there, and each refusal is the caller's."""

from pathlib import Path

import pytest

from kernel import disk
from kernel.errors import GgzyError, Kind

MISSING, LARGER = GgzyError("test.missing", Kind.NOT_FOUND), GgzyError("test.larger", Kind.TOO_LARGE)


@pytest.mark.parametrize("size", [0, 9, 10])
def test_up_to_the_limit_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    """Nothing is cut off at the limit."""
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert disk.read(path, 10, MISSING, LARGER) == disk.read(path, 10, MISSING) == bytes(size)


def test_above_the_limit(tmp_path: Path) -> None:
    """A longer file is refused, or gives one byte too many to the parser that asked; never more."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    assert len(disk.read(path, 10, MISSING)) == 11
    with pytest.raises(GgzyError, match=r"test\.larger"):
        disk.read(path, 10, MISSING, LARGER)


@pytest.mark.parametrize("name", ["absent", "folder", "absent/absent"])
def test_what_cannot_be_read_is_missing(tmp_path: Path, name: str) -> None:
    """Absent files and folders are refused alike."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(GgzyError, match=r"test\.missing"):
        disk.read(tmp_path / name, 10, MISSING, LARGER)
