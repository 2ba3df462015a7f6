"""Filing a trade: its bag is built, checked and stored as a tar, then written down in the trail with its own receipt.

Building and storing take minutes where bids have gigabytes, so they are in no transaction: `gather` reads everything
from one snapshot, `pack` and `stow` work on disk and store, `complete` writes down in a transaction what is durable by
then. What a killed filing leaves is a part of a bag, which is thrown away, or a whole one, which `left` takes up again.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from archive import package_policy as policy
from archive import receipt as receipts
from archive import trail
from archive.note import Signer
from archive.package import tar
from archive.package.builder import Bag, build, reopen
from archive.package.collection import collect, outdated
from archive.package.holding import FILED
from archive.package.item import Item, Trade
from archive.store import ObjectStore
from archive.tables import PackageRow
from archive.timestamp import Authority
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit


@dataclass(frozen=True, slots=True)
class Desk:
    """What filing works with: `folder` is a scratch folder on disk with room for the package."""

    store: ObjectStore
    authority: Authority
    chain_pem: bytes
    signer: Signer
    entropy: Entropy
    folder: Path


@dataclass(frozen=True, slots=True)
class Packed:
    """A trade's finished bag, and its tar in the store: key and size in bytes. Nothing is filed yet."""

    bag: Bag
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Filed:
    """A filed package: SHA-256 of its payload manifest, key and size (bytes) of the tar, the receipt of its filing."""

    trade: UUID
    at: datetime
    digest: bytes
    key: str
    size: int
    files: int
    commitment: bytes
    receipt: bytes
    token: bytes


async def filed(session: AsyncSession, actor: Actor, trade: UUID) -> Filed:
    """Return a trade's filed package for those who may read it; GgzyError ``package.not_found`` otherwise."""
    row = await session.get(PackageRow, trade)
    if row is None:
        raise not_found("package")
    permit(policy.may_read(actor, row.site))
    return _filed(row)


async def gather(session: AsyncSession, trade: UUID, items: AsyncIterable[Item], desk: Desk) -> list[Item]:
    """Return what the packages above contribute and what the log does, read from one snapshot of the database.

    What lies in the object store is named, not read: in memory are kilobytes for each bid. Raises GgzyError
    ``trail.not_sequenced`` while an event of the trade waits for the log.
    """
    own = collect(session, trade, vkey=desk.signer.vkey, chain_pem=desk.chain_pem)
    return [*[item async for item in items], *[item async for item in own]]


async def left(session: AsyncSession, trade: UUID, desk: Desk) -> Bag | None:
    """Return the whole bag that a killed filing left; one that the trade has gone on from is thrown away, None then."""
    path = _scratch(desk, trade)
    if not await asyncio.to_thread(path.exists):
        return None
    bag = await asyncio.to_thread(reopen, path)
    if not await outdated(session, trade, bag.logged.size):
        return bag
    with contextlib.suppress(GgzyError):  # killed in the very moment between retention and commit: it stays, unnamed
        await desk.store.delete(_key(trade, bag))
    await clear(trade, desk)
    return None


async def pack(trade: Trade, items: Sequence[Item], *, required: Sequence[str], desk: Desk) -> Bag:
    """Build the bag in the scratch folder; raises GgzyError as `build` does."""
    await asyncio.to_thread(desk.folder.mkdir, parents=True, exist_ok=True)
    out = _scratch(desk, trade.id)
    return await build(_stream(items), out, trade, store=desk.store, signer=desk.signer, required=required)


async def stow(trade: UUID, bag: Bag, desk: Desk) -> Packed:
    """Put the bag's tar into the store, where it is durable when this returns; what is there already stays."""
    key, top = _key(trade, bag), str(trade)
    size = await asyncio.to_thread(tar.size, bag.path, top)
    if await desk.store.size(key) != size:
        await desk.store.put(key, tar.stream(bag.path, top), size)
    return Packed(bag, key, size)


async def complete(session: AsyncSession, actor: Actor, trade: Trade, packed: Packed, desk: Desk) -> Filed:
    """Write down that this is the trade's package, once; filing it again returns what was filed.

    The caller holds the trade's lots. Raises GgzyError ``package.not_found`` for those who may not file,
    ``package.outdated`` when something of the trade was recorded since its bag was gathered.
    """
    permit(policy.may_archive(actor, trade.site))
    await database.lock(session, f"package {trade.id}")
    row = await session.get(PackageRow, trade.id)
    if row is None:
        if await outdated(session, trade.id, packed.bag.logged.size):
            raise GgzyError("package.outdated", Kind.CONFLICT)
        row = await _write_down(session, actor, trade, packed, desk)
    return _filed(row)


async def clear(trade: UUID, desk: Desk) -> None:
    """Throw the scratch folder of a trade away."""
    await asyncio.to_thread(shutil.rmtree, _scratch(desk, trade), ignore_errors=True)


async def _write_down(session: AsyncSession, actor: Actor, trade: Trade, packed: Packed, desk: Desk) -> PackageRow:
    bag, moment = packed.bag, await database.now(session)
    if not trade.sandbox:  # a sandbox's years pass in minutes: nothing of it is held for real
        await desk.store.retain(packed.key, moment + timedelta(days=366 * trade.retention_years))
    data = {"package": bag.digest.hex(), "files": bag.files, "bytes": bag.size, "tar": packed.size, **bag.logged.told()}
    opening = await trail.record(session, actor, FILED, data, trade=trade.id, entropy=desk.entropy, at=moment)
    content = receipts.encode(opening, desk.signer.name)
    token = await desk.authority.stamp(sha256(content).digest(), at=moment)
    row = PackageRow(
        trade=trade.id,
        site=trade.site,
        at=moment,
        digest=bag.digest,
        key=packed.key,
        size=packed.size,
        files=bag.files,
        commitment=opening.commitment,
        receipt=content,
        token=token,
    )
    session.add(row)
    await session.flush()
    return row


async def _stream(items: Sequence[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


def _scratch(desk: Desk, trade: UUID) -> Path:
    return desk.folder / str(trade)


def _key(trade: UUID, bag: Bag) -> str:
    return f"packages/{trade}/{bag.digest.hex()}.tar"


def _filed(row: PackageRow) -> Filed:
    return Filed(row.trade, row.at, row.digest, row.key, row.size, row.files, row.commitment, row.receipt, row.token)
