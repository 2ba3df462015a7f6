"""What a package proves by itself: its log entries under the checkpoint, its receipts by token and by entry."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from archive import note as notes
from archive import receipt as receipts
from archive.checkpoint import Checkpoint
from archive.note import Key
from archive.package import entries
from archive.package.entries import Opened
from archive.package.index import Index
from archive.recipe import Pins
from kernel import disk
from kernel.errors import GgzyError, Kind

RECEIPT = "receipt"
MAX_ENTRIES = 512 << 20
MAX_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """The keys that were used, the verified entries of the trade in order, and the head of the log."""

    key: Key
    chain_pem: bytes
    opened: tuple[Opened, ...]
    head: Checkpoint


def read(data: Path, index: Index, pins: Pins) -> Evidence:
    """Verify the log's part of a package; keys that are not pinned are the package's own.

    Raises GgzyError ``package.missing_file``, ``package.bad_entries``, ``package.wrong_sandbox``,
    ``note.*``, ``checkpoint.*``, ``merkle.*``.
    """
    key = pins.key()
    if key is None:
        key = notes.parse_key(small(data, entries.VKEY).decode("utf-8", "replace").removesuffix("\n"))
    chain = small(data, entries.CHAIN) if pins.chain_pem is None else pins.chain_pem
    lines = small(data, entries.ENTRIES, limit=MAX_ENTRIES)
    opened, head = entries.verify(lines, small(data, entries.CHECKPOINT), key, index.trade)
    if any(entry.event.sandbox is not index.sandbox for entry in opened):
        raise GgzyError("package.wrong_sandbox", Kind.INTEGRITY)
    return Evidence(key, chain, tuple(opened), head)


def check_receipts(data: Path, index: Index, evidence: Evidence) -> list[datetime]:
    """Verify every receipt with its token and find its entry in the log; return the deciding times.

    A file of the role ``receipt`` named ``…/receipt.json`` has ``receipt.tsr`` and ``receipt.digest`` beside it.
    Raises GgzyError ``receipt.*``, ``timestamp.*``, ``package.unlogged_receipt``.
    """
    commitments = {entry.commitment for entry in evidence.opened}
    times = []
    for file in index.having(RECEIPT):
        if PurePosixPath(file.path).name != "receipt.json":
            continue
        found = receipts.Files.read((data / file.path).parent)
        receipt, _ = receipts.verify(found, evidence.chain_pem, evidence.key)
        if receipt.commitment not in commitments or receipt.log != evidence.key.name:
            raise GgzyError("package.unlogged_receipt", Kind.INTEGRITY, path=file.path)
        times.append(receipt.event.at)
    return times


def small(data: Path, path: str, *, limit: int = MAX_SMALL) -> bytes:
    """Return one of the package's small files; GgzyError ``package.missing_file``, ``package.too_large``."""
    missing = GgzyError("package.missing_file", Kind.INTEGRITY, path=f"data/{path}")
    larger = GgzyError("package.too_large", Kind.TOO_LARGE, path=f"data/{path}")
    return disk.read(data / path, limit, missing, larger)
