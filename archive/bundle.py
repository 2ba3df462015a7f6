"""Trail bundles: log entries that somebody took out of the trail, with everything that proves them offline.

Specified in docs/spec/trail-bundle.md; the numbers in `verify` are those of its recipe. The browser's
js/lib/verify/bundle.js is the same.
"""

import hmac
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from archive import checkpoint as checkpoints
from archive import note as notes
from archive import timestamp
from archive.note import Key
from archive.package import entries
from archive.package.entries import Opened
from archive.package.holding import Holding
from archive.recipe import Pins, Step, marked
from archive.timestamp.token import PATIENCE, TOLERANCE
from kernel import canonical, disk
from kernel.clock import isoformat, parse
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/trail-bundle/v1"
INDEX, NOTE, CHAIN, CHECKPOINT, STAMP, ENTRIES, VKEY = NAMES = (
    "bundle.json",
    "bundle.note",
    "chain.pem",
    "checkpoint",
    "checkpoint.tsr",
    "entries.jsonl",
    "vkey",
)
MAX_SMALL = 1 << 20
MAX_ENTRIES = 8 << 30
_MEMBERS = frozenset({"format", "export", "at", "by", "log", "filter", "entries", "sha256", "sandbox"})
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Index:
    """What a bundle says of itself.

    `export` is the id of the event that recorded the export, `by` who took it, `at` when it was stamped, `filter` what
    was asked for, `entries` their number, `sha256` the hexadecimal digest of the lines.
    """

    export: UUID
    at: datetime
    by: UUID
    log: str
    filter: Mapping[str, Any]
    entries: int
    sha256: str
    sandbox: bool

    def encode(self) -> bytes:
        """Return ``bundle.json``."""
        value = {
            "format": FORMAT,
            "export": str(self.export),
            "at": isoformat(self.at),
            "by": str(self.by),
            "log": self.log,
            "filter": dict(self.filter),
            "entries": self.entries,
            "sha256": self.sha256,
            "sandbox": self.sandbox,
        }
        return canonical.encode(value)


