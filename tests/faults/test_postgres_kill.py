"""kill -9 of PostgreSQL while bids are uploaded, handed in, opened: nothing lost, nothing twice, the work goes on."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, InterfaceError

from api import schema
from api.embedded import Postgres
from api.routes.bidding import desk
from api.settings import Settings
from api.wiring import installed
from archive.tables import EventRow
from bidding import submissions, uploads
from bidding.submissions import Submission
from bidding.tables import FINISHED, BidRow, PartRow, VerdictRow
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from trading import lots

BIDDERS = 12
Done = TypeVar("Done")


@pytest.fixture
def durable() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, with fsync, that may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="ggzy-kill-"))
    folder.chmod(0o755)
    with Postgres(folder, connections=40) as server:
        schema.upgrade(server.url())
        yield server
    shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


async def persist(scene: Scene, who: stage.Person, given: Submission) -> bytes:
    """Hand in until it is received; give back the receipt that was answered, or the one found afterwards."""
    while True:
        try:
            async with scene.installation.sessions.begin() as session:
                bid = await submissions.receive(session, who.actor, scene.lot_id, given, desk=desk(scene.installation))
        except (DBAPIError, InterfaceError, OSError):
            await asyncio.sleep(0.1)
        except GgzyError as refusal:
            assert refusal.code == "upload.closed"  # the commit went through, its answer was lost
            async with scene.installation.sessions() as session:
                (bid,) = await submissions.list_own(session, who.actor, scene.lot_id)
            return bid.receipt.content
        else:
            return bid.receipt.content


async def until_done(work: Callable[[], Awaitable[Done]]) -> Done:
    """Do a piece of work again while the database is away."""
    while True:
        try:
            return await work()
        except (DBAPIError, InterfaceError, OSError):
            await asyncio.sleep(0.1)


async def kill_when(durable: Postgres, begun: Callable[[], Awaitable[bool]]) -> None:
    """SIGKILL the postmaster as soon as the work has left something."""
    while not await begun():  # noqa: ASYNC110 - other connections do the work
        await asyncio.sleep(0.002)
    os.kill(durable.pid, signal.SIGKILL)
    await asyncio.to_thread(durable.wait)


async def test_postgresql_killed_while_parts_come_in(durable: Postgres, tmp_path: Path) -> None:
    """Every part that has a row has its object, and whoever sends again gets through."""
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(durable.url()), sandbox=True)
    async with installed(settings) as installation:
        scene = await scenes.prepare(installation, tmp_path)
        async with installation.sessions() as session:
            where = stage.target(await lots.facts(session, scene.lot_id), stage.custodians().key)

        async def send(number: int) -> None:
            who = stage.bidder(number)
            sealed = await asyncio.to_thread(stage.seal, who, where, tmp_path / f"{number}.sealed")
            async with installation.sessions.begin() as session:
                await stage.upload(session, installation.store, who, scene.lot_id, sealed)

        async def begun() -> bool:
            async with installation.sessions() as session:
                return await session.scalar(select(PartRow.number).limit(1)) is not None

        sends = (until_done(lambda number=number: send(number)) for number in range(BIDDERS))
        await asyncio.gather(*sends, kill_when(durable, begun))
        async with installation.sessions() as session:
            parts = (await session.scalars(select(PartRow))).all()
            for part in parts:
                assert await installation.store.size(uploads.part_key(part.upload_id, part.root)) == part.length
        assert len(parts) >= BIDDERS * len(stage.ENVELOPES)


async def test_postgresql_killed_while_bids_are_opened(durable: Postgres, tmp_path: Path) -> None:
    """The verdicts that were there stay, the others follow, the opening ends once."""
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(durable.url()), sandbox=True)
    async with installed(settings) as installation:
        scene = await scenes.prepare(installation, tmp_path)
        for number in range(BIDDERS):
            await scene.hand_in(number)
        await scene.pass_deadline()
        await scene.begin()
        await scene.quorum()

        async def verdicts() -> dict[object, object]:
            async with installation.sessions() as session:
                return {(one.bid_id, one.kind): one.made_at for one in await session.scalars(select(VerdictRow))}

        before: dict[object, object] = {}

        async def begun() -> bool:
            before.update(await verdicts())
            return bool(before)

        done, _ = await asyncio.gather(until_done(scene.proceed), kill_when(durable, begun))
        after = await until_done(verdicts)
        assert done.state == FINISHED
        assert 0 < len(before) < len(after) == BIDDERS * len(stage.ENVELOPES)
        assert {key: after[key] for key in before} == before
        async with installation.sessions() as session:
            ends = select(func.count()).where(EventRow.kind == "opening.finished")
            assert await session.scalar(ends) == 1


async def test_postgresql_killed_while_bids_come_in(durable: Postgres, tmp_path: Path) -> None:
    """Whoever was told of a receipt finds it after the recovery; everybody ends with one bid whose parts are there."""
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(durable.url()), sandbox=True)
    async with installed(settings) as installation:
        scene = await scenes.prepare(installation, tmp_path)
        people = [stage.bidder(number) for number in range(BIDDERS)]
        async with installation.sessions.begin() as session:
            where = stage.target(await lots.facts(session, scene.lot_id), stage.custodians().key)
            ready = []
            for number, who in enumerate(people):
                sealed = stage.seal(who, where, tmp_path / f"{number}.sealed")
                opened = await stage.upload(session, installation.store, who, scene.lot_id, sealed)
                ready.append(stage.submission(opened, sealed))

        async def interrupt() -> None:
            await asyncio.sleep(0.05)
            os.kill(durable.pid, signal.SIGKILL)
            await asyncio.to_thread(durable.wait)

        *receipts, _ = await asyncio.gather(
            *(persist(scene, who, given) for who, given in zip(people, ready, strict=True)), interrupt()
        )
        async with installation.sessions() as session:
            rows = (await session.scalars(select(BidRow))).all()
            assert {row.receipt for row in rows} == set(receipts)
            assert len(rows) == BIDDERS
            for part in await session.scalars(select(PartRow)):
                assert await installation.store.size(uploads.part_key(part.upload_id, part.root)) == part.length
