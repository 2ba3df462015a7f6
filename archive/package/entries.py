"""The trade's log entries inside its package: openings and audit paths, all under one signed checkpoint.

``log/entries.jsonl`` has one line of canonical JSON for each entry, in index order (docs/spec/package.md, section 4).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from archive import checkpoint as checkpoints
from archive import event as events
from archive import merkle
from archive.checkpoint import Checkpoint
from archive.event import Entry, Event
from archive.note import Key
from kernel import canonical
from kernel.errors import GgzyError, Kind

ENTRIES, CHECKPOINT, VKEY = "log/entries.jsonl", "log/checkpoint", "log/vkey"
CHAIN = "tsa/chain.pem"
MAX_HASHES = 63
_MEMBERS = {"event", "index", "path", "salt"}


@dataclass(frozen=True, slots=True)
class Opened:
    """One verified entry: its place, what it says, and its 32-byte commitment."""

    index: int
    event: Event
    commitment: bytes


def encode(entries: Iterable[Entry], paths: Iterable[tuple[bytes, ...]]) -> bytes:
    """Return the lines of entries with their audit paths."""
    lines = []
    for entry, path in zip(entries, paths, strict=True):
        line = {
            "event": canonical.decode(entry.opening.event),
            "index": entry.index,
            "path": [node.hex() for node in path],
            "salt": entry.opening.salt.hex(),
        }
        lines.append(canonical.encode(line) + b"\n")
    return b"".join(lines)


def verify(lines: bytes, note: bytes, key: Key, trade: UUID) -> tuple[list[Opened], Checkpoint]:
    """Check every entry against the checkpoint signed by `key`; return them in index order.

    Raises GgzyError ``package.bad_entries`` (with the line), ``merkle.*``, ``note.*``, ``checkpoint.*``.
    """
    head = checkpoints.verify(note, key)
    opened: list[Opened] = []
    for number, (_, entry) in enumerate(read(lines.splitlines(keepends=True), head), 1):
        if entry.event.trade != trade:
            raise _bad_entries(number)
        opened.append(entry)
    return opened, head


def read(lines: Iterable[bytes], head: Checkpoint) -> Iterator[tuple[bytes, Opened]]:
    """Yield every line with its entry, verified against the head of the log; indexes rise.

    Raises GgzyError ``package.bad_entries`` (with the line), ``merkle.not_included``.
    """
    before = -1
    for number, line in enumerate(lines, 1):
        entry = _entry(line, number, head)
        if entry.index <= before:
            raise _bad_entries(number)
        before = entry.index
        yield line, entry


def commitments(lines: bytes) -> list[bytes]:
    """Return the commitments of lines that were verified before."""
    values = [canonical.decode(line) for line in lines.splitlines()]
    return [events.commit(canonical.encode(value["event"]), bytes.fromhex(value["salt"])) for value in values]


def _entry(line: bytes, number: int, head: Checkpoint) -> Opened:
    try:
        value = canonical.decode(line.removesuffix(b"\n"))
        if set(value) != _MEMBERS or not line.endswith(b"\n") or len(value["path"]) > MAX_HASHES:
            raise _bad_entries(number)
        salt, path = bytes.fromhex(value["salt"]), tuple(bytes.fromhex(node) for node in value["path"])
        again = {**value, "salt": salt.hex(), "path": [node.hex() for node in path]}
        if again != value or type(value["index"]) is not int or len(salt) != events.SALT_SIZE:
            raise _bad_entries(number)
        encoded = canonical.encode(value["event"])
        entry = Opened(value["index"], events.decode(encoded), events.commit(encoded, salt))
    except (ValueError, TypeError, AttributeError, GgzyError) as error:
        raise _bad_entries(number) from error
    merkle.verify_inclusion(merkle.leaf_hash(entry.commitment), entry.index, head.size, path, head.root)
    return entry


def _bad_entries(number: int) -> GgzyError:
    return GgzyError("package.bad_entries", Kind.INTEGRITY, line=number)
