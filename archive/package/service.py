"""Filing a trade: its bag is built, checked, stored as a tar, and written down in the trail with its own receipt."""

import asyncio
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
from archive.package.builder import Bag, build
from archive.package.collection import collect
from archive.package.item import Item, Trade
from archive.store import ObjectStore
from archive.tables import PackageRow
from archive.timestamp import Authority
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import not_found, permit


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


async def archive_trade(
    session: AsyncSession,
    actor: Actor,
    trade: Trade,
    items: AsyncIterable[Item],
    *,
    required: Sequence[str],
    desk: Desk,
) -> Filed:
    """File a trade once; filing it again returns what was filed.

    `items` are what the packages above contribute; the log's entries, checkpoint and keys are added here. A crash
    leaves at most an object without a row, which is harmless, and a scratch folder, which the next attempt clears.
    Raises GgzyError ``package.not_found`` for those who may not, ``trail.not_sequenced``, and those of `build`.
    """
    permit(policy.may_archive(actor, trade.site))
    await database.lock(session, f"package {trade.id}")
    row = await session.get(PackageRow, trade.id)
    if row is None:
        bag = await _build(session, trade, items, required, desk)
        row = await _file(session, actor, trade, bag, desk)
        await asyncio.to_thread(shutil.rmtree, bag.path)
    return _filed(row)


async def filed(session: AsyncSession, actor: Actor, trade: UUID) -> Filed:
    """Return a trade's filed package for those who may read it; GgzyError ``package.not_found`` otherwise."""
    row = await session.get(PackageRow, trade)
    if row is None:
        raise not_found("package")
    permit(policy.may_read(actor, row.site))
    return _filed(row)


async def _build(
    session: AsyncSession, trade: Trade, items: AsyncIterable[Item], required: Sequence[str], desk: Desk
) -> Bag:
    out = desk.folder / str(trade.id)
    await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)
    await asyncio.to_thread(desk.folder.mkdir, parents=True, exist_ok=True)
    own = collect(session, trade.id, vkey=desk.signer.vkey, chain_pem=desk.chain_pem)
    return await build(_chain(items, own), out, trade, store=desk.store, signer=desk.signer, required=required)


async def _file(session: AsyncSession, actor: Actor, trade: Trade, bag: Bag, desk: Desk) -> PackageRow:
    key, top = f"packages/{trade.id}/{bag.digest.hex()}.tar", str(trade.id)
    size = await asyncio.to_thread(tar.size, bag.path, top)
    await desk.store.put(key, tar.stream(bag.path, top), size)
    moment = await database.now(session)
    if not trade.sandbox:  # a sandbox's years pass in minutes: nothing of it is held for real
        await desk.store.retain(key, moment + timedelta(days=366 * trade.retention_years))
    data = {"package": bag.digest.hex(), "files": bag.files, "size": bag.size, "tar": size}
    opening = await trail.record(
        session, actor, "trade.archived", data, trade=trade.id, entropy=desk.entropy, at=moment
    )
    content = receipts.encode(opening, desk.signer.name)
    token = await desk.authority.stamp(sha256(content).digest(), at=moment)
    row = PackageRow(
        trade=trade.id,
        site=trade.site,
        at=moment,
        digest=bag.digest,
        key=key,
        size=size,
        files=bag.files,
        commitment=opening.commitment,
        receipt=content,
        token=token,
    )
    session.add(row)
    await session.flush()
    return row


async def _chain(*streams: AsyncIterable[Item]) -> AsyncIterator[Item]:
    for items in streams:
        async for item in items:
            yield item


def _filed(row: PackageRow) -> Filed:
    return Filed(row.trade, row.at, row.digest, row.key, row.size, row.files, row.commitment, row.receipt, row.token)
