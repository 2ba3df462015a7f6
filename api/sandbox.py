"""Sandbox mode: whether this database is one, once and for ever, and its clock, which only moves forward.

The clock is an offset in the database that every process reads, so that the database's and the authority's clock move
together (docs/decisions/sandbox-clock.md).
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.tables import InstallationRow
from archive import trail
from archive.timestamp import Authority, Service
from kernel import database
from kernel.actor import Actor
from kernel.clock import SystemClock, isoformat
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit


class SandboxClock:
    """The machine's clock with the offset that was last read from the database."""

    def __init__(self) -> None:
        """Start without an offset."""
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Return the machine's time, moved."""
        return SystemClock(self.offset).now()

    async def follow(self, session: AsyncSession) -> None:
        """Read the offset as it stands now."""
        self.offset = await session.scalar(select(InstallationRow.clock_offset)) or timedelta(0)


class SandboxAuthority:
    """An authority whose clock follows the database's offset before every stamp."""

    def __init__(self, authority: Authority, clock: SandboxClock, sessions: Sessions) -> None:
        """Wrap an authority built on `clock`; `sessions` needs a pool of its own: requests would wait in turn."""
        self._authority, self._clock, self._sessions = authority, clock, sessions

    async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
        """Return a token of the sandbox's time."""
        async with self._sessions() as session:
            await self._clock.follow(session)
        return await self._authority.stamp(digest, at=at)

    async def answer(self, query: bytes, *, at: datetime) -> bytes:
        """Answer an outsider with the sandbox's time; an authority that serves no outsiders refuses."""
        if not isinstance(self._authority, Service):
            raise not_found("timestamp")
        async with self._sessions() as session:
            await self._clock.follow(session)
        return await self._authority.answer(query, at=at)


async def declare(session: AsyncSession, *, sandbox: bool) -> None:
    """Write at first start what this database is; later refuse the other: ``installation.earnest``, ``.sandbox``."""
    await session.execute(insert(InstallationRow).values(id=1, sandbox=sandbox).on_conflict_do_nothing())
    if await session.scalar(select(InstallationRow.sandbox)) != sandbox:
        raise GgzyError("installation.earnest" if sandbox else "installation.sandbox", Kind.CONFLICT)


async def advance(session: AsyncSession, actor: Actor, to: datetime, *, entropy: Entropy) -> datetime:
    """Move a sandbox's clock forward to `to` and return the time that it shows; records ``clock.advanced``.

    Raises ``clock.not_sandbox`` in earnest and ``clock.backward`` for a time that has passed.
    """
    row = await session.get(InstallationRow, 1, with_for_update=True, populate_existing=True)
    if row is None or not row.sandbox:
        raise GgzyError("clock.not_sandbox", Kind.NOT_FOUND)
    permit(policy.may_move_clock(actor))
    before = await database.now(session)
    if to < before:
        raise GgzyError("clock.backward", Kind.CONFLICT, now=isoformat(before))
    moved = InstallationRow.clock_offset + (to - before)
    await session.execute(update(InstallationRow).values(clock_offset=moved))
    after = await database.now(session)
    data = {"before": isoformat(before), "after": isoformat(after)}
    await trail.record(session, actor, "clock.advanced", data, entropy=entropy, at=after)
    return after
