"""kill -9 of PostgreSQL while bids are handed in: no receipt is lost, the rest is done after the recovery."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, InterfaceError

from api import schema
from api.embedded import Postgres
from api.routes.bidding import desk
from api.settings import Settings
from api.wiring import installed
from bidding import submissions, uploads
from bidding.submissions import Submission
from bidding.tables import BidRow, PartRow
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from trading import lots

BIDDERS = 12


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

        *receipts, _ = await asyncio.gather(
            *(persist(scene, who, given) for who, given in zip(people, ready, strict=True)), interrupt()
        )
        async with installation.sessions() as session:
            rows = (await session.scalars(select(BidRow))).all()
            assert {row.receipt for row in rows} == set(receipts)
            assert len(rows) == BIDDERS
            for part in await session.scalars(select(PartRow)):
                assert await installation.store.size(uploads.part_key(part.upload_id, part.root)) == part.length
