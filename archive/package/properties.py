"""The four properties of DA/T 70-2018 at filing: 真实性 authentic, 完整性 complete, 可用性 usable, 安全性 safe.

Each check either passes, warns (a person must look) or fails (nothing is filed). The report is data and paper.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archive import paper
from archive.note import Key
from archive.package import evidence, formats
from archive.package.entries import ENTRIES
from archive.package.evidence import Evidence
from archive.package.index import METADATA, Index, read_metadata
from archive.package.item import Trade
from archive.recipe import Pins
from kernel import canonical
from kernel.clock import isoformat
from kernel.errors import GgzyError

FORMAT = "ggzy/four-properties/v1"
TEMPLATE = Path(__file__).with_name("report.typ")
MAX_LISTED = 20

Outcome = Literal["passed", "warned", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: property, name, how it ended, how much it looked at, the first path concerned."""

    property: str
    name: str
    outcome: Outcome
    count: int
    path: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the standard."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[Finding]:
        """Return the findings that forbid filing."""
        return [finding for finding in self.findings if finding.outcome == "failed"]

    def encode(self, trade: Trade) -> bytes:
        """Return the report as canonical JSON."""
        return canonical.encode(self._data(trade))

    def print(self, trade: Trade) -> bytes:
        """Return the report as PDF/A, dated by the moment that the package is made for."""
        return paper.render(TEMPLATE, self._data(trade), created=trade.closed_at)

    def _data(self, trade: Trade) -> dict[str, object]:
        findings = [
            {
                "property": f.property,
                "name": f.name,
                "outcome": f.outcome,
                "count": f.count,
                "path": f.path,
                "reason": f.reason,
            }
            for f in self.findings
        ]
        return {
            "format": FORMAT,
            "trade": str(trade.id),
            "code": trade.code,
            "title": trade.title,
            "at": isoformat(trade.closed_at),
            "sandbox": trade.sandbox,
            "findings": findings,
        }


def examine(data: Path, index: Index, key: Key) -> Report:
    """Check the payload folder of a package that is being made, before it is closed."""
    return Report(tuple(_findings(data, index, key)))


def _findings(data: Path, index: Index, key: Key) -> Iterator[Finding]:
    proven: list[Evidence] = []
    found = _refusal(lambda: proven.append(evidence.read(data, index, Pins(vkey=key.vkey))))
    entries = len(proven[0].opened) if proven else 0
    yield _finding("authenticity", "entries", entries, [(ENTRIES, found)] if found else [], "failed")
    if proven:
        found = _refusal(lambda: evidence.check_receipts(data, index, proven[0]))
        yield _finding(
            "authenticity", "receipts", len(index.having("receipt")), [("", found)] if found else [], "failed"
        )
        yield _finding("completeness", "bids", entries, _without_receipt(data, index, proven[0]), "warned")
    found = _refusal(lambda: read_metadata((data / METADATA).read_bytes()))
    yield _finding("completeness", "metadata", 1, [(METADATA, found)] if found else [], "failed")
    empty = [(file.path, "empty") for file in index.files if file.size == 0]
    yield _finding("completeness", "contents", len(index.files), empty, "failed")
    fits = [(file.path, why) for file in index.files if (why := formats.misfit(data / file.path))]
    encrypted = [(path, why) for path, why in fits if why == "encrypted"]
    yield _finding("usability", "formats", len(index.files), [f for f in fits if f not in encrypted], "warned")
    yield _finding("usability", "encryption", len(index.files), encrypted, "failed")
    dangers = [(file.path, why) for file in index.files if (why := formats.danger(data / file.path))]
    active = [(path, why) for path, why in dangers if why == "active"]
    yield _finding("safety", "malware", len(index.files), [d for d in dangers if d not in active], "failed")
    yield _finding("safety", "active", len(index.files), active, "warned")
    listed = {file.path for file in index.files}
    there = sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file())
    yield _finding("safety", "strays", len(there), [(path, "stray") for path in there if path not in listed], "failed")


def _without_receipt(data: Path, index: Index, proven: Evidence) -> list[tuple[str, str]]:
    """Return the bids that the log knows and whose receipt is not in the package."""
    paths = [data / file.path for file in index.having("receipt") if file.path.endswith(".json")]
    held = b"".join(path.read_bytes() for path in paths)
    received = [entry.event for entry in proven.opened if entry.event.kind == "bid.received"]
    return [(str(event.data.get("bid")), "no receipt") for event in received if str(event.id).encode() not in held]


def _finding(
    about: str, name: str, count: int, problems: list[tuple[str, str]], worst: Literal["warned", "failed"]
) -> Finding:
    if not problems:
        return Finding(about, name, "passed", count)
    path, reason = problems[0]
    return Finding(about, name, worst, count, path, reason if len(problems) == 1 else f"{reason} ×{len(problems)}")


def _refusal(check: Callable[[], object]) -> str | None:
    try:
        check()
    except GgzyError as error:
        return error.code
    return None
