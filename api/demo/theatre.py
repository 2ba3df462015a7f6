"""The platform that the demo plays on: a sandbox of its own in a folder, served by a child process."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from api import server
from api.accounts import bootstrap
from api.demo import papers
from api.settings import Settings
from api.wiring import installed
from kernel.actor import SYSTEM
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading import sites
from trading.sites import Change

PATIENCE = 60.0  # seconds until the server answers
GRACE = 30.0  # seconds for it to stop


def prepare(settings: Settings) -> list[bootstrap.First]:
    """Bring up the database once, say how the sites are reached, make the administrators with first passwords."""

    async def administrators(ready: Settings) -> list[bootstrap.First]:
        async with installed(ready) as installation, installation.sessions.begin() as session:
            await _say_contacts(session, entropy=installation.entropy)
            return await bootstrap.first_admins(session, installation.passwords, entropy=installation.entropy)

    with server.prepared(settings) as ready:
        return asyncio.run(administrators(ready))


async def _say_contacts(session: AsyncSession, *, entropy: Entropy) -> None:
    told = {one["code"]: one for one in papers.story()["contact"]}
    for site in await sites.page(session):
        change = Change(site.name, told[site.code]["address"], told[site.code]["phone"], site.bearing)
        await sites.amend(session, SYSTEM, site.code, change, entropy=entropy)


@contextlib.asynccontextmanager
async def served(settings: Settings, log: Path) -> AsyncIterator[Process]:
    """Run `ggzy serve` on this sandbox until the block ends; its log goes to a file."""
    environment = os.environ | {
        "GGZY_DATA_DIR": str(settings.data_dir),
        "GGZY_SANDBOX": "true",
        "GGZY_PORT": str(settings.port),
        "GGZY_WORKERS": str(settings.workers),
        "GGZY_PASSWORD_MEMORY": str(settings.password_memory),
    }
    command = (sys.executable, "-m", "api.cli", "serve")
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        await _answering(process, settings.port, log)
        yield process
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    """Let the server end as on Ctrl-C, and make an end of it if it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _answering(process: Process, port: int, log: Path) -> None:
    """Return when the server is ready; GgzyError ``demo.no_server`` names its log if it never is."""
    async with httpx.AsyncClient() as http:
        for _ in range(int(PATIENCE / 0.1)):
            if process.returncode is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)
    raise GgzyError("demo.no_server", Kind.UNAVAILABLE, log=str(log))
