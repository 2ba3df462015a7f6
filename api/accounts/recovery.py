"""Recovery codes: ten random codes on paper, each good once in place of a second factor."""

import hashlib
import re
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import RecoveryCode
from archive import trail
from kernel.actor import Actor
from kernel.entropy import Entropy

COUNT = 10
# 16 of 31 letters are 79 bits. Read aloud or typed from paper in any case: no 0, 1, i, l, o.
LETTERS, LENGTH, GROUP = "23456789abcdefghjkmnpqrstuvwxyz", 16, 4
_CONTEXT = b"ggzy/recovery-code/v1\0"


async def make(session: AsyncSession, actor: Actor, *, entropy: Entropy) -> tuple[str, ...]:
    """Give ten fresh codes, shown this once; earlier ones end. Records ``recovery_codes.made``."""
    await forget(session, actor.user_id)
    codes = tuple(_invent(entropy) for _ in range(COUNT))
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


def _invent(entropy: Entropy) -> str:
    """Return a random code in groups of four; bytes that would favour some letters are passed over."""
    letters = ""
    fair = 256 - 256 % len(LETTERS)
    while len(letters) < LENGTH:
        letters += "".join(LETTERS[byte % len(LETTERS)] for byte in entropy.token(LENGTH) if byte < fair)
    return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def _digest(user_id: UUID, code: str) -> bytes:
    """Return what is kept of a code; it is random, so a plain hash is enough."""
    letters = re.sub(r"[\s-]", "", code).lower()
    return hashlib.sha256(_CONTEXT + user_id.bytes + letters.encode()).digest()
