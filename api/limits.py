"""How much one person, or one address that nobody signed in from, may write in a minute, over all workers.

A generous bucket: a bid of 2 GiB is 256 parts. Tighter limits stand where they belong: sign-in (`accounts.login`),
second factors (`accounts.proof`), registration, uploads (`bidding.uploads`).
"""

from datetime import timedelta

from litestar.types import HTTPScope

from api import address, counting
from api.wiring import Installation
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError, Kind

WINDOW = timedelta(minutes=1)


async def admit(installation: Installation, scope: HTTPScope, actor: Actor) -> None:
    """Count a write in a transaction of its own; ``request.too_many`` with the seconds to wait."""
    settings = installation.settings
    who = f"@{address.of(scope, settings.trusted_proxies)}" if actor == ANONYMOUS else str(actor.user_id)
    async with installation.sessions.begin() as session:
        writes = await counting.count(session, f"write/{who}", WINDOW)
    if writes > settings.writes_per_minute:
        raise GgzyError("request.too_many", Kind.TOO_MANY, seconds=int(WINDOW.total_seconds()))
