"""kill -9 of PostgreSQL under people who watch an opening: they go on by themselves when it is back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError, InterfaceError

from api import live
from api.broadcast import Boards
from api.embedded import Postgres
from api.pages.opening_board import board
from api.settings import Settings
from api.wiring import installed
from tests.bidding import scene as scenes
from tests.bidding.scene import Scene
from tests.faults.test_postgres_kill import durable

__all__ = ["durable"]
VIEWERS = 20


async def read(stream: AsyncIterator[bytes], until: bytes) -> bytes:
    """Read a viewer's stream until these bytes came."""
    got = b""
    async with asyncio.timeout(60):
        while until not in got:
            got += await anext(stream)
    return got


async def begin(scene: Scene) -> None:
    """Begin the opening, again and again while the database is away."""
    while True:
        try:
            await scene.begin()
        except (DBAPIError, InterfaceError, OSError):
            await asyncio.sleep(0.1)
        else:
            return


async def test_viewers_outlive_the_database(durable: Postgres, tmp_path: Path) -> None:
    """PostgreSQL dies under twenty viewers; what happens after it is back is seen by every one of them."""
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(durable.url()), sandbox=True)
    async with installed(settings) as installation, live.running(installation) as hub:
        scene = await scenes.prepare(installation, tmp_path)
        for number in range(3):
            await scene.hand_in(number)
        await scene.pass_deadline()
        boards, shown = Boards(hub), board(installation.sessions, (scene.lot_id, 1), "board/zh_CN", inside=True)
        streams = [await boards.stream(shown.place, shown.render, address="", seen=None) for _ in range(VIEWERS)]
        viewers: list[Any] = [one.iterator for one in streams]
        await asyncio.gather(*(read(one, b"event: state") for one in viewers))
        os.kill(durable.pid, signal.SIGKILL)
        await asyncio.to_thread(durable.wait)
        await begin(scene)
        await asyncio.gather(*(read(one, b'data-phase="list"') for one in viewers))
        for one in viewers:
            await one.aclose()
