"""What the log publishes: tiles that never change, a feed by index, a trade's openings, and who may read them."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import feed, policy, proof, recording, tiles, trail
from archive.note import Signer
from archive.sequencer import BATCH, sequence
from archive.tables import EventRow
from archive.tiles import Tile
from archive.trail import Filter, Reading
from kernel import database
from kernel.actor import ANONYMOUS, EVERYWHERE, SYSTEM, Actor, Grant, Role, site
from kernel.database import Sessions
from kernel.entropy import SeededEntropy, SystemEntropy
from kernel.errors import GgzyError
from tests.soak import results

SIGNER = Signer("log.example/sandbox", bytes(32))
TRADE = UUID(int=5)


def holding(role: Role) -> Actor:
    """Return a person holding one role everywhere."""
    return Actor(UUID(int=9), "某人", frozenset({Grant(role, EVERYWHERE)}))


async def grown(session: AsyncSession, entropy: SeededEntropy, count: int, trade: UUID | None = None) -> int:
    """Record so many events in one batch and return the size of the log."""
    await insert_many(session, entropy, count, trade)
    await sequence(session, SIGNER, entropy=entropy)
    return (await feed.checkpoint(session)).size


async def insert_many(
    session: AsyncSession, entropy: SeededEntropy | SystemEntropy, count: int, trade: UUID | None
) -> None:
    """Insert events in bulk, as `record` would one by one."""
    at = await database.now(session)
    rows = []
    for _ in range(count):
        made = events.seal(SYSTEM, "bid.received", {}, trade=trade, at=at, sandbox=False, entropy=entropy)
        rows.append(recording.row(made, SYSTEM, "bid.received", trade, at))
    await session.execute(insert(EventRow), rows)


async def test_a_tile_is_a_prefix_of_what_it_grows_into(session: AsyncSession, entropy: SeededEntropy) -> None:
    """Every partial tile and bundle that was once served is served again, the same, when the log has grown."""
    size = await grown(session, entropy, 40)
    before = {tile: await feed.tile_bytes(session, tile) for tile in tiles.tiles_of(size)}
    await grown(session, entropy, 500)
    for tile, data in before.items():
        assert await feed.tile_bytes(session, tile) == data
        assert (await feed.tile_bytes(session, Tile(tile.level, tile.index))).startswith(data)


async def test_what_is_not_published_is_not_found(session: AsyncSession, entropy: SeededEntropy) -> None:
    """A log that has not begun has no checkpoint; tiles beyond the size, waiting and unknown commitments have none."""
    with pytest.raises(GgzyError, match=r"checkpoint\.not_found"):
        await feed.checkpoint(session)
    size = await grown(session, entropy, 3)
    for tile in (Tile(0, 0, size + 1), Tile(tiles.ENTRIES, 0), Tile(0, 1, 1), Tile(1, 0, 1), Tile(7, 0, 1)):
        with pytest.raises(GgzyError, match=r"tile\.not_found"):
            await feed.tile_bytes(session, tile)
    waiting = await trail.record(session, SYSTEM, "bid.received", {}, entropy=entropy)
    with pytest.raises(GgzyError, match=r"trail\.not_sequenced"):
        await trail.proof(session, waiting.commitment)
    with pytest.raises(GgzyError, match=r"commitment\.not_found"):
        await trail.proof(session, bytes(32))
    for index in (-1, size, 2**63):
        with pytest.raises(GgzyError, match=r"entry\.not_found"):
            await trail.prove(session, [index])
        with pytest.raises(GgzyError, match=r"entry\.not_found"):
            await trail.entry(session, index)


async def test_a_trades_openings_come_in_index_order_with_proofs(
    session: AsyncSession, entropy: SeededEntropy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All entries of the trade and no others, page after page; one call proves them all under one checkpoint."""
    monkeypatch.setattr(trail, "CHUNK", 7)
    for _ in range(3):
        await grown(session, entropy, 10, TRADE)
        await grown(session, entropy, 5, UUID(int=6))
    found = [entry async for entry in trail.openings(session, TRADE)]
    assert len(found) == 30
    assert [entry.index for entry in found] == sorted({entry.index for entry in found})
    assert all(events.verify(entry.opening).trade == TRADE for entry in found)
    proofs = await trail.prove(session, [entry.index for entry in found])
    checked = [proof.verify_proof(p, e.opening.commitment, SIGNER.key) for p, e in zip(proofs, found, strict=True)]
    assert [index for index, _ in checked] == [entry.index for entry in found]
    assert {head for _, head in checked} == {await feed.checkpoint(session)}


