"""The file formats that may be kept and how they are known (DA/T 70-2018: open, neither compressed nor encrypted)."""

import json
import mmap
import re
from collections.abc import Callable
from pathlib import Path

_PDF_TAIL = 2048
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXECUTABLE = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"PK\x03\x04\x14\x00\x08\x00META-INF")
# The EICAR test file, which every scanner of malware reports, put together so that this file is not one.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_ENCRYPTED = re.compile(rb"/Encrypt\s+(\d+\s+\d+\s+R|<<)")
_ACTIVE = (b"/JavaScript", b"/Launch", b"/RichMedia")

Content = bytes | mmap.mmap


def misfit(path: Path) -> str | None:
    """Return why a file is not of the kept format that its name claims: ``unknown``, ``mismatch``, ``encrypted``."""
    reader = _READERS.get(path.suffix)
    if reader is None:
        return "unknown"
    return _scan(path, reader)


def danger(path: Path) -> str | None:
    """Return what makes a file dangerous to keep: ``executable``, ``malware``, ``active``. Sealed bids are opaque."""
    return None if path.suffix in OPAQUE else _scan(path, _danger)


OPAQUE = frozenset({".sealed", ".tsr", ".part"})


def _scan(path: Path, look: Callable[[Content], str | None]) -> str | None:
    if path.stat().st_size == 0:
        return look(b"")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return look(content)


def _danger(content: Content) -> str | None:
    if any(content[: len(magic)] == magic for magic in _EXECUTABLE):
        return "executable"
    if content.find(_EICAR) >= 0:
        return "malware"
    if content[:5] == b"%PDF-" and any(content.find(name) >= 0 for name in _ACTIVE):
        return "active"
    return None


def _pdf(content: Content) -> str | None:
    tail = content[max(0, len(content) - _PDF_TAIL) :]
    if content[:5] != b"%PDF-" or b"%%EOF" not in tail or b"startxref" not in tail:
        return "mismatch"
    return "encrypted" if _ENCRYPTED.search(content) else None


def _json(content: Content) -> str | None:
    return _parsed(lambda: json.loads(content[:]))


def _lines(content: Content) -> str | None:
    return _parsed(lambda: [json.loads(line) for line in content[:].splitlines()])


def _text(content: Content) -> str | None:
    return "mismatch" if content.find(b"\0") >= 0 else _parsed(content[:].decode)


def _parsed(read: Callable[[], object]) -> str | None:
    try:
        read()
    except (ValueError, RecursionError):
        return "mismatch"
    return None


def _begins(*magics: bytes) -> Callable[[Content], str | None]:
    return lambda content: None if any(content[: len(m)] == m for m in magics) else "mismatch"


def _zip(content: Content) -> str | None:
    if content[:4] != b"PK\x03\x04" or content[:8] == _OLE:
        return "mismatch"
    return "encrypted" if content[6] & 1 else None


def _any(_: Content) -> str | None:
    return None


_READERS: dict[str, Callable[[Content], str | None]] = {
    ".pdf": _pdf,
    ".json": _json,
    ".jsonl": _lines,
    **dict.fromkeys((".txt", ".csv", ".pem", ".digest", ".proof", ".xml", ".md", ""), _text),
    ".png": _begins(b"\x89PNG\r\n\x1a\n"),
    **dict.fromkeys((".jpg", ".jpeg"), _begins(b"\xff\xd8\xff")),
    **dict.fromkeys((".tif", ".tiff"), _begins(b"II*\0", b"MM\0*")),
    ".dwg": _begins(b"AC10"),
    **dict.fromkeys((".xlsx", ".docx", ".ofd"), _zip),
    ".tsr": _begins(b"\x30"),
    ".sealed": _any,
}
