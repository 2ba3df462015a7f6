"""The trail against the same rows inserted bare into the same PostgreSQL: appended and integrated."""

import json
import os
import platform
from collections import Counter
from collections.abc import Awaitable
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
ROUNDS = 11
DATA = {"lot": "00000000-0000-4000-8000-000000000000", "root": "00" * 32, "size": 123456789, "deadline": "2026-11-21"}
RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "trail.json"
SIGNER = Signer("log.example/sandbox", bytes(32))

BARE = Table("bare", MetaData(), *(Column(c.name, c.type) for c in EventRow.__table__.columns if c.name != "number"))

BARE_INSERT = insert(BARE)
EVENT = EventRow.metadata.tables["event"]


@pytest.mark.bench
async def test_events_appended_and_integrated(sessions: Sessions) -> None:
    """Events recorded and integrated reach half the speed of bare inserts of the same rows.

    What is compared is the processor time of this process and of PostgreSQL, as the wall clock of a machine that does
    other things too says more of them than of us.
    """
    async with sessions.begin() as session:
        await session.execute(
            text("CREATE TABLE bare AS SELECT at, actor, trade, kind, commitment, salt, body FROM event LIMIT 0")
        )
        server = parent((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
    rows = await prepared(sessions)
    spent = {"bare": Counter(), "trail": Counter()}
    for _ in range(ROUNDS):
        spent["bare"]["one by one"] += await measured(server, one_by_one(sessions, rows))
        spent["trail"]["one by one"] += await measured(server, recorded(sessions))
        spent["trail"]["one by one"] += await measured(server, integrated(sessions))
        spent["bare"]["in bulk"] += await measured(server, in_bulk(sessions, BARE, rows))
        fresh = await prepared(sessions)
        spent["trail"]["in bulk"] += await measured(server, in_bulk(sessions, EVENT, fresh))
        spent["trail"]["in bulk"] += await measured(server, integrated(sessions))
    async with sessions() as session:
        assert (await feed.checkpoint(session)).size >= 2 * ROUNDS * EVENTS
    assert report(spent["bare"], spent["trail"])["one by one"] >= 0.5


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


async def in_bulk(sessions: Sessions, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert a round's rows at once, which no command does: the harder comparison, stated without a target."""
    async with sessions.begin() as session:
        await session.execute(insert(table), rows)


async def measured(server: int, work: Awaitable[None]) -> int:
    """Return the processor time, in clock ticks, that the work took here and in PostgreSQL."""
    begin = ticks(server)
    await work
    return ticks(server) - begin


def ticks(server: int) -> int:
    """Return the clock ticks spent by this process and by the children of the PostgreSQL server."""
    found = (stat(file) for file in Path("/proc").glob("[0-9]*/stat"))
    return sum(spent for pid, above, spent in found if above == server or pid == os.getpid())


def parent(pid: int) -> int:
    """Return the process that started this one."""
    return stat(Path(f"/proc/{pid}/stat"))[1]


def stat(file: Path) -> tuple[int, int, int]:
    """Return process, parent, and ticks in user and system mode; zeros when it has just ended."""
    try:
        pid, rest = file.read_text().split(" ", 1)
    except OSError:
        return 0, 0, 0
    fields = rest.rpartition(") ")[2].split()
    return int(pid), int(fields[1]), int(fields[11]) + int(fields[12])


def report(bare: Counter[str], trail: Counter[str]) -> dict[str, float]:
    """Print and keep the ratios, and return them."""
    ratios = {how: bare[how] / trail[how] for how in bare}
    lines = []
    for how, ratio in ratios.items():
        line = {
            "what": f"trail: events appended {how} and integrated",
            "value": f"{microseconds(trail[how])} us an event",
            "peer": f"the same rows inserted bare, {how}, into the same PostgreSQL: {microseconds(bare[how])} us",
            "ratio": round(ratio, 2),
            **({"target": 0.5} if how == "one by one" else {}),
            "machine": f"{platform.machine()}, Python {platform.python_version()}, CPU time of client and server",
        }
        print(json.dumps(line))  # noqa: T201 - a benchmark is read by people
        lines.append(json.dumps(line) + "\n")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(lines), encoding="utf-8")
    return ratios


def microseconds(spent: int) -> int:
    """Return the time of one event."""
    return round(spent / os.sysconf("SC_CLK_TCK") / (ROUNDS * EVENTS) * 1e6)
