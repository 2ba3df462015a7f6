"""One small trade with real events, receipts and tokens, ready to be filed: what the tests of packages share."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from nacl.signing import SigningKey
from sqlalchemy.ext.asyncio import AsyncSession

from archive import receipt as receipts
from archive import trail
from archive.note import Signer
from archive.package import Item, Stored, Trade, service
from archive.package.builder import Bag, build
from archive.package.collection import collect
from archive.package.entries import ENTRIES
from archive.package.service import Desk, Filed
from archive.paper import render
from archive.store import ObjectStore, stream
from archive.timestamp import Authority, LocalAuthority
from bidding import bidfile, manifest, segments
from bidding.encapsulation import Preamble
from bidding.header import Header, Suite
from bidding.manifest import Envelope, Manifest
from bidding.padding import FLOOR
from bidding.stream import sealed_length
from kernel import database
from kernel.actor import SYSTEM, Actor, Grant, Role, site
from kernel.clock import isoformat
from kernel.entropy import Entropy, SeededEntropy
from trading.lot import EnvelopeKind, OpeningPolicy

TRADE = UUID("0b6f0c56-7d6c-4f2e-9a53-1f6f2a4f7c11")
SIGNER = Signer("ggzy.test/log", bytes(range(32)))
REQUIRED = ("notice", "sealed_bid", "receipt", "log_entries")
FACTS = Trade(
    id=TRADE,
    code="XM-2026-001",
    title="某道路工程",
    trade_type="construction",
    region="152502",
    site="152502",
    organization="锡林郭勒盟公共资源交易中心",
    purchaser="某局",
    closed_at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
    retention_years=30,
    sandbox=True,
)
ARCHIVIST = Actor(UUID(int=5), "档案员", frozenset({Grant(Role.ARCHIVIST, site(FACTS.site))}))
NOTICE = '#set document(title: "公告")\n#set text(font: "Noto Sans SC", lang: "zh")\n某道路工程招标公告'


async def play(
    session: AsyncSession, store: ObjectStore, authority: Authority, entropy: Entropy, *, sandbox: bool = FACTS.sandbox
) -> list[Item]:
    """Record two bids among other trades' events, sequence them, and return the items that the trade contributes."""
    session.info["sandbox"] = sandbox
    items = [
        Item("notices/notice.pdf", "notice", "招标公告", render(NOTICE, {}, created=FACTS.closed_at)),
        Item("documents/quantities.csv", "tender_documents", "工程量清单", "项,量\n土方,100\n".encode()),
    ]
    for number in (1, 2):
        now = await database.now(session)
        head, sealed, said = _sealed(number, now + timedelta(hours=1))
        data = {"bid": f"00000000-0000-4000-8000-00000000000{number}", **said}
        await trail.record(session, SYSTEM, "bid.received", {"other": number}, trade=UUID(int=9), entropy=entropy)
        opening = await trail.record(session, SYSTEM, "bid.received", data, trade=TRADE, entropy=entropy, at=now)
        content = receipts.encode(opening, SIGNER.name)
        digest = hashlib.sha256(content).digest()
        token = await authority.stamp(digest, at=now)
        await store.put(f"parts/{number}", stream(sealed))
        size, sha256 = len(head) + len(sealed), hashlib.sha256(head + sealed).hexdigest()
        source = Stored((head, f"parts/{number}", b""), size, sha256)
        items += [
            Item(f"bids/{number}/bid.sealed", "sealed_bid", f"投标文件（密封） {number}", source),
            Item(f"bids/{number}/receipt.json", "receipt", f"回执 {number}", content),
            Item(f"bids/{number}/receipt.digest", "receipt", f"回执摘要 {number}", f"{digest.hex()}\n".encode()),
            Item(f"bids/{number}/receipt.tsr", "receipt", f"回执时间戳 {number}", token),
        ]
    await trail.sequence(session, SIGNER, entropy=entropy)
    return items


def _sealed(number: int, deadline: datetime) -> tuple[bytes, bytes, dict[str, str]]:
    """Return head and body of a sealed bid that nobody can open, and what its receipt says of it."""
    device = SigningKey(bytes([number]) * 32)
    body = hashlib.shake_128(b"%d" % number).digest(sealed_length(FLOOR))
    place = {"tender": TRADE, "lot": UUID(int=7), "bidder": "91152502MA0N7E8T0X", "deadline": deadline}
    header = Header(
        suite=Suite.AES_256_GCM,
        policy=OpeningPolicy.QUORUM,
        kind=EnvelopeKind.PRICE,
        key=bytes(32),
        point=bytes(32),
        padded_length=FLOOR,
        **place,  # type: ignore[arg-type]
    )
    root = segments.body_root([(segments.part_root(body), len(body))])
    envelope = Envelope(header, Preamble(bytes(64), bytes(32)), len(body), root)
    signer = bytes(device.verify_key)
    made = Manifest(previous=None, signer=signer, envelopes=(envelope,), **place)  # type: ignore[arg-type]
    said = {"deadline": isoformat(deadline), "manifest": made.digest().hex(), "signer": signer.hex()}
    return bidfile.head(made, manifest.sign(made, device)), body, said


async def give(items: list[Item]) -> AsyncIterator[Item]:
    """Stream items."""
    for item in items:
        yield item


async def whole(session: AsyncSession, items: list[Item], authority: LocalAuthority) -> list[Item]:
    """Return the items with those that the log contributes."""
    collected = collect(session, TRADE, vkey=SIGNER.vkey, chain_pem=authority.chain_pem)
    return [*items, *[item async for item in collected]]


async def make(session: AsyncSession, store: ObjectStore, authority: LocalAuthority, out: Path) -> Bag:
    """Build the trade's bag at `out`."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"filing")), authority)
    return await build(give(items), out, FACTS, store=store, signer=SIGNER, required=REQUIRED)


async def pack(session: AsyncSession, items: list[Item], desk: Desk, trade: Trade = FACTS) -> service.Packed:
    """Do of a filing what comes before its last transaction; take up what was left."""
    bag = await service.left(session, trade.id, desk)
    if bag is None:
        gathered = await service.gather(session, trade.id, give(items), desk)
        bag = await service.pack(trade, gathered, required=REQUIRED, desk=desk)
    return await service.stow(trade.id, bag, desk)


async def file(session: AsyncSession, items: list[Item], desk: Desk, trade: Trade = FACTS) -> Filed:
    """File the trade as the archivist, all in one transaction."""
    return await service.complete(session, ARCHIVIST, trade, await pack(session, items, desk, trade), desk)


def without(items: list[Item], said: bytes, *paths: str) -> list[Item]:
    """Leave something out as an insider would: the log's lines that say this, and the files below these paths."""
    kept = []
    for item in items:
        if item.path == ENTRIES and isinstance(item.source, bytes):
            lines = [line for line in item.source.splitlines(keepends=True) if said not in line]
            kept.append(replace(item, source=b"".join(lines)))
        elif not item.path.startswith(paths):
            kept.append(item)
    return kept
