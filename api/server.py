"""The server as a process: embedded PostgreSQL if need be, schema, granian with its workers, all gone at the end."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator

from granian import Granian
from granian.constants import Interfaces
from litestar import Litestar
from pydantic import SecretStr

from api import logging, schema
from api.app import build
from api.embedded import running
from api.settings import Settings
from api.wiring import installed
from kernel.errors import GgzyError, Kind

PR_SET_PDEATHSIG = 1
PARENT = "GGZY_SERVER_PID"
BACKLOG = 4096
MAX_REQUESTS = 8192  # per worker and at once: whoever watches an opening holds one for as long as it lasts


@contextlib.contextmanager
def prepared(settings: Settings) -> Iterator[Settings]:
    """Yield the settings with a database that runs and is migrated; an embedded one stops at the end."""
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            url = stack.enter_context(running(settings.data_dir))
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
        assert settings.database_url is not None  # noqa: S101 - set just above
        schema.upgrade(settings.database_url.get_secret_value())
        yield settings


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; GgzyError ``server.port_taken`` where another server listens already."""
    logging.configure()
    _require_free(settings.host, settings.port)
    with prepared(settings) as ready:
        asyncio.run(_first_start(ready))
        _hand_over(ready)
        # Workers must not be forked: they would hold the lock of the embedded database, and inherit its threads.
        multiprocessing.set_start_method("spawn", force=True)
        Granian(
            "api.server:worker",
            factory=True,
            address=ready.host,
            port=ready.port,
            interface=Interfaces.ASGI,
            workers=ready.workers,
            backlog=BACKLOG,
            backpressure=MAX_REQUESTS,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=10,
            log_enabled=False,
        ).serve()


def _require_free(host: str, port: int) -> None:
    """Refuse a port that another server listens on: workers share theirs, so a second server would start silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that is closing may be taken again
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GgzyError("server.port_taken", Kind.CONFLICT, host=host, port=port) from error


def worker() -> Litestar:
    """Build one worker's application from the environment; the worker dies with the server, however that dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ[PARENT]):
            sys.exit(1)
    logging.configure()
    return build(Settings())


async def _first_start(settings: Settings) -> None:
    """Open once before any worker does, so that mistakes in the settings end the start and not every worker."""
    async with installed(settings):
        pass


def _hand_over(settings: Settings) -> None:
    """Give the settings to the workers through the environment."""
    os.environ[PARENT] = str(os.getpid())
    for name, value in settings.model_dump(exclude_none=True).items():
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        os.environ[f"GGZY_{name.upper()}"] = str(plain)
