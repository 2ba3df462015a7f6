"""What a package holds of the log: receipts and trail bundles at hand are held against it (docs/spec/verify.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from archive import merkle
from archive.package.entries import Opened
from archive.receipt import Receipt
from archive.recipe import Step
from kernel.errors import GgzyError, Kind

FILED = "trade.archived"


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log holds of a trade as large as it was: its size, the number of the trade's entries, and their root.

    The root is that of RFC 6962 over the 32-byte commitments in the order of the log.
    """

    size: int
    entries: int
    root: bytes

    @classmethod
    def of(cls, commitments: Iterable[bytes], size: int) -> "Logged":
        """Count and hash the commitments of a trade's entries, given in the order of the log."""
        leaves = [merkle.leaf_hash(commitment) for commitment in commitments]
        return cls(size, len(leaves), merkle.root(leaves))

    def told(self) -> dict[str, Any]:
        """Return the members by which `trade.archived` says so."""
        return {"log": self.size, "entries": self.entries, "root": self.root.hex()}


@dataclass(frozen=True, slots=True)
class Holding:
    """A package that held: its trade, SHA-256 of its payload manifest, what it has of the log, index by commitment."""

    trade: UUID
    digest: bytes
    logged: Logged
    indexes: Mapping[bytes, int]

    @classmethod
    def of(cls, trade: UUID, digest: bytes, opened: Iterable[Opened], size: int) -> "Holding":
        """Make it of a package's verified entries, in the order of the log of `size` leaves."""
        indexes = {entry.commitment: entry.index for entry in opened}
        return cls(trade, digest, Logged.of(indexes, size), indexes)

    def told(self) -> dict[str, Any]:
        """Return the members by which `trade.archived` fixes this package."""
        return {"package": self.digest.hex(), **self.logged.told()}

    def check_receipt(self, receipt: Receipt) -> Step:
        """8. The receipt of an entry of this trade is for one that the package holds (docs/spec/receipt.md, section 4).

        Raises GgzyError ``receipt.not_filed``, and ``package.not_as_filed`` for the receipt of another filing.
        """
        if receipt.event.kind == FILED:
            self.check_filing(receipt.event.data)
            return Step(8, "filed", str(self.logged.entries))
        if receipt.commitment not in self.indexes:
            raise GgzyError("receipt.not_filed", Kind.INTEGRITY)
        return Step(8, "filed", str(self.indexes[receipt.commitment]))

    def check_entry(self, entry: Opened) -> None:
        """8. An entry of this trade that the log held at the filing is in the package (docs/spec/trail-bundle.md).

        Raises GgzyError ``bundle.not_filed`` with the index, ``package.not_as_filed``.
        """
        if entry.event.kind == FILED:
            self.check_filing(entry.event.data)
        elif entry.index < self.logged.size and self.indexes.get(entry.commitment) != entry.index:
            raise GgzyError("bundle.not_filed", Kind.INTEGRITY, index=entry.index)

    def check_filing(self, said: Mapping[str, Any]) -> None:
        """Check what `trade.archived` says of the package; GgzyError ``package.not_as_filed``."""
        if {name: said.get(name) for name in self.told()} != self.told():
            raise GgzyError("package.not_as_filed", Kind.INTEGRITY)
