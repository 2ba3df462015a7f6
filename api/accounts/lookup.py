"""A person found by the login that they gave: for whoever is to name somebody (an expert's account, a representative).

Callers decide first whether the one who asks may name anybody; who may not must not learn which logins exist.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import Account
from kernel.errors import not_found


@dataclass(frozen=True, slots=True)
class Known:
    """A person who can sign in."""

    user_id: UUID
    name: str


async def by_login(session: AsyncSession, login: str) -> Known:
    """Return the person with this login; ``account.not_found`` for a login that does not exist or is closed."""
    query = select(Account.id, Account.name).where(
        Account.login == login.strip().lower(), Account.disabled_at.is_(None)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise not_found("account")
    return Known(found.id, found.name)
