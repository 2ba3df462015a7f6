"""BagIt 1.0 (RFC 8493) in the one form that we write: SHA-256 manifests, sorted, and four tag files beside them.

Read strictly: what other tools may write differently (order, spacing, case) is refused here, because a bag of ours has
exactly one form. `bagit` and `sha256sum -c` accept it all the same.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from archive.package.item import is_path
from kernel import disk
from kernel.errors import GgzyError, Kind

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PACKAGE = "ggzy/package/v1"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
SIGNED = "manifest.note"
TAGS = ("bag-info.txt", "bagit.txt", SIGNED, MANIFEST)
LABELS = (
    "Source-Organization",
    "Bagging-Date",
    "External-Identifier",
    "Internal-Sender-Identifier",
    "Internal-Sender-Description",
    "Payload-Oxum",
    "Bag-Software-Agent",
)
MAX_TAG_FILE = 64 << 20
MAX_FILES = 1_000_000
MAX_DEPTH = 9
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def write_manifest(digests: Mapping[str, str]) -> bytes:
    """Return a manifest: hexadecimal digest, two spaces, path, sorted by path."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items())).encode()


def read_manifest(data: bytes) -> dict[str, str]:
    """Read a manifest strictly as path → digest; GgzyError ``package.bad_manifest``."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise _bad_manifest() from error
    digests = {path: digest for digest, path in _LINE.findall(text)}
    if write_manifest(digests) != data:  # order, repetition, case and anything between the lines
        raise _bad_manifest()
    return digests


def write_info(values: Mapping[str, str]) -> bytes:
    """Return ``bag-info.txt``: the labels in their order, one line each; GgzyError ``package.bad_info``."""
    if set(values) != set(LABELS) or not all(value.isprintable() and value for value in values.values()):
        raise GgzyError("package.bad_info", Kind.INVALID)
    return "".join(f"{label}: {values[label]}\n" for label in LABELS).encode()


def read_info(data: bytes) -> dict[str, str]:
    """Read ``bag-info.txt`` strictly; GgzyError ``package.bad_info``."""
    try:
        values = dict(line.split(": ", 1) for line in data.decode().splitlines())
    except (ValueError, UnicodeDecodeError) as error:
        raise GgzyError("package.bad_info", Kind.INTEGRITY) from error
    if set(values) != set(LABELS) or write_info(values) != data:
        raise GgzyError("package.bad_info", Kind.INTEGRITY)
    return values


def statement(trade: UUID, manifest: bytes) -> str:
    """Return the text of the note that the log's key signs: format, trade, SHA-256 of the payload manifest."""
    return f"{PACKAGE}\n{trade}\n{sha256(manifest).hexdigest()}\n"


def list_files(folder: Path) -> dict[str, int]:
    """Return path → size of every file below a bag's folder.

    Raises ``package.bad_name`` for links, devices and names of another form, ``package.too_many_files``.
    """
    found: dict[str, int] = {}
    for path, info in _walk(folder, ""):
        ours = path in (*TAGS, TAG_MANIFEST) or (path.startswith("data/") and is_path(path.removeprefix("data/")))
        if not stat.S_ISREG(info.st_mode) or not ours:
            raise GgzyError("package.bad_name", Kind.INTEGRITY, path=_shown(path))
        found[path] = info.st_size
        if len(found) > MAX_FILES:
            raise GgzyError("package.too_many_files", Kind.TOO_LARGE)
    return found


def read_tag(folder: Path, name: str) -> bytes:
    """Return a tag file; GgzyError ``package.missing_file`` or ``package.bad_manifest`` when it is too large."""
    missing = GgzyError("package.missing_file", Kind.INTEGRITY, path=name)
    return disk.read(folder / name, MAX_TAG_FILE, missing, _bad_manifest())


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is there without following a link; folders only as far as there is something in them."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise GgzyError("package.missing_file", Kind.INTEGRITY, path=_shown(prefix) or ".") from error
    for entry in entries:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if path.count("/") > MAX_DEPTH:
                raise GgzyError("package.bad_name", Kind.INTEGRITY, path=_shown(path))
            yield from _walk(Path(entry.path), path + "/")
        else:
            yield path, entry.stat(follow_symlinks=False)


def _shown(path: str) -> str:
    return path.encode("ascii", "backslashreplace").decode()[:200]


def _bad_manifest() -> GgzyError:
    return GgzyError("package.bad_manifest", Kind.INTEGRITY)
