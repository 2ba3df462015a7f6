"""Names of accounts for those who may read the trail, many by one query."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import Account


async def of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these accounts that exist."""
    query = select(Account).where(Account.id.in_(set(ids)))
    return {account.id: account.name for account in await session.scalars(query)}


async def by_login(session: AsyncSession, login: str) -> UUID | None:
    """Return the account with this login, None when there is none."""
    return (await session.execute(select(Account.id).where(Account.login == login))).scalar_one_or_none()
