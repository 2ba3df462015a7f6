"""Showing a second factor: a one-time code, a recovery code or a passkey, each good once; tries are counted.

Codes are used up in a transaction of their own, before anything is given for them: what is refused later stays used.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import counting
from api.accounts import factors, recovery, totp
from api.accounts.tables import SecondFactor
from api.accounts.vault import Vault
from kernel.database import Sessions
from kernel.errors import GgzyError, Kind

LIMITS = ((timedelta(minutes=15), 10), (timedelta(days=1), 50))


async def by_code(sessions: Sessions, vault: Vault, user_id: UUID, code: str) -> str:
    """Take a one-time or recovery code of this person and tell which it was (``totp``, ``recovery``).

    Raises ``factor.wrong`` for any other, ``login.too_many``.
    """
    await admit(sessions, user_id)
    async with sessions.begin() as session:
        if await _is_totp(session, vault, user_id, code):
            kind = "totp"
        elif await recovery.use(session, user_id, code):
            kind = "recovery"
        else:
            raise GgzyError("factor.wrong", Kind.UNAUTHENTICATED)
        await _settle(session, user_id)
    return kind


async def admit(sessions: Sessions, user_id: UUID) -> None:
    """Count a try in a transaction of its own; ``login.too_many``."""
    async with sessions.begin() as session:
        for window, limit in LIMITS:
            if await counting.count(session, _counter(user_id, window), window) > limit:
                raise GgzyError("login.too_many", Kind.TOO_MANY, minutes=int(window.total_seconds() // 60))


async def _settle(session: AsyncSession, user_id: UUID) -> None:
    for window, _ in LIMITS:
        await counting.forget(session, _counter(user_id, window))


def _counter(user_id: UUID, window: timedelta) -> str:
    return f"factor/{user_id}/{int(window.total_seconds())}"


async def _is_totp(session: AsyncSession, vault: Vault, user_id: UUID, code: str) -> bool:
    """Use up a code of one of the person's generators: a step that was used, or one before it, counts no more."""
    at = await factors.real_now(session)
    for row in await session.scalars(factors.active(user_id).where(SecondFactor.kind == "totp")):
        step = totp.step(vault.open(row.secret or b""), code.replace(" ", ""), at)
        if step is None:
            continue
        fresh = (SecondFactor.id == row.id, or_(SecondFactor.last_step.is_(None), SecondFactor.last_step < step))
        used = update(SecondFactor).where(*fresh).values(last_step=step).returning(SecondFactor.id)
        return await session.scalar(used) is not None
    return False
