"""The whole demo: play the trade once into a folder of its own, then serve it; a second run only serves."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table

from api import embedded
from api.demo import artefacts, award, bids, entry, evaluation, experts, keys, opening, stages, theatre
from api.demo.cast import PASSPHRASE, Cast, Person
from api.demo.console import Stage
from api.demo.entry import Trade
from api.locale import words
from api.settings import Settings
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError, Kind

PASSWORD_MEMORY = 8 << 10  # KiB: the sandbox's accounts are for showing
STAGED = "logins.json"  # beside the artefacts: the trades at each stage are there too
MIN_BIDS = 4  # one is withdrawn, and three are needed to open


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; `home` is the demo's own folder."""

    home: Path
    bids: int
    megabytes: int
    port: int
    out: Path | None
    leave: bool

    @property
    def settings(self) -> Settings:
        """Return the settings of the demo's sandbox."""
        data = self.home / "data"
        return Settings(data_dir=data, sandbox=True, port=self.port, password_memory=PASSWORD_MEMORY)

    @property
    def done(self) -> Path:
        """Return the file that is there when the trade was played to its end with these options."""
        return self.home / f"artefacts-{self.bids}-{self.megabytes}" / "summary.json"


def run(wish: Wish) -> None:
    """Play unless it was played, hand over the artefacts, then serve until interrupted."""
    if wish.bids < MIN_BIDS:
        raise GgzyError("demo.too_few_bids", Kind.INVALID, minimum=MIN_BIDS)
    if wish.out is not None and wish.out.exists() and any(wish.out.iterdir()):
        raise GgzyError("demo.folder_in_use", Kind.CONFLICT, path=str(wish.out))
    _forget_installation()
    stage = Stage()
    try:
        asyncio.run(_run(wish, stage))
    except (KeyboardInterrupt, asyncio.CancelledError):
        if wish.leave or not wish.done.exists():  # what was asked for was not done
            raise KeyboardInterrupt from None


def _forget_installation() -> None:
    """Drop the settings of a real installation from the environment: the demo must never touch what is theirs."""
    for name in [name for name in os.environ if name.startswith("GGZY_")]:
        del os.environ[name]


async def _run(wish: Wish, stage: Stage) -> None:
    playing = asyncio.current_task()
    assert playing is not None  # noqa: S101 - we are in it
    for order in (signal.SIGTERM, signal.SIGHUP):  # the server must not outlive us when the terminal is closed
        asyncio.get_running_loop().add_signal_handler(order, playing.cancel)
    played = wish.done.exists() and (wish.leave or (wish.done.parent / STAGED).exists())
    if played:
        stage.console.print(words("demo.played_before", {"path": wish.done.parent}))
    async with _platform(wish, fresh=not played) as cast:
        if cast is not None:
            await _play(wish, stage, cast)
        if wish.out is not None:
            await asyncio.to_thread(shutil.copytree, wish.done.parent, wish.out, dirs_exist_ok=True)
            stage.console.print(words("demo.out", {"path": wish.out}))
        if not wish.leave:
            _welcome(wish, stage)
            await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _platform(wish: Wish, *, fresh: bool) -> AsyncIterator[Cast | None]:
    """Serve the demo's sandbox; a fresh one comes with a cast whose administrators are signed in."""
    if not fresh:
        if wish.leave:
            yield None
            return
        async with theatre.served(wish.settings, wish.home / "server.log"):
            yield None
        return
    await asyncio.to_thread(embedded.discard, wish.settings.data_dir)
    await asyncio.to_thread(shutil.rmtree, wish.home, ignore_errors=True)
    for folder in ("keys", "work"):
        await asyncio.to_thread((wish.home / folder).mkdir, parents=True)
    first = await asyncio.to_thread(theatre.prepare, wish.settings)
    async with theatre.served(wish.settings, wish.home / "server.log"):
        cast = Cast(f"http://127.0.0.1:{wish.port}", wish.home / "keys", SystemEntropy())
        try:
            await cast.sign_in_first(first)
            yield cast
        finally:
            await cast.close()


async def _play(wish: Wish, stage: Stage, cast: Cast) -> None:
    trade = Trade(wish.home / "work", wish.bids, wish.megabytes)
    await entry.people(stage, cast, trade)
    await entry.tender(stage, cast, trade)
    made = await keys.make(stage, cast, trade.lots)
    trade.facts["transcript"] = made.hash.hex()
    await entry.announce(stage, cast, trade)
    await bids.hand_in(stage, cast, trade)
    await opening.open_all(stage, cast, trade)
    panel = await experts.gather(stage, cast)
    await experts.draw_all(stage, cast, trade, panel)
    await evaluation.evaluate(stage, cast, trade, panel)
    await award.award(stage, cast, trade)
    await artefacts.file(stage, cast, trade)
    unfinished = wish.done.parent.with_suffix(".unfinished")
    await artefacts.write(stage, cast, trade, panel, unfinished)
    artefacts.summarise(stage, cast, trade, unfinished)
    if not wish.leave:
        seated = await stages.play(stage, cast, panel, trade.work)
        _shown(unfinished / STAGED, cast, seated)
    unfinished.rename(wish.done.parent)
    await asyncio.to_thread(shutil.rmtree, trade.work)


def _shown(path: Path, cast: Cast, seated: list[Person]) -> None:
    """Keep who is shown to visitors: everybody but the experts, and of these one who is to score."""
    hidden = {login for login in cast.people if login.startswith("expert")} - {seated[0].login}
    logins = [one for one in cast.logins() if one["login"] not in hidden]
    path.write_text(json.dumps(logins, ensure_ascii=False, indent=2), "utf-8")


def _welcome(wish: Wish, stage: Stage) -> None:
    """Print where the trade is served and who may sign in."""
    logins = json.loads((wish.done.parent / STAGED).read_text("utf-8"))
    table = Table(box=SIMPLE)
    for column in ("login", "password", "person"):
        table.add_column(words(f"demo.column.{column}"), no_wrap=column != "person")
    for one in logins:
        table.add_row(one["login"], one["password"], one["name"])
    stage.console.print(table)
    told = {"url": f"http://127.0.0.1:{wish.port}", "keys": wish.home / "keys", "passphrase": PASSPHRASE}
    stage.console.print(words("demo.serving", told), soft_wrap=True)
