"""The bidder's machine: a broken upload goes on, receipts are checked and kept, a bid is withdrawn."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api import bidder, jobs
from api.bidder import Pinned
from api.client import Client
from api.wiring import Installation
from archive import receipt
from archive.receipt import Files
from bidding.bidfile import BidFile
from bidding.payload import FilePlan
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage

Make = Callable[..., Awaitable[Any]]


@dataclass
class Machine:
    """A bidder's machine with a sealed bid of three parts."""

    client: Client
    bid: BidFile
    keys: Pinned
    folder: Path
    device: Any
    sent: list[int]

    async def submit(self) -> Files:
        """Submit as the command does."""
        return await bidder.submit(self.client, self.bid, keys=self.keys, advance=self.sent.append, folder=self.folder)


@pytest.fixture
async def machine(app: Litestar, installation: Installation, someone: Make, tmp_path: Path) -> AsyncIterator[Machine]:
    """A machine that talks to the application, whose sequencer runs."""
    scene = await scenes.prepare(installation, tmp_path)
    who = await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[0])))
    drawing = tmp_path / "drawing.bin"
    drawing.write_bytes(bytes(9 << 20))
    plans = {"technical": (FilePlan(drawing, "drawing.bin", "application/octet-stream"),)}

    async def sequence() -> None:
        while True:
            await jobs.sequence(installation)
            await asyncio.sleep(0.1)

    sequencing = asyncio.create_task(sequence())
    token = who.headers["Authorization"].removeprefix("Bearer ")
    transport = httpx.ASGITransport(app)
    async with Client("http://ggzy.test", token=token, transport=transport) as client:
        where = await bidder.target(client, scene.lot_id)
        bid = await asyncio.to_thread(stage.seal, who, where, tmp_path / "bid.sealed", files=plans)
        yield Machine(client, bid, await bidder.pinned(client), tmp_path / "receipt", who.device, [])
    sequencing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sequencing


async def test_a_submitted_bid_leaves_four_checked_files(machine: Machine) -> None:
    """The receipt's files are there, with the proof, and check against the pinned keys again from disk."""
    files = await machine.submit()
    assert sum(machine.sent) == sum(envelope.length for envelope in machine.bid.manifest.envelopes)
    assert Files.read(machine.folder) == files
    assert files.proof is not None
    assert not machine.bid.path.with_name("bid.sealed.upload").exists()


async def test_submitting_again_gives_the_same_receipt(machine: Machine) -> None:
    """Whoever lost the answer submits the same file again and gets the receipt that was issued."""
    first = await machine.submit()
    assert (await machine.submit()).content == first.content


async def test_an_upload_goes_on_where_it_broke(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are stored are not sent again; the session is found beside the sealed file."""
    real, paths, stored = machine.client.upload, [], asyncio.Semaphore(0)

    async def watched(path: str, *args: Any, **how: Any) -> Any:
        paths.append(path)
        answer = await real(path, *args, **how)
        stored.release()
        return answer

    async def failing(path: str, *args: Any, **how: Any) -> Any:
        if len(paths) == 2:
            await stored.acquire()
            await stored.acquire()
            raise GgzyError("client.no_connection")
        return await watched(path, *args, **how)

    monkeypatch.setattr(machine.client, "upload", failing)
    with pytest.raises(GgzyError, match=r"client\.no_connection"):
        await machine.submit()
    session = json.loads(machine.bid.path.with_name("bid.sealed.upload").read_text("utf-8"))["upload"]
    there = (await machine.client.get(f"/api/v1/uploads/{session}"))["present"]
    assert sum(map(len, there.values())) == 2
    monkeypatch.setattr(machine.client, "upload", watched)
    await machine.submit()
    assert len(paths) == len(set(paths)) == 3


async def test_a_withdrawal_is_acknowledged(machine: Machine) -> None:
    """The acknowledgment is a receipt like any other, kept and checked."""
    files = await machine.submit()
    folder = machine.folder / "withdrawal"
    given = await bidder.withdraw(machine.client, files.content, machine.device, keys=machine.keys, folder=folder)
    said = receipt.decode(given.content).event
    assert (said.kind, said.data["receipt"]) == ("bid.withdrawn", files.digest.decode().strip())
    assert Files.read(folder) == given


async def test_a_receipt_that_does_not_check_is_an_alarm(machine: Machine) -> None:
    """With another authority pinned the files are kept for evidence, and the command fails."""
    stranger = stage.desk(machine.folder.parent / "stranger").authority
    keys = Pinned(stranger.chain_pem, machine.keys.vkey)  # type: ignore[attr-defined] # a local authority
    with pytest.raises(GgzyError):
        await bidder.submit(machine.client, machine.bid, keys=keys, advance=machine.sent.append, folder=machine.folder)
    assert (machine.folder / "receipt.json").exists()
