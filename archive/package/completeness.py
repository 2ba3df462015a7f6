"""Is a filed package complete against the trail? What the filing said of the trade's entries, counted anew.

`trade.archived` says how large the log was, how many entries it held of the trade, and what their root is. Whoever may
read the package has that compared with the trail as it is (docs/spec/package.md, section 7).
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import receipt as receipts
from archive.package import service
from archive.package.collection import ASIDE
from archive.package.holding import FILED, Logged
from archive.tables import EventRow, LogEntry
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the filing said, what the trail holds of a log of that size, and the index of the filing's own entry.

    `strays` are the indexes of entries that came between the package's checkpoint and its filing, apart from what
    reading leaves, and of other filings: an honest one has none.
    """

    said: Logged
    found: Logged
    filing: int
    strays: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Tell whether the package holds all of the trade's entries up to its filing."""
        return self.said == self.found and not self.strays


async def compare(session: AsyncSession, actor: Actor, trade: UUID) -> Comparison:
    """Compare a filed package with the trail for those who may read it; GgzyError ``package.not_found`` otherwise.

    Raises ``trail.not_sequenced`` until the log holds the filing.
    """
    package = await service.filed(session, actor, trade)
    told = receipts.decode(package.receipt).event.data
    said = Logged(told["log"], told["entries"], bytes.fromhex(told["root"]))
    query = (
        select(LogEntry.index, EventRow.kind, EventRow.commitment)
        .join(EventRow, EventRow.number == LogEntry.event)
        .where(EventRow.trade == trade)
        .order_by(LogEntry.index)
    )
    rows = (await session.execute(query)).all()
    filing = next((index for index, _, commitment in rows if commitment == package.commitment), None)
    if filing is None:
        raise GgzyError("trail.not_sequenced", Kind.CONFLICT)
    held = [commitment for index, _, commitment in rows if index < said.size]
    later = [(index, kind) for index, kind, _ in rows if index >= said.size and index != filing]
    strays = [index for index, kind in later if kind == FILED or (index < filing and kind not in ASIDE)]
    return Comparison(said, Logged.of(held, said.size), filing, tuple(strays))
