"""kill -9 of the server and of PostgreSQL while bids come in and are opened: nothing lost, nothing twice."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from api import bidder
from api.client import Client
from api.settings import Settings
from api.wiring import Installation
from archive.tables import EventRow
from bidding import bidfile, uploads
from bidding.bidfile import BidFile
from bidding.payload import FilePlan
from bidding.tables import BidRow, OpeningRow, PartRow, VerdictRow
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.faults.process import Server
from trading import lots

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """An announced lot with an opening key."""
    return await scenes.prepare(installation, tmp_path)


@pytest.fixture
def server(settings: Settings, scene: Scene, tmp_path: Path) -> Iterator[Server]:
    """A server process on the same database and folder."""
    running = Server(settings, tmp_path / "server.log")
    running.start()
    yield running
    running.kill()


@dataclass(frozen=True)
class Bidder:
    """A signed-in bidder with a sealed bid and the keys they have pinned."""

    headers: dict[str, str]
    bid: BidFile
    folder: Path
    keys: bidder.Pinned

    async def submit(self, url: str) -> Any:
        """Submit as `ggzy submit` does."""
        token = self.headers["Authorization"].removeprefix("Bearer ")
        async with Client(url, token=token) as client:
            return await bidder.submit(client, self.bid, keys=self.keys, advance=lambda _size: None, folder=self.folder)


@pytest.fixture
def bidders(scene: Scene, someone: Make, tmp_path: Path) -> Callable[..., Awaitable[list[Bidder]]]:
    """Make so many bidders with sealed bids."""

    async def make(count: int, size: int = 0) -> list[Bidder]:
        plans = {}
        if size:
            drawing = tmp_path / "drawing.bin"
            drawing.write_bytes(hashlib.shake_256(b"drawing").digest(size))
            plans = {"technical": (FilePlan(drawing, "drawing.bin", "application/octet-stream"),)}
        found = []
        keys = bidder.Pinned(scene.installation.chain_pem, scene.installation.signer.vkey)
        async with scene.installation.sessions() as session:
            where = stage.target(await lots.facts(session, scene.lot_id), stage.custodians().key)
        for number in range(count):
            who = await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[number])))
            folder = tmp_path / f"bidder-{number}"
            folder.mkdir()
            bid = await asyncio.to_thread(stage.seal, who, where, folder / "bid.sealed", files=plans)
            found.append(Bidder(who.headers, bid, folder, keys))
        return found

    return make


async def check_objects(scene: Scene) -> None:
    """Every part that has a row, and so every bid with a receipt, has its object in full length."""
    async with scene.installation.sessions() as session:
        for part in await session.scalars(select(PartRow)):
            key = uploads.part_key(part.upload_id, part.root)
            assert await scene.installation.store.size(key) == part.length


async def test_an_upload_goes_on_after_the_server_was_killed(
    scene: Scene, server: Server, bidders: Callable[..., Awaitable[list[Bidder]]]
) -> None:
    """Killed in the middle of a part: that part is not there, those before it are, and submitting again goes on."""
    (who,) = await bidders(1, size=20 << 20)
    bodies = {envelope.kind.value: envelope.length for envelope in who.bid.manifest.envelopes}
    parts = list(bidfile.parts(who.bid, who.bid.manifest.envelopes[0].kind))
    data = who.bid.path.read_bytes()

    async def half(part: Any) -> AsyncIterator[bytes]:
        yield data[part.offset : part.offset + part.size // 2]
        await asyncio.to_thread(server.kill)
        yield data[part.offset + part.size // 2 : part.offset + part.size]

    async with httpx.AsyncClient(base_url=server.url, headers=who.headers, timeout=30) as client:
        draft = {"bidder": who.bid.manifest.bidder, "bodies": bodies}
        upload = (await client.post(f"/api/v1/lots/{scene.lot_id}/uploads", json=draft)).json()["id"]
        kept = {"manifest": who.bid.manifest.digest().hex(), "upload": upload}
        (who.folder / "bid.sealed.upload").write_text(json.dumps(kept))
        url = f"/api/v1/uploads/{upload}/technical"
        for part in parts[:2]:
            body: Any = data[part.offset : part.offset + part.size] if part.number == 0 else half(part)
            sent = client.put(f"{url}/{part.number}", content=body, headers={"Part-Root": part.root.hex()})
            if part.number == 0:
                assert (await sent).status_code == 200
            else:
                with pytest.raises(httpx.TransportError):
                    await sent
    async with scene.installation.sessions() as session:
        assert [part.number for part in await session.scalars(select(PartRow))] == [0]
    await asyncio.to_thread(server.start)
    files = await who.submit(server.url)
    assert json.loads(files.content)["event"]["data"]["manifest"] == who.bid.manifest.digest().hex()
    async with scene.installation.sessions() as session:
        assert str(await session.scalar(select(BidRow.upload_id))) == upload
    await check_objects(scene)


async def test_no_receipt_is_lost_when_the_server_is_killed_while_bids_come_in(
    scene: Scene, server: Server, bidders: Callable[..., Awaitable[list[Bidder]]]
) -> None:
    """Killed while many finalise: who has a receipt has a bid; everybody else gets one by sending the same again."""
    people = await bidders(8)

    async def persist(who: Bidder) -> Any:
        while True:
            try:
                return await who.submit(server.url)
            except GgzyError as refusal:
                if refusal.code not in {"client.no_connection", "client.bad_answer", "server.not_ready"}:
                    raise

    async def interrupt() -> None:
        while True:
            async with scene.installation.sessions() as session:
                if await session.scalar(select(func.count()).select_from(BidRow)):
                    break
            await asyncio.sleep(0.002)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    *files, _ = await asyncio.gather(*(persist(who) for who in people), interrupt())
    async with scene.installation.sessions() as session:
        rows = (await session.scalars(select(BidRow))).all()
    assert {row.receipt for row in rows} == {file.content for file in files}
    assert [row.state for row in rows] == ["live"] * 8
    await check_objects(scene)


async def test_an_opening_goes_on_after_the_server_was_killed(scene: Scene, server: Server, someone: Make) -> None:
    """Killed between two verdicts: the first ones stay as they are, the rest follow by themselves, nothing twice."""
    for number in range(10):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    stamped = await scene.request()
    await scene.give(scene.answer(stamped, 1), 1)
    answer = {"answer": scene.answer(stamped, 2).decode()}
    witness = await someone(Grant(Role.WITNESS, actors.site(stage.SITE)))

    async def verdicts() -> dict[Any, Any]:
        async with scene.installation.sessions() as session:
            return {(row.bid_id, row.kind): row.made_at for row in await session.scalars(select(VerdictRow))}

    async def interrupt() -> dict[Any, Any]:
        while not await verdicts():  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(0.001)
        await asyncio.to_thread(server.kill)
        return await verdicts()

    async with httpx.AsyncClient(base_url=server.url, headers=witness.headers, timeout=30) as client:
        path = f"/api/v1/lots/{scene.lot_id}/openings/1/shares"
        lost, before = await asyncio.gather(client.post(path, json=answer), interrupt(), return_exceptions=True)
    assert isinstance(lost, httpx.TransportError)
    assert isinstance(before, dict)
    assert 0 < len(before) < 20
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        while len(await verdicts()) < 20 or await _state(scene) != "finished":  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
    after = await verdicts()
    assert {key: after[key] for key in before} == before
    async with scene.installation.sessions() as session:
        finished = select(func.count()).where(EventRow.kind == "opening.finished")
        assert await session.scalar(finished) == 1


async def _state(scene: Scene) -> str | None:
    async with scene.installation.sessions() as session:
        return await session.scalar(select(OpeningRow.state))
