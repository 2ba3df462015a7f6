"""The files of one receipt as one zip (docs/spec/receipt.md, section 1): one file to keep, to send, to verify."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from archive.receipt import MAX_FILE, NEEDED, PROOF, Files, missing
from kernel.errors import GgzyError, Kind

_AT = (1980, 1, 1, 0, 0, 0)  # the same receipt gives the same zip


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a stored zip of a receipt's files by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name, _AT), files[name])
    return made.getvalue()


def is_receipt(path: Path) -> bool:
    """Return whether a file is a zip with a ``receipt.json`` at its top."""
    try:
        with zipfile.ZipFile(path) as packed:
            return "receipt.json" in packed.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def read(path: Path) -> Files:
    """Read a zipped receipt; GgzyError ``receipt.missing``, ``receipt.bad_zip``."""
    try:
        with zipfile.ZipFile(path) as packed:
            there = {name for name in packed.namelist() if name in {*NEEDED, PROOF}}
            if absent := [name for name in NEEDED if name not in there]:
                raise missing(absent)
            found = {name: _member(packed, name) for name in there}
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise _bad_zip() from error
    content, digest, token = (found[name] for name in NEEDED)
    return Files(content, digest, token, found.get(PROOF))


def _member(packed: zipfile.ZipFile, name: str) -> bytes:
    with packed.open(name) as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise _bad_zip()
    return data


def _bad_zip() -> GgzyError:
    return GgzyError("receipt.bad_zip", Kind.INTEGRITY)
