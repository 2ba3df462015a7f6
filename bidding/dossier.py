"""What bidding contributes to the file of one trade: keys, bids with their receipts, openings, opened files.

A bid that was replaced or withdrawn is represented by its manifest and receipts alone: its content was never anybody's
business, and the file of a trade must not keep it to be opened later.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.package.item import Item, Stored
from bidding import bidfile, ceremony, openings, papers, uploads
from bidding import manifest as manifests
from bidding.room_tables import PaperRow
from bidding.tables import BidRow, EntryRow, OpenedFileRow, OpeningRow, ShareRow, StatementRow
from kernel.errors import GgzyError, Kind
from trading import files, lots
from trading.lot import LotFacts

_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}\Z")


async def items(session: AsyncSession, tender_id: UUID) -> AsyncIterator[Item]:
    """Stream the items in a stable order.

    Roles: ``key_transcript``, ``sealed_bid``, ``bid_manifest``, ``receipt``, ``statement``, ``opened_bid``,
    ``opening_record``, ``opening_request``, ``opening_share``. Raises ``dossier.not_extracted`` while files of opened
    bids are still being taken out or a record is not on paper yet.
    """
    found = (await lots.of_tenders(session, [tender_id]))[tender_id]
    unprinted = await papers.missing(session)
    waiting = {lot_id for lot_id, _ in (*unprinted, *await openings.unextracted(session))}
    if waiting & {lot.id for lot in found}:
        raise GgzyError("dossier.not_extracted", Kind.CONFLICT)
    async for item in _keys(session, found):
        yield item
    for lot in found:
        async for item in _lot(session, lot):
            yield item


async def _keys(session: AsyncSession, found: list[LotFacts]) -> AsyncIterator[Item]:
    """Yield each transcript once, however many lots took a key of it."""
    hashes = {(await ceremony.of_lot(session, lot.id)).transcript for lot in found if lot.opening_key_hash}
    for number, hashed in enumerate(sorted(hashes), 1):
        content = await ceremony.transcript(session, hashed)
        yield Item(f"bidding/keys/{number:02d}-transcript.json", "key_transcript", "开标密钥生成记录", content)


async def _lot(session: AsyncSession, lot: LotFacts) -> AsyncIterator[Item]:
    place = f"bidding/lot-{lot.number:02d}"
    entries = select(EntryRow.bid_id).join(OpeningRow, OpeningRow.id == EntryRow.opening_id)
    listed = set((await session.scalars(entries.where(OpeningRow.lot_id == lot.id))).all())
    bids = select(BidRow).where(BidRow.lot_id == lot.id).order_by(BidRow.received_at, BidRow.id)
    for number, bid in enumerate(await session.scalars(bids), 1):
        async for item in _bid(session, bid, f"{place}/bids/{number:04d}", opened=bid.id in listed):
            yield item
    async for item in _openings(session, lot, f"{place}/openings"):
        yield item


async def _bid(session: AsyncSession, bid: BidRow, place: str, *, opened: bool) -> AsyncIterator[Item]:
    title = f"投标 {bid.party}"
    for item in _receipt(place, title, bid.receipt, bid.token):
        yield item
    statements = select(StatementRow).where(StatementRow.bid_id == bid.id).order_by(StatementRow.made_at)
    for number, said in enumerate(await session.scalars(statements), 1):
        folder = f"{place}/{said.kind}-{number:02d}"
        yield Item(f"{folder}/statement.json", "statement", f"{title} {said.kind}", said.content)
        for item in _receipt(folder, f"{title} {said.kind}", said.receipt, said.token):
            yield item
    if not opened:
        yield Item(f"{place}/manifest.json", "bid_manifest", title, bid.manifest)
        return
    yield Item(f"{place}/bid.sealed", "sealed_bid", title, await _sealed(session, bid))
    taken = select(OpenedFileRow).where(OpenedFileRow.bid_id == bid.id)
    for file in await session.scalars(taken.order_by(OpenedFileRow.kind, OpenedFileRow.position)):
        path = f"{place}/opened/{file.kind}-{file.position:04d}{_suffix(file.name)}"
        source = Stored((files.key(file.sha256),), file.size, file.sha256.hex())
        yield Item(path, "opened_bid", _printable(file.name), source)


async def _sealed(session: AsyncSession, bid: BidRow) -> Stored:
    """Put the file form of the sealed bid together from its head and the parts of its bodies."""
    manifest = manifests.parse(bid.manifest)
    head = bidfile.head(manifest, bid.signature)
    bodies = [await uploads.keys(session, bid.upload_id, one.kind.value) for one in manifest.envelopes]
    size = len(head) + sum(one.length for one in manifest.envelopes)
    return Stored((head, *(key for keys in bodies for key in keys)), size)


async def _openings(session: AsyncSession, lot: LotFacts, place: str) -> AsyncIterator[Item]:
    rows = select(OpeningRow).where(OpeningRow.lot_id == lot.id).order_by(OpeningRow.stage)
    for row in (await session.scalars(rows)).all():
        folder, title = f"{place}/stage-{row.stage}", f"第{lot.number}标段第{row.stage}阶段开标"
        named = {
            "record.json": ("opening_record", row.record),
            "record.tsr": ("opening_record", row.token),
            "request.json": ("opening_request", row.request),
            "request.tsr": ("opening_request", row.request_token),
        }
        for name, (role, content) in named.items():
            if content is not None:
                yield Item(f"{folder}/{name}", role, title, content)
        paper = await session.get(PaperRow, row.id)
        if paper is not None:
            yield Item(f"{folder}/record.pdf", "opening_record", f"{title}记录（签章）", paper.content)
        shares = select(ShareRow).where(ShareRow.opening_id == row.id).order_by(ShareRow.custodian)
        for share in await session.scalars(shares):
            yield Item(f"{folder}/share-{share.custodian}.json", "opening_share", title, share.answer)


def _receipt(place: str, title: str, content: bytes, token: bytes) -> list[Item]:
    digest = hashlib.sha256(content).hexdigest()
    return [
        Item(f"{place}/receipt.json", "receipt", f"{title} 回执", content),
        Item(f"{place}/receipt.tsr", "receipt", f"{title} 回执时间戳", token),
        Item(f"{place}/receipt.digest", "receipt", f"{title} 回执摘要", f"{digest}\n".encode()),
    ]


def _suffix(name: str) -> str:
    found = PurePosixPath(name.lower()).suffix
    return found if _SUFFIX.fullmatch(found) else ".bin"


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else " " for character in name)[:200]
