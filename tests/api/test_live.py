"""Live pages: everybody who watches ends at the newest state, whatever breaks in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from api import live
from api.broadcast import Board, Boards, View
from api.live import QUEUE, RESYNC, Hub, Signal, Subscription
from api.seats import Seats
from api.wiring import Installation
from kernel import database
from kernel.errors import GgzyError, Kind


@pytest.fixture
async def hub(installation: Installation) -> AsyncIterator[Hub]:
    """A hub that listens."""
    ready: asyncio.Future[Hub] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def run() -> None:
        async with live.running(installation) as hub:
            await hub.connected.wait()
            ready.set_result(hub)
            await over.wait()

    task = asyncio.create_task(run())
    async with asyncio.timeout(20):
        yield await ready
    over.set()
    await task


async def say(installation: Installation, key: str, *, commit: bool = True) -> None:
    """Notify in a transaction."""
    async with installation.sessions() as session:
        await database.notify(session, "opening", key)
        if commit:
            await session.commit()


async def soon(reader: Subscription) -> Signal:
    """The next signal."""
    async with asyncio.timeout(20):
        return await reader.get()


async def test_what_is_committed_is_heard_and_nothing_else(installation: Installation, hub: Hub) -> None:
    """A subscriber hears its own topic and key, once the transaction is committed; what is rolled back never was."""
    with hub.subscribe(("opening", "a")) as reader:
        await say(installation, "a", commit=False)
        await say(installation, "b")
        await say(installation, "a")
        assert await soon(reader) == Signal("opening", "a")
        assert not reader.behind


async def test_a_lost_connection_is_opened_anew_and_everybody_resyncs(installation: Installation, hub: Hub) -> None:
    """When PostgreSQL ends the connection, the hub listens again, and subscribers are told to look anew."""
    with hub.subscribe(("opening", "a")) as reader:
        async with installation.sessions() as session:
            ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            assert (await session.execute(ended)).scalar_one()
        assert await soon(reader) == RESYNC
        async with asyncio.timeout(20):
            await hub.connected.wait()
        await say(installation, "a")
        while (heard := await soon(reader)) == RESYNC:  # once when it broke, once when it is back
            continue
        assert heard == Signal("opening", "a")


def test_a_slow_reader_is_told_to_look_anew() -> None:
    """Who is too far behind gets one resync in place of everything, and the same signal twice in a row is one."""
    reader = Subscription()
    for number in range(QUEUE):
        reader.offer(Signal("opening", str(number)))
        reader.offer(Signal("opening", str(number)))
    assert reader.behind == QUEUE
    reader.offer(Signal("opening", "more"))
    assert reader.behind == 1


async def test_ids_only() -> None:
    """A notification that would not be an id is a mistake of the programmer."""
    with pytest.raises(ValueError, match="opening"):
        await database.notify(None, "opening", "x" * 300)  # type: ignore[arg-type]


class Counter:
    """A state that is a number, which may fail to be read."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.value, self.rendered, self.broken = 0, 0, False

    async def render(self) -> View:
        """Show the number."""
        self.rendered += 1
        if self.broken:
            raise ConnectionError
        return View(f"<p>{self.value}</p>\n<p>二</p>")


async def watched(boards: Boards, counter: Counter, seen: str | None = None) -> Any:
    """What a viewer is sent."""
    return (await boards.stream(("opening", "a", "room"), counter.render, address="", seen=seen)).iterator


async def read(stream: Any, until: bytes) -> bytes:
    """Read a stream until these bytes came."""
    got = b""
    async with asyncio.timeout(20):
        while until not in got:
            got += await anext(stream)
    return got


async def test_many_viewers_one_rendering(installation: Installation, hub: Hub) -> None:
    """A hundred viewers get the present state, then every change; each version is rendered once."""
    boards, counter = Boards(hub), Counter()
    streams = [await watched(boards, counter) for _ in range(100)]
    await asyncio.gather(*(read(one, b"<p>0</p>") for one in streams))
    before = counter.rendered
    for number in range(1, 4):
        counter.value = number
        await say(installation, "a")
        await asyncio.gather(*(read(one, f"data: <p>{number}</p>\ndata: ".encode()) for one in streams))
    assert counter.rendered == before + 3
    for one in streams:
        await one.aclose()
    assert boards.empty


async def test_who_comes_back_with_the_newest_version_is_sent_nothing(hub: Hub) -> None:
    """The event's id names the state: the same id in `Last-Event-ID` means that nothing was missed."""
    boards, counter = Boards(hub), Counter()
    first = await watched(boards, counter)
    got = await read(first, b"event: state")
    identity = got.split(b"id: ")[1].split(b"\n")[0].decode()
    again = await watched(boards, counter, identity)
    await anext(again)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(again)


async def test_one_address_takes_no_more_than_its_share(hub: Hub) -> None:
    """A fifth of the seats, boards and signals together; others still find theirs, and a seat left is free again."""
    boards, counter = Boards(hub, Seats(10)), Counter()
    place = ("opening", "a", "room")
    first: Any = (await boards.stream(place, counter.render, address="a", seen=None)).iterator
    second: Any = boards.signals(("opening", "a"), address="a").iterator
    await read(first, b"event: state")
    await read(second, b"event: resync")
    for ask in (boards.stream(place, counter.render, address="a", seen=None), refused(boards)):
        with pytest.raises(GgzyError) as caught:
            await ask
        assert (caught.value.code, caught.value.kind) == ("live.too_many", Kind.UNAVAILABLE)
    other: Any = (await boards.stream(place, counter.render, address="b", seen=None)).iterator
    await read(other, b"event: state")
    rendered = counter.rendered
    assert "<p>0</p>" in await boards.glance(place, counter.render)
    assert counter.rendered == rendered
    for one in (first, other):
        await one.aclose()
    await read((await boards.stream(place, counter.render, address="a", seen=None)).iterator, b"event: state")


async def refused(boards: Boards) -> None:
    """Ask for signals."""
    boards.signals(("opening", "a"), address="a")


def test_all_seats_together_are_counted() -> None:
    """Many addresses with few viewers each fill the worker too, and everybody is told so."""
    seats = Seats(3, share=1)
    with seats.taken("a"), seats.taken("b"), seats.taken("c"), pytest.raises(GgzyError, match=r"live\.too_many"):
        seats.require("d")
    seats.require("d")


async def test_signals_are_heard_as_they_come(installation: Installation, hub: Hub) -> None:
    """A page that fetches its own content is told to look at once, and whenever something changed."""
    heard: Any = Boards(hub).signals(("ceremony", "a"), address="").iterator
    assert b"event: resync" in await anext(heard)
    async with installation.sessions.begin() as session:
        await database.notify(session, "ceremony", "a")
    assert b"data: ceremony:a" in await read(heard, b"event: changed\n")


async def test_while_the_database_is_away_the_state_is_called_old() -> None:
    """A rendering that fails keeps what was shown and says that it is old; the next good one says that it is fresh."""
    counter = Counter()
    board = Board(counter.render)
    await board.refresh()
    version = board.version
    board.age()
    assert (board.stale, board.version) == (True, version)
    await board.refresh()
    assert (board.stale, board.version) == (False, version)
