"""A storm: bidders replace their bids without pause while the server is killed again and again; then all is opened.

`make soak`; GGZY_SOAK_SECONDS (180) says how long it blows. The latest result is in docs/soak.md.
"""

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api import bidder
from api.client import Client
from api.settings import Settings
from api.wiring import Installation
from archive import feed, proof
from bidding import uploads
from bidding.tables import LIVE, OPENED, BidRow, PartRow, VerdictRow
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.faults.process import Server
from tests.soak import results
from trading import lots

SECONDS = float(os.environ.get("GGZY_SOAK_SECONDS", "180"))
BIDDERS, CALM, STORM = 6, 2.0, 9.0  # seconds between two kills
PASSING = {"client.no_connection", "client.bad_answer", "server.not_ready", "database.unavailable"}

Make = Callable[..., Awaitable[Any]]


@dataclass
class Contender:
    """A bidder who hands in again and again; `receipts` in the order in which they were given."""

    who: Any
    folder: Path
    receipts: list[bytes] = field(default_factory=list)
    broken: int = 0

    async def contend(self, scene: Scene, url: str, until: float) -> None:
        """Replace one's bid until the time is over; whatever breaks is sent again until it is answered."""
        keys = bidder.Pinned(scene.installation.chain_pem, scene.installation.signer.vkey)
        token = self.who.headers["Authorization"].removeprefix("Bearer ")
        async with scene.installation.sessions() as session:
            where = stage.target(await lots.facts(session, scene.lot_id), stage.custodians().key)
        while time.monotonic() < until:
            number, previous = len(self.receipts), None
            if self.receipts:
                previous = hashlib.sha256(self.receipts[-1]).digest()
            path = self.folder / f"{number}.sealed"
            sealed = await asyncio.to_thread(stage.seal, self.who, where, path, previous=previous)
            while True:
                try:
                    async with Client(url, token=token) as client:
                        files = await bidder.submit(
                            client, sealed, keys=keys, advance=lambda _size: None, folder=self.folder / str(number)
                        )
                except GgzyError as refusal:
                    if refusal.code not in PASSING:
                        raise
                    self.broken += 1
                else:
                    break
            self.receipts.append(files.content)
            path.unlink()


async def kill_now_and_then(server: Server, until: float) -> int:
    """SIGKILL the server at random moments and start it again; return how often."""
    pick, kills = random.Random(7), 0  # noqa: S311 - moments, not secrets
    while time.monotonic() < until:
        await asyncio.sleep(pick.uniform(CALM, STORM))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        kills += 1
    return kills


@pytest.mark.soak
async def test_a_storm_of_replacements(
    installation: Installation, settings: Settings, someone: Make, tmp_path: Path
) -> None:
    """Every receipt given has its row, its part objects and its place in one chain; the last of each bidder opens."""
    scene = await scenes.prepare(installation, tmp_path)
    server = Server(settings, tmp_path / "server.log")
    await asyncio.to_thread(server.start)
    people = []
    for number in range(BIDDERS):
        folder = tmp_path / f"bidder-{number}"
        folder.mkdir()
        people.append(Contender(await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[number]))), folder))
    until = time.monotonic() + SECONDS
    try:
        *_, kills = await asyncio.gather(
            *(one.contend(scene, server.url, until) for one in people), kill_now_and_then(server, until)
        )
    finally:
        await asyncio.to_thread(server.kill)
    given = [receipt for one in people for receipt in one.receipts]
    async with installation.sessions() as session:
        rows = (await session.scalars(select(BidRow))).all()
        assert {row.receipt for row in rows} == set(given)
        assert {row.receipt for row in rows if row.state == LIVE} == {one.receipts[-1] for one in people}
        for part in await session.scalars(select(PartRow)):
            assert await installation.store.size(uploads.part_key(part.upload_id, part.root)) == part.length
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    await scene.proceed()
    async with installation.sessions() as session:
        verdicts = (await session.scalars(select(VerdictRow))).all()
        assert [one.outcome for one in verdicts] == [OPENED] * BIDDERS * len(stage.ENVELOPES)
        head = await feed.export_log(session, tmp_path / "log", installation.signer.vkey)
    assert await asyncio.to_thread(proof.verify_log, tmp_path / "log", installation.signer.vkey) == head
    _report(kills, len(given), sum(one.broken for one in people), head.size)


def _report(kills: int, receipts: int, broken: int, entries: int) -> None:
    results.report(
        "storm",
        f"{SECONDS:.0f} s of storm: {BIDDERS} bidders replace bids without pause, the server dies at random",
        {
            "kills (SIGKILL) of the server": kills,
            "submissions begun anew after the client's own retries were used up": broken,
            "receipts given, each with its row, its parts and its place in the chain of replacements": receipts,
            "receipts lost, rows without an object, bids opened twice": 0,
            "entries of the log, all derived again from its tiles afterwards": entries,
        },
    )
