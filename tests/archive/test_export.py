"""Exports of the trail: recorded before they are given, bounded by the log's size, read page by page."""

from uuid import UUID

import pytest
from sqlalchemy import event as sql_events
from sqlalchemy import insert

from archive import event as events
from archive import export, feed, merkle, recording, trail
from archive import note as notes
from archive.policy import Reading
from archive.sequencer import sequence
from archive.tables import EventRow
from archive.trail import Filter
from kernel import database
from kernel.actor import EVERYWHERE, SYSTEM, Actor, Grant, Role
from kernel.database import Sessions
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError

SIGNER = notes.Signer("log.example/sandbox", bytes(32))
TRADE = UUID(int=5)
READER = Actor(UUID(int=9), "某人", frozenset({Grant(Role.SUPERVISOR, EVERYWHERE)}))
OTHER = Actor(UUID(int=8), "别人", READER.grants)
COUNT = 2 * export.CHUNK + 100


@pytest.fixture
async def log(sessions: Sessions) -> int:
    """A log of some thousand entries of which every second is of the trade; its size."""
    entropy = SystemEntropy()
    async with sessions.begin() as session:
        at = await database.now(session)
        rows = []
        for number in range(2 * COUNT):
            trade = TRADE if number % 2 else None
            made = events.seal(SYSTEM, "lot.moved", {}, trade=trade, at=at, sandbox=False, entropy=entropy)
            rows.append(recording.row(made, SYSTEM, "lot.moved", trade, at))
        await session.execute(insert(EventRow), rows)
    async with sessions.begin() as session:
        await sequence(session, SIGNER, entropy=entropy)
    async with sessions() as session:
        return (await feed.checkpoint(session)).size


async def test_an_export_is_found_by_its_owner_alone(sessions: Sessions, log: int) -> None:
    """Its event says by whom, of what and how much; only who began it finds it, and only while they may read."""
    async with sessions.begin() as session:
        wanted = Filter(trade=TRADE, kind="lot", before=7)
        made = await export.begin(session, READER, wanted, "csv", site="152502", entropy=SystemEntropy())
        assert made.asked == {"trade": str(TRADE), "kind": "lot", "before": 7, "site": "152502"}
        assert (made.size, made.by, made.filter()) == (log, READER.user_id, wanted)
        assert await export.find(session, READER, made.commitment) == made
        for actor in (OTHER, Actor(READER.user_id, "", frozenset())):
            with pytest.raises(GgzyError, match=r"export\.not_found"):
                await export.find(session, actor, made.commitment)
        with pytest.raises(GgzyError, match=r"trail\.not_found"):
            await export.begin(session, SYSTEM, Filter(), "csv", entropy=SystemEntropy())


async def test_an_export_ends_where_the_log_ended(sessions: Sessions, log: int) -> None:
    """What is logged while somebody downloads is not in the file: it holds what its event says."""
    async with sessions.begin() as session:
        made = await export.begin(session, READER, Filter(), "csv", entropy=SystemEntropy())
        await trail.record(session, SYSTEM, "lot.moved", {}, trade=TRADE, entropy=SystemEntropy())
    async with sessions.begin() as session:
        await sequence(session, SIGNER, entropy=SystemEntropy())
    found = [
        entry.index async for _, page in export.pages(sessions, READER, made.filter(), Reading()) for entry in page
    ]
    assert found == sorted(set(found))
    assert max(found) < made.size == log
    assert len(found) == 2 * COUNT


async def test_proofs_cost_queries_by_the_page_and_not_by_the_row(sessions: Sessions, log: int) -> None:
    """Each page of rows takes one query, its proofs one for each level of tiles; every path leads to the root."""
    asked: list[str] = []
    engine = sessions.kw["bind"].sync_engine

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sql_events.listen(engine, "before_cursor_execute", count)
    try:
        pages = 0
        async for session, page in export.pages(sessions, READER, Filter(trade=TRADE), Reading()):
            proven = await export.proven(session, page, log)
            pages += 1
            assert [entry.index for entry, _ in proven] == [entry.index for entry in page]
    finally:
        sql_events.remove(engine, "before_cursor_execute", count)
    assert pages == 3
    assert len([one for one in asked if one.startswith("SELECT")]) <= 4 * pages
    async with sessions() as session:
        head = await feed.checkpoint(session)
    for entry, path in proven:
        merkle.verify_inclusion(merkle.leaf_hash(entry.opening.commitment), entry.index, head.size, path, head.root)
