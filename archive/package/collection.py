"""What the log contributes to a package, read from the database: entries with their proofs, checkpoint, keys."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import proof as proofs
from archive import trail
from archive.export import EVENT as EXPORTED
from archive.package.entries import CHAIN, CHECKPOINT, ENTRIES, VKEY, encode
from archive.package.item import Item
from archive.tables import EventRow, LogEntry
from kernel.errors import GgzyError, Kind

# What may be recorded of a trade while it is filed: that somebody read of it.
ASIDE = (EXPORTED,)


async def collect(session: AsyncSession, trade: UUID, *, vkey: str, chain_pem: bytes) -> AsyncIterator[Item]:
    """Yield the items that make a package independent of the server: entries, checkpoint, key, certificates.

    Raises GgzyError ``trail.not_sequenced`` while an event of the trade waits for its index.
    """
    logged = exists().where(LogEntry.event == EventRow.number)
    if await session.scalar(select(exists().where(EventRow.trade == trade, ~logged))):
        raise GgzyError("trail.not_sequenced", Kind.CONFLICT)
    opened = [entry async for entry in trail.openings(session, trade)]
    proven = [proofs.parse(text) for text in await trail.prove(session, [entry.index for entry in opened])]
    lines = encode(opened, [one.hashes for one in proven])
    head = proven[0].checkpoint if proven else ""
    yield Item(ENTRIES, "log_entries", "全部日志条目及其包含证明", lines)
    yield Item(CHECKPOINT, "log_checkpoint", "日志检查点（已签名）", head.encode())
    yield Item(VKEY, "log_key", "日志公钥", f"{vkey}\n".encode())
    yield Item(CHAIN, "tsa_chain", "时间戳机构证书链", chain_pem)


async def outdated(session: AsyncSession, trade: UUID, size: int) -> bool:
    """Tell whether the log of `size` leaves lacks something that was recorded of a trade, reading it aside."""
    within = exists().where(LogEntry.event == EventRow.number, LogEntry.index < size)
    query = select(exists().where(EventRow.trade == trade, EventRow.kind.not_in(ASIDE), ~within))
    return bool(await session.scalar(query))
