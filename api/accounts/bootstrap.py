"""The first three administrators, made on the machine itself when there are none; their passwords are shown once."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import passwords, services
from api.accounts.passwords import Passwords
from api.accounts.tables import AccountGrant
from kernel import database
from kernel.actor import ADMINS, EVERYWHERE, SYSTEM, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

FIRST = (
    ("sysadmin", "系统管理员", Role.SYSTEM_ADMIN),
    ("secadmin", "安全管理员", Role.SECURITY_ADMIN),
    ("auditadmin", "审计管理员", Role.AUDIT_ADMIN),
)


@dataclass(frozen=True, slots=True)
class First:
    """One of the first administrators with the password to be handed to that person alone."""

    login: str
    name: str
    role: Role
    password: str


async def first_admins(session: AsyncSession, hasher: Passwords, *, entropy: Entropy) -> list[First]:
    """Make the three administrators; ``admin.exist`` when there has ever been one."""
    await database.lock(session, "first_admins")
    if await session.scalar(select(AccountGrant.id).where(AccountGrant.role.in_(ADMINS)).limit(1)) is not None:
        raise GgzyError("admin.exist", Kind.CONFLICT)
    made = []
    for login, name, role in FIRST:
        password = passwords.invent(entropy)
        digest = await hasher.digest(password)
        user = await services.add(session, SYSTEM, login, name, digest, entropy=entropy)
        await services.give(session, SYSTEM, user.id, role, EVERYWHERE, entropy=entropy)
        made.append(First(login, name, role, password))
    return made
