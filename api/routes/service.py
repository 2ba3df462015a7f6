"""The installation itself: what it is, whether it works, the sandbox's clock."""

import asyncio
from datetime import datetime
from importlib.metadata import version
from typing import Annotated

import msgspec
from litestar import Controller, MediaType, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api import sandbox
from api.wiring import Installation
from kernel import database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

PATIENCE = 5.0  # seconds that a readiness check may take


class About(msgspec.Struct, frozen=True):
    """What this installation is; `now` is the time that decides deadlines."""

    name: str
    version: str
    sandbox: bool
    now: datetime
    log_vkey: str
    """The log's key, to be pinned (C2SP signed-note verifier key)."""
    tsa_chain: str
    """The time authority's certificates (PEM), to be pinned."""


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a sandbox's clock is to be moved."""

    advance_to: Annotated[datetime, msgspec.Meta(tz=True)]


class Moment(msgspec.Struct, frozen=True):
    """The time that the clock shows."""

    now: datetime


class InstallationController(Controller):
    """What this installation is, and its clock."""

    path = "/api/v1"
    tags = ("installation",)

    @get("/installation", summary="What this installation is, its time, and the keys to pin")
    async def about(self, session: AsyncSession, installation: Installation) -> About:
        """Tell name, version, time and public keys; for everybody."""
        return About(
            installation.settings.name,
            version("ggzy"),
            installation.settings.sandbox,
            await database.now(session),
            installation.signer.vkey,
            installation.chain_pem.decode(),
        )

    @post("/sandbox/clock", status_code=200, summary="Move a sandbox's clock forward")
    async def advance(self, data: Advance, session: AsyncSession, actor: Actor, entropy: Entropy) -> Moment:
        """Move the clock of a sandbox; it does not exist elsewhere."""
        return Moment(await sandbox.advance(session, actor, data.advance_to, entropy=entropy))


@get("/healthz", media_type=MediaType.TEXT, include_in_schema=False)
async def healthz() -> str:
    """Tell that this process answers."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT, include_in_schema=False)
async def readyz(session: AsyncSession, installation: Installation) -> str:
    """Tell that database and store answer too."""
    try:
        async with asyncio.timeout(PATIENCE):
            await database.now(session)
            await installation.store.size("probe/ready")
    except TimeoutError as error:
        raise GgzyError("server.not_ready", Kind.UNAVAILABLE) from error
    return "ok"


HANDLERS = (healthz, readyz)
