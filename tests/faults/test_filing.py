"""kill -9 of a real server in the middle of filing a trade: filed again there is one package, and it verifies."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import signal
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from rich.console import Console

from api.demo import award, bids, entry, evaluation, experts, keys, opening, theatre
from api.demo.cast import Cast
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.patience import PASSING
from api.demo.play import Wish
from kernel.entropy import SystemEntropy
from tests.flows.played import free_port, processes_of, verify_all

TRIES = 15_000
SEQUENCED = 2.0  # seconds in which the last events get into the log
CONFLICT = 409
PATIENCE = 60  # tries, one each second, until the jobs have done what is left of a trade
PAUSE = 0.005  # seconds between looks at the disk


@dataclass
class Ended:
    """A trade that has ended and waits to be filed, on a platform that may be killed."""

    wish: Wish
    cast: Cast
    trade: Trade

    @property
    def path(self) -> str:
        """Where its package is filed and found."""
        return f"/api/v1/tenders/{self.trade.tender['id']}/archive"

    @property
    def scratch(self) -> Path:
        """Where packages are built."""
        return self.wish.home / "data" / "packages"

    @property
    def store(self) -> Path:
        """Where the folder store keeps its objects and what is coming in."""
        return self.wish.home / "data" / "store"

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[Process]:
        """Run the platform for the while."""
        async with theatre.served(self.wish.settings, self.wish.home / "server.log") as server:
            yield server

    async def post(self) -> httpx.Response:
        """Ask once for the filing, by a connection of its own."""
        token = self.cast["archivist"].client.token
        async with httpx.AsyncClient(base_url=self.cast.url, timeout=120) as http:
            return await http.post(self.path, headers={"Authorization": f"Bearer {token}"})

    async def ask(self) -> httpx.Response:
        """Ask for the filing until the platform's jobs have done what is left of the trade."""
        for _ in range(PATIENCE):
            answer = await self.post()
            if answer.status_code != CONFLICT or answer.json()["code"] not in PASSING:
                break
            await asyncio.sleep(1)
        return answer

    async def archived(self) -> list[Any]:
        """Return the trade's entries of the log that say that it was archived, as the supervisor reads them."""
        page = await self.cast["supervisor"].client.get("/api/v1/trail", kind="trade.archived", limit=100)
        found: list[Any] = page["entries"]
        return found


@pytest.fixture(scope="module")
async def ended() -> AsyncIterator[Ended]:
    """Play the demo's acts up to the contracts."""
    wish = Wish(_home(), 4, 24, free_port(), None, leave=True)
    first = await asyncio.to_thread(theatre.prepare, wish.settings)
    cast = Cast(f"http://127.0.0.1:{wish.port}", wish.home / "keys", SystemEntropy())
    made = Ended(wish, cast, Trade(wish.home / "work", wish.bids, wish.megabytes))
    async with made.served():
        await cast.sign_in_first(first)
        await _play(Stage(Console(file=StringIO())), cast, made.trade)
    yield made
    await cast.close()
    assert processes_of(wish.home) == []
    shutil.rmtree(wish.home.parent)


def _home() -> Path:
    """Make the demo's home, where the account that runs PostgreSQL can reach it."""
    folder = Path(tempfile.mkdtemp(prefix="ggzy-filing-"))
    folder.chmod(0o755)
    for name in ("keys", "work"):
        (folder / "home" / name).mkdir(parents=True)
    return folder / "home"


async def _play(stage: Stage, cast: Cast, trade: Trade) -> None:
    await entry.people(stage, cast, trade)
    await entry.tender(stage, cast, trade)
    await keys.make(stage, cast, trade.lots)
    await entry.announce(stage, cast, trade)
    await bids.hand_in(stage, cast, trade)
    await opening.open_all(stage, cast, trade)
    panel = await experts.gather(stage, cast)
    await experts.draw_all(stage, cast, trade, panel)
    await evaluation.evaluate(stage, cast, trade, panel)
    await award.award(stage, cast, trade)


def _kill(server: Process) -> None:
    """SIGKILL to the server, its workers and PostgreSQL's postmaster at once, as by a power cut."""
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)


def _half_built(ended: Ended) -> bool:
    """Tell whether some of the bag's files are written, and it has not got its name."""
    return sum(1 for partial in ended.scratch.glob("*.partial") for _ in partial.rglob("*.*")) > 20


def _half_stored(ended: Ended) -> bool:
    """Tell whether the bag is built and its tar is on its way into the store."""
    built = any(path.suffix != ".partial" for path in ended.scratch.glob("*"))
    return built and any(path.stat().st_size > 1 << 20 for path in (ended.store / "incoming").iterdir())


@pytest.mark.parametrize("moment", [_half_built, _half_stored])
async def test_a_killed_filing_leaves_nothing_filed(ended: Ended, moment: Callable[[Ended], bool]) -> None:
    """Killed while the bag is built, and while it is stored: nothing is filed, no event says so."""
    async with ended.served() as server:
        asked = asyncio.ensure_future(ended.ask())
        for _ in range(TRIES):
            with contextlib.suppress(FileNotFoundError):
                if moment(ended):
                    break
            assert not asked.done(), asked.result().text
            await asyncio.sleep(PAUSE)
        else:
            pytest.fail("the moment never came")
        await asyncio.to_thread(_kill, server)
        with pytest.raises(httpx.TransportError):
            await asked
    async with ended.served():
        assert await _status(ended) == 404
        assert await ended.archived() == []


async def test_filed_again_there_is_one_package(ended: Ended, tmp_path: Path) -> None:
    """Two ask at once after all that: the bag that was left is filed, once; it is whole, logged, and verifies."""
    (left,) = [path for path in ended.scratch.iterdir() if path.suffix != ".partial"]
    digest = hashlib.sha256((left / "manifest-sha256.txt").read_bytes()).hexdigest()
    async with ended.served():
        answers = await asyncio.gather(ended.post(), ended.post())
        refused = [answer.json()["code"] for answer in answers if answer.status_code == CONFLICT]
        assert refused in ([], ["package.under_way"])
        answers = [answer for answer in answers if answer.status_code != CONFLICT]
        stands = (await ended.post()).json()
        assert all(answer.json() == stands for answer in answers)
        assert answers[0].json()["digest"] == digest
        packed = tmp_path / "package.tar"
        with packed.open("wb") as file:
            async with ended.cast["archivist"].client.download(f"{ended.path}/package.tar") as chunks:
                async for chunk in chunks:
                    file.write(chunk)
        assert len(verify_all(packed)) == 1
        await asyncio.sleep(SEQUENCED)
        (archived,) = await ended.archived()
        assert json.loads(archived["event"])["data"]["package"] == answers[0].json()["digest"]
    assert list(ended.scratch.iterdir()) == []
    tars = list((ended.store / "objects" / "packages").rglob("*.tar"))
    assert [path.stem for path in tars] == [answers[0].json()["digest"]]


async def _status(ended: Ended) -> int:
    token = ended.cast["archivist"].client.token
    async with httpx.AsyncClient(base_url=ended.cast.url, timeout=30) as http:
        return (await http.get(ended.path, headers={"Authorization": f"Bearer {token}"})).status_code