async def test_the_feed_is_paged_by_index(session: AsyncSession, entropy: SeededEntropy) -> None:
    """Pages follow each other without gap; impossible pages are refused."""
    size = await grown(session, entropy, 25)
    seen: list[int] = []
    while page := await feed.feed(session, len(seen) - 1, 7):
        seen += [entry.index for entry in page]
    assert seen == list(range(size))
    for after, limit in ((-2, 1), (0, 0), (0, 1001), (2**63, 1)):
        with pytest.raises(GgzyError, match=r"trail\.wrong_page"):
            await feed.feed(session, after, limit)


async def test_search_is_for_supervisors_and_the_audit_administrator(
    session: AsyncSession, entropy: SeededEntropy
) -> None:
    """They find what they filter for; to all others the trail does not exist."""
    await grown(session, entropy, 4, TRADE)
    for role in Role:
        if role in (Role.SUPERVISOR, Role.AUDIT_ADMIN):
            assert len(await trail.search(session, holding(role), Filter(trade=TRADE), Reading())) == 4
        else:
            with pytest.raises(GgzyError, match=r"trail\.not_found"):
                await trail.search(session, holding(role), Filter(trade=TRADE), Reading())


def test_the_public_opens_an_event_when_its_stage_is_reached() -> None:
    """A bid's events are closed before the opening, a committee's before the result, unnamed kinds always."""
    for kind, disclosed, allowed in (
        ("notice.published", {"announced"}, True),
        ("tender.announced", {"announced"}, True),
        ("tender.registered", {"announced", "awarded"}, False),
        ("opening_key.made", set(), True),
        ("bid.received", {"announced"}, False),
        ("bid.received", {"announced", "opened"}, True),
        ("committee.formed", {"announced", "opened", "publicized"}, False),
        ("draw.drawn", {"awarded"}, True),
        ("documents.issued", {"announced", "opened", "awarded", "contracted"}, False),
        ("request.refused", {"contracted"}, False),
    ):
        assert (policy.may_open(ANONYMOUS, kind, site=None, disclosed=disclosed, sealed=False) is None) is allowed, kind
        assert policy.may_open(holding(Role.SUPERVISOR), kind, site=None, disclosed=(), sealed=False) is None


async def test_nobody_learns_who_bids_while_bids_are_taken(session: AsyncSession, entropy: SeededEntropy) -> None:
    """Bids, issues of documents and refusals at bids are closed to supervisors too; heartbeats hide their number."""
    for kind, trade in (
        ("bid.received", TRADE),
        ("documents.issued", TRADE),
        ("draw.prepared", TRADE),
        ("bid.request_refused", None),
        ("notice.published", TRADE),
    ):
        await trail.record(session, SYSTEM, kind, {}, trade=trade, entropy=entropy)
        sealed = kind != "notice.published"
        refusal = policy.may_open(holding(Role.SUPERVISOR), kind, site=None, disclosed=(), sealed=True)
        assert (refusal is not None) is sealed
    auditor = holding(Role.AUDIT_ADMIN)
    assert policy.may_open(auditor, "log.heartbeat", site=None, disclosed=(), sealed=False) is not None
    await sequence(session, SIGNER, entropy=entropy)

    async def kinds(sealed: Collection[UUID]) -> list[str]:
        found = await trail.search(session, holding(Role.SUPERVISOR), Filter(), Reading(sealed=sealed))
        return [events.decode(entry.opening.event).kind for entry in found]

    assert await kinds({TRADE}) == ["notice.published"]
    assert await kinds(()) == ["bid.received", "documents.issued", "draw.prepared", "notice.published"]


