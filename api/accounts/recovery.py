"""Recovery codes: ten random codes on paper, each good once in place of a second factor."""

import hashlib
import re
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import passwords
from api.accounts.tables import RecoveryCode
from archive import trail
from kernel.actor import Actor
from kernel.entropy import Entropy

COUNT = 10
_CONTEXT = b"ggzy/recovery-code/v1\0"


async def make(session: AsyncSession, actor: Actor, *, entropy: Entropy) -> tuple[str, ...]:
    """Give ten fresh codes of 93 bits, shown this once; earlier ones end. Records ``recovery_codes.made``."""
    await forget(session, actor.user_id)
    codes = tuple(passwords.invent(entropy) for _ in range(COUNT))
    rows = [{"hash": _digest(actor.user_id, code), "user_id": actor.user_id} for code in codes]
    await session.execute(insert(RecoveryCode), rows)
    await trail.record(session, actor, "recovery_codes.made", {"count": COUNT}, entropy=entropy)
    return codes


async def use(session: AsyncSession, user_id: UUID, code: str) -> bool:
    """Use a code up; False when it is none of the person's, or was used."""
    fresh = (
        RecoveryCode.hash == _digest(user_id, code), RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None),
    )  # fmt: skip
    used = update(RecoveryCode).where(*fresh).values(used_at=func.clock_timestamp()).returning(RecoveryCode.hash)
    return await session.scalar(used) is not None


async def left(session: AsyncSession, user_id: UUID) -> int:
    """Return how many codes a person has left."""
    fresh = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return int(await session.scalar(select(func.count()).select_from(RecoveryCode).where(*fresh)) or 0)


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Make all codes of a person worthless."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _digest(user_id: UUID, code: str) -> bytes:
    """Return what is kept of a code; it is random, so a plain hash is enough."""
    letters = re.sub(r"[\s-]", "", code)
    return hashlib.sha256(_CONTEXT + user_id.bytes + letters.encode()).digest()