def decode(data: bytes) -> Index:
    """Read ``bundle.json`` strictly; GgzyError ``bundle.malformed``."""
    try:
        value = canonical.decode(data)
        index = Index(
            export=UUID(value["export"]),
            at=parse(value["at"]),
            by=UUID(value["by"]),
            log=value["log"],
            filter=dict(value["filter"]),
            entries=value["entries"],
            sha256=value["sha256"],
            sandbox=value["sandbox"],
        )
        sound = type(index.entries) is int and index.entries >= 0 and type(index.sandbox) is bool
        named = isinstance(index.log, str) and 0 < len(index.log) <= notes.MAX_NAME
        if sound and named and set(value) == _MEMBERS and _HEX.fullmatch(index.sha256) and index.encode() == data:
            return index
    except (GgzyError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused("malformed") from error
    raise _refused("malformed")


def statement(index: bytes, export: UUID) -> str:
    """Return the text that the log's key signs: format, export, SHA-256 of ``bundle.json``."""
    return f"{FORMAT}\n{export}\n{sha256(index).hexdigest()}\n"


def unpack(source: Path, out: Path) -> Path:
    """Unpack a zipped bundle into the new folder `out`; GgzyError ``bundle.bad_zip``, ``bundle.extra_file``."""
    try:
        with zipfile.ZipFile(source) as packed:
            for info in packed.infolist():
                if info.filename not in NAMES:
                    raise _refused("extra_file", path=info.filename[:200])
                if info.file_size > (MAX_ENTRIES if info.filename == ENTRIES else MAX_SMALL):
                    raise _refused("bad_zip")
                packed.extract(info, out)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise _refused("bad_zip") from error
    return out


def verify(
    folder: Path,
    pins: Pins,
    *,
    packages: Collection[Holding] = (),
    progress: Callable[[int], None] | None = None,
) -> list[Step]:
    """Check a bundle's folder against pinned keys, its own where none are pinned; return the steps that held.

    `packages` are those at hand that held. Raises GgzyError ``bundle.*``, ``package.bad_entries``,
    ``package.not_as_filed``, and those of notes, Merkle proofs and tokens.
    """
    names = _check_names(folder)  # 1
    steps = [Step(1, "layout", str(len(names)))]
    encoded = _small(folder, INDEX)  # 2
    index = decode(encoded)
    steps.append(Step(2, "index", marked(str(index.export), sandbox=index.sandbox)))
    with (folder / ENTRIES).open("rb") as lines:  # 3
        if not hmac.compare_digest(file_digest(lines, "sha256").hexdigest(), index.sha256):
            raise _refused("wrong_digest")
    steps.append(Step(3, "digests", index.sha256))
    key = _key(folder, pins)  # 4
    note = _small(folder, CHECKPOINT)
    head = checkpoints.verify(note, key)
    if index.log != key.name:
        raise _refused("wrong_log")
    steps.append(Step(4, "checkpoint", str(head.size)))
    steps.append(Step(5, "token", isoformat(_stamped(folder, pins, index, note))))  # 5
    trades = {package.trade for package in packages}
    known = _check_entries(folder, index, head, trades, progress)  # 6
    steps.append(Step(6, "entries", f"{index.entries} / {head.size}"))
    signed = notes.parse(_small(folder, NOTE))  # 7
    notes.verify(signed, [key])
    if signed.text != statement(encoded, index.export) or len(signed.signatures) != 1:
        raise _refused("wrong_signature")
    steps.append(Step(7, "signature", key.name))
    return [*steps, *_check_filed(known, packages)]  # 8


def _check_names(folder: Path) -> list[str]:
    """1. Exactly the files of the format are there."""
    found = sorted(path.name for path in folder.iterdir())
    for name in found:
        if name not in NAMES or not (folder / name).is_file():
            raise _refused("extra_file", path=name[:200])
    for name in NAMES:
        if name not in found:
            raise _refused("missing_file", path=name)
    return found


def _key(folder: Path, pins: Pins) -> Key:
    own = _small(folder, VKEY).decode("utf-8", "replace").removesuffix("\n")
    if pins.vkey is not None and own != pins.vkey.strip():
        raise _refused("wrong_key")
    return notes.parse_key(own)


def _stamped(folder: Path, pins: Pins, index: Index, note: bytes) -> datetime:
    """5. The token stamps the checkpoint, at the time that the index names."""
    chain = _small(folder, CHAIN) if pins.chain_pem is None else pins.chain_pem
    stamped = timestamp.check(_small(folder, STAMP), sha256(note).digest(), chain, sandbox=index.sandbox)
    if not -TOLERANCE <= stamped - index.at <= TOLERANCE + PATIENCE:
        raise _refused("wrong_time")
    return stamped


def _check_entries(
    folder: Path,
    index: Index,
    head: checkpoints.Checkpoint,
    trades: Collection[UUID],
    progress: Callable[[int], None] | None,
) -> list[Opened]:
    """6. Every line opens its commitment and is included; indexes rise; all are of play or none.

    Returns the entries of these trades, whose packages are at hand.
    """
    count, known = 0, []
    with (folder / ENTRIES).open("rb") as lines:
        for line, opened in entries.read(lines, head):
            if opened.event.sandbox is not index.sandbox:
                raise _refused("wrong_sandbox")
            count += 1
            if opened.event.trade in trades:
                known.append(opened)
            if progress is not None:
                progress(len(line))
    if count != index.entries:
        raise _refused("wrong_count", count=count, said=index.entries)
    return known


def _check_filed(known: list[Opened], packages: Collection[Holding]) -> Iterator[Step]:
    """8. Every line of a trade whose package is at hand is in that package, if the log held it at the filing."""
    for package in packages:
        lines = [opened for opened in known if opened.event.trade == package.trade]
        for opened in lines:
            package.check_entry(opened)
        if lines:
            yield Step(8, "filed", str(len(lines)))


def _small(folder: Path, name: str) -> bytes:
    return disk.read(folder / name, MAX_SMALL, _refused("missing_file", path=name), _refused("malformed"))


def _refused(code: str, **params: object) -> GgzyError:
    return GgzyError(f"bundle.{code}", Kind.INTEGRITY, **params)
