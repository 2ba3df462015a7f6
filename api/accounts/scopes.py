"""What the scope of a grant stands for: the name of a site or of a party, as people read it."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import EVERYWHERE
from trading import parties, sites


async def named(session: AsyncSession, scopes: Iterable[str]) -> dict[str, str]:
    """Return the names of these scopes (``site:…``, ``party:…``), by one query each; everywhere is left out.

    A scope that nothing is known of stands for its own code.
    """
    codes = {scope: scope.partition(":")[2] for scope in scopes if scope != EVERYWHERE}
    known = {one.code: one.name for one in await sites.page(session)} | await parties.names(
        session, set(codes.values())
    )
    return {scope: known.get(code, code) for scope, code in codes.items()}
