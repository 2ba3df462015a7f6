"""The trail against the same rows inserted bare into the same PostgreSQL, appended and integrated."""

import json
import platform
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from archive import event as events
from archive import feed, recording
from archive.note import Signer
from archive.sequencer import sequence
from archive.tables import EventRow
from archive.trail import record
from kernel import database
from kernel.actor import SYSTEM
from kernel.database import Sessions
from kernel.entropy import SystemEntropy

EVENTS = 1_000  # a round: short ones in turn, so that what else the machine does strikes both alike
PER_TRANSACTION = 100
ROUNDS = 21
DATA = {"lot": "00000000-0000-4000-8000-000000000000", "root": "00" * 32, "size": 123456789, "deadline": "2026-11-21"}
RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "trail.json"
SIGNER = Signer("log.example/sandbox", bytes(32))

BARE = Table("bare", MetaData(), *(Column(c.name, c.type) for c in EventRow.__table__.columns if c.name != "number"))

BARE_INSERT = insert(BARE)


@pytest.mark.bench
async def test_events_appended_and_integrated(sessions: Sessions) -> None:
    """Events recorded one by one and integrated reach half the speed of bare inserts of the same rows, one by one."""
    async with sessions.begin() as session:
        await session.execute(
            text("CREATE TABLE bare AS SELECT at, actor, trade, kind, commitment, salt, body FROM event LIMIT 0")
        )
    rows = await prepared(sessions)
    ratios = {"one by one": [], "in bulk": []}
    for _ in range(ROUNDS):
        bare = await timed(one_by_one(sessions, rows))
        trail = await timed(recorded(sessions)) + await timed(integrated(sessions))
        ratios["one by one"].append(bare / trail)
        bare = await timed(in_bulk(sessions, BARE, rows))
        fresh = await prepared(sessions)
        trail = await timed(in_bulk(sessions, EventRow, fresh)) + await timed(integrated(sessions))
        ratios["in bulk"].append(bare / trail)
    async with sessions() as session:
        assert (await feed.checkpoint(session)).size >= 2 * ROUNDS * EVENTS
    report(ratios)
    assert median(ratios["one by one"]) >= 0.5


async def prepared(sessions: Sessions) -> list[dict[str, Any]]:
    """Return rows of events that were never recorded."""
    entropy = SystemEntropy()
    async with sessions() as session:
        at = await database.now(session)
    made = (
        events.seal(SYSTEM, "bid.received", DATA, trade=None, at=at, sandbox=False, entropy=entropy)
        for _ in range(EVENTS)
    )
    return [recording.row(opening, SYSTEM, "bid.received", None, at) for opening in made]


async def one_by_one(sessions: Sessions, rows: list[dict[str, Any]]) -> None:
    """The peer: a bare insert per row, in transactions of the same length."""
    for begin in range(0, EVENTS, PER_TRANSACTION):
        async with sessions.begin() as session:
            for row in rows[begin : begin + PER_TRANSACTION]:
                await session.execute(BARE_INSERT, row)


async def recorded(sessions: Sessions) -> None:
    """The trail: each event made, salted, committed to and recorded as commands do it."""
    entropy = SystemEntropy()
    for _ in range(0, EVENTS, PER_TRANSACTION):
        async with sessions.begin() as session:
            at = await database.now(session)
            for _ in range(PER_TRANSACTION):
                await record(session, SYSTEM, "bid.received", DATA, entropy=entropy, at=at)


async def integrated(sessions: Sessions) -> None:
    """The sequencer until nothing waits."""
    entropy = SystemEntropy()
    while True:
        async with sessions.begin() as session:
            await sequence(session, SIGNER, entropy=entropy)
        async with sessions() as session:
            if not await waiting(session):
                return


async def waiting(session: AsyncSession) -> bool:
    """Tell whether events wait for their index."""
    return bool((await session.execute(text("SELECT EXISTS (SELECT FROM event_pending)"))).scalar_one())


async def in_bulk(sessions: Sessions, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert a round's rows at once."""
    async with sessions.begin() as session:
        await session.execute(insert(table), rows)


async def timed(work: Any) -> float:
    """Return the seconds that the work took."""
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def median(values: list[float]) -> float:
    """Return the middle one."""
    return sorted(values)[len(values) // 2]


def report(ratios: dict[str, list[float]]) -> None:
    """Print the ratios and keep them."""
    lines = []
    for how, found in ratios.items():
        line = {
            "what": f"trail: {ROUNDS} x {EVENTS} events appended {how} and integrated",
            "peer": f"the same rows inserted bare, {how}, same PostgreSQL",
            "ratio": round(median(found), 3),
            "target": 0.5,
            "rounds": [round(ratio, 3) for ratio in found],
            "machine": f"{platform.machine()}, Python {platform.python_version()}, PostgreSQL without fsync for both",
        }
        print(json.dumps(line))  # noqa: T201 - a benchmark is read by people
        lines.append(json.dumps(line) + "\n")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(lines), encoding="utf-8")
