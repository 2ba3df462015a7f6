"""What runs beside the requests: the log's sequencer with its heartbeats and stamps, openings, calls, housekeeping.

Every worker runs them; advisory locks in the database let one at a time do the work.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import delete, func

from api import mail, mail_sender, openings
from api.accounts.login import KNOWN_FOR
from api.accounts.tables import Credential, KnownAddress, PasswordReset
from api.sandbox import SandboxClock
from api.tables import Counter, StoredAnswer
from api.wiring import Installation
from archive import sequencer
from experts import invitations
from kernel import database
from trading import file_parts

log = structlog.get_logger(__name__)

STAMP_EVERY = 60.0  # seconds
CLEAN_EVERY = 600.0
OPEN_EVERY = 2.0
EXPIRE_EVERY = 5.0
FOLLOW_EVERY = 1.0
MESSAGES_EVERY = 1.0
MAILS_EVERY = 5.0
ANSWERS_KEPT = timedelta(days=7)
COUNTERS_KEPT = timedelta(days=1)
CREDENTIALS_KEPT = timedelta(days=400)


@contextlib.asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[None]:
    """Run the jobs while the body runs."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_repeat(sequence, installation, installation.settings.sequence_every)),
            group.create_task(_repeat(stamp, installation, STAMP_EVERY)),
            group.create_task(_repeat(clean, installation, CLEAN_EVERY)),
            group.create_task(_repeat(openings.resume, installation, OPEN_EVERY)),
            group.create_task(_repeat(openings.sweep, installation, CLEAN_EVERY)),
            group.create_task(_repeat(sweep_parts, installation, CLEAN_EVERY)),
            group.create_task(_repeat(expire_calls, installation, EXPIRE_EVERY)),
            group.create_task(_repeat(mail.follow, installation, MESSAGES_EVERY)),
            group.create_task(_repeat(mail_sender.send, installation, MAILS_EVERY)),
            group.create_task(_repeat(follow_clock, installation, FOLLOW_EVERY)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def sequence(installation: Installation) -> None:
    """Run one batch of the log."""
    async with installation.sessions.begin() as session:
        await sequencer.sequence(session, installation.signer, entropy=installation.entropy)


async def stamp(installation: Installation) -> None:
    """Have the newest checkpoint stamped with the time."""
    async with installation.sessions.begin() as session:
        if await database.try_lock(session, "jobs/stamp"):
            await sequencer.stamp(session, installation.authority)


async def clean(installation: Installation) -> None:
    """Forget answers, counters, credentials, links and addresses that nobody will ask for again."""
    async with installation.sessions.begin() as session:
        now = func.clock_timestamp()
        await session.execute(delete(StoredAnswer).where(StoredAnswer.made_at < now - ANSWERS_KEPT))
        await session.execute(delete(Counter).where(Counter.slot < now - COUNTERS_KEPT))
        await session.execute(delete(Credential).where(Credential.expires_at < now - CREDENTIALS_KEPT))
        await session.execute(delete(PasswordReset).where(PasswordReset.expires_at < now))
        await session.execute(delete(KnownAddress).where(KnownAddress.seen_at < now - KNOWN_FOR))


async def sweep_parts(installation: Installation) -> None:
    """Throw away parts of files that nobody has gone on with for a day."""
    async with installation.sessions() as session:
        left = await file_parts.overdue(session)
    for by, sha256 in left:
        await file_parts.sweep(installation.store, by, sha256)
        async with installation.sessions.begin() as session:
            await file_parts.forget(session, by, sha256)


async def expire_calls(installation: Installation) -> None:
    """Let experts' calls time out whose hour has passed, each draw in a transaction of its own."""
    async with installation.sessions.begin() as session:
        if not await database.try_lock(session, "jobs/calls"):
            return
        for draw_id in await invitations.overdue(session):
            async with installation.sessions.begin() as own:
                await invitations.expire(own, draw_id, entropy=installation.entropy)


async def follow_clock(installation: Installation) -> None:
    """Let the time that this worker's pages show follow a sandbox's clock."""
    if isinstance(installation.clock, SandboxClock):
        async with installation.sessions() as session:
            await installation.clock.follow(session)


async def _repeat(job: Callable[[Installation], Awaitable[None]], installation: Installation, every: float) -> None:
    """Do the job again and again; a failure is logged and tried again, longer apart while it lasts."""
    pause = every
    while True:
        try:
            await job(installation)
            pause = every
        except Exception:
            log.exception("job.failed", job=job.__name__)
            pause = min(pause * 2, 30.0) if pause < 30.0 else pause  # noqa: PLR2004 - seconds
        await asyncio.sleep(pause)