async def test_nobody_learns_who_judges_before_the_result(session: AsyncSession, entropy: SeededEntropy) -> None:
    """What members do with their own hands is closed to supervisors and the audit administrator until the result."""
    for kind, trade in (
        ("committee.declared", TRADE),
        ("evaluation.signed", TRADE),
        ("committee.request_refused", None),
        ("draw.answered", TRADE),
    ):
        await trail.record(session, SYSTEM, kind, {}, trade=trade, entropy=entropy)
        auditor = holding(Role.AUDIT_ADMIN)
        refusal = policy.may_open(auditor, kind, site=None, disclosed=(), sealed=False, unnamed=True)
        assert (refusal is not None) is (kind != "draw.answered")
    await sequence(session, SIGNER, entropy=entropy)

    async def kinds(unnamed: Collection[UUID]) -> list[str]:
        found = await trail.search(session, holding(Role.SUPERVISOR), Filter(), Reading(unnamed=unnamed))
        return [events.decode(entry.opening.event).kind for entry in found]

    assert await kinds({TRADE}) == ["draw.answered"]
    assert await kinds(()) == ["committee.declared", "evaluation.signed", "draw.answered"]


async def test_a_supervisor_of_a_site_reads_of_its_trades_alone(session: AsyncSession, entropy: SeededEntropy) -> None:
    """Another site's trades, and what belongs to no trade, do not exist for them; key makings are everybody's."""
    other = UUID(int=12)
    for kind, trade in (
        ("notice.published", TRADE),
        ("notice.published", other),
        ("user.signed_in", None),
        ("opening_key.made", None),
    ):
        await trail.record(session, SYSTEM, kind, {}, trade=trade, entropy=entropy)
    await sequence(session, SIGNER, entropy=entropy)
    local = Actor(UUID(int=1), "", frozenset({Grant(Role.SUPERVISOR, site("152527"))}))
    assert (policy.sites(local), policy.sites(holding(Role.SUPERVISOR))) == (frozenset({"152527"}), None)
    assert policy.sites(holding(Role.WITNESS)) == frozenset()
    found = await trail.search(session, local, Filter(), Reading(within={TRADE}))
    told = [events.decode(entry.opening.event) for entry in found]
    assert {(event.kind, event.trade) for event in told} == {("notice.published", TRADE), ("opening_key.made", None)}
    for place, allowed in (("152527", True), ("152502", False), (None, False)):
        refusal = policy.may_open(local, "lot.moved", site=place, disclosed=(), sealed=False)
        assert (refusal is None) is allowed


async def test_the_newest_come_first_when_asked(session: AsyncSession, entropy: SeededEntropy) -> None:
    """Backwards from the end, page by page by index alone; a noun finds all its kinds, a range its indexes."""
    size = await grown(session, entropy, 9, TRADE)
    await trail.record(session, SYSTEM, "lot.moved", {}, trade=TRADE, entropy=entropy)
    await sequence(session, SIGNER, entropy=entropy)
    actor, seen = holding(Role.SUPERVISOR), []
    before = None
    while page := await trail.search(session, actor, Filter(before=before), Reading(), limit=4, newest=True):
        seen += [entry.index for entry in page]
        before = seen[-1]
    assert len(seen) == 10
    assert seen == sorted(seen, reverse=True)
    assert len(await trail.search(session, actor, Filter(kind="lot"), Reading())) == 1
    ranged = await trail.search(session, actor, Filter(first=0, before=size), Reading())
    assert len(ranged) == 9


@pytest.mark.soak
async def test_a_log_of_more_than_one_batch_and_three_levels(sessions: Sessions, tmp_path: Path) -> None:
    """Beyond 65,536 entries a second batch takes the rest, and the tiles of three levels derive again."""
    entropy = SystemEntropy()
    async with sessions.begin() as session:
        await insert_many(session, entropy, BATCH + 700, None)
    for _ in range(2):
        async with sessions.begin() as session:
            assert await sequence(session, SIGNER, entropy=entropy) is not None
    async with sessions() as session:
        head = await feed.export_log(session, tmp_path / "log", SIGNER.vkey)
        text = (await trail.prove(session, [BATCH // 2]))[0]
    assert head.size >= BATCH + 700
    assert proof.verify_log(tmp_path / "log", SIGNER.vkey) == head
    leaves = list(proof.read_commitments(tmp_path / "log", head.size))
    assert proof.verify_proof(text, leaves[BATCH // 2], SIGNER.key) == (BATCH // 2, head)
    counts = {"events": BATCH + 700, "entries with heartbeats": head.size, "tiles that do not derive again": 0}
    results.report("large-log", "A log of more than one batch and three levels of tiles", counts)
