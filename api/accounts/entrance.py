"""Coming in: password first, then the second factor; what API and pages both do with a session.

A session gets a new secret whenever it comes to more rights (sign-in, second factor), so that nobody can fix it before.
"""

from dataclasses import dataclass

from litestar.datastructures import Cookie
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import authentication, credentials, proof, services
from api.accounts.authentication import Presented
from api.accounts.credentials import Issued
from api.wiring import Installation
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in: the second factor that was shown, if any, and whether one is still awaited."""

    actor: Actor
    proof: str | None
    pending: bool
    enrolled: bool


async def enter(installation: Installation, login: str, password: str, code: str, address: str) -> Entered:
    """Check the password and, where one is given, the one-time or recovery code.

    Raises ``login.wrong``, ``login.too_many``, ``factor.wrong``. Each try is counted (`services.sign_in`, `proof`).
    """
    sessions = installation.sessions
    person = await services.sign_in(sessions, installation.passwords, login, password, address)
    shown = await proof.by_code(sessions, installation.vault, person.user_id, code) if code else None
    async with sessions() as session:
        standing = await services.standing(session, person.user_id, proven=shown is not None)
    return Entered(standing.actor, shown, standing.pending, standing.enrolled)


def require_code(entered: Entered) -> None:
    """Refuse a token to who has a factor and did not show it (``factor.required``); who has none may enrol with it."""
    if entered.pending and entered.enrolled:
        raise GgzyError("factor.required", Kind.UNAUTHENTICATED)


async def rise(
    session: AsyncSession, actor: Actor, presented: Presented, shown: str, *, entropy: Entropy
) -> Issued | None:
    """Note the second factor that was just shown: a token keeps its secret, a browser's session gets a new one."""
    if not presented.by_cookie:
        await credentials.prove(session, actor, presented.credential_id, shown, entropy=entropy)
        return None
    return await credentials.replace(session, actor, presented.credential_id, shown, entropy=entropy)


def cookie(installation: Installation, secret: str) -> Cookie:
    """Return the cookie of a session."""
    return _cookie(installation, secret, int(credentials.SESSION_LIFE.total_seconds()))


def no_cookie(installation: Installation) -> Cookie:
    """Return the cookie that takes a session's away."""
    return _cookie(installation, "", 0)


def _cookie(installation: Installation, value: str, life: int) -> Cookie:
    return Cookie(
        key=authentication.COOKIE,
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=installation.settings.cookies_over_https_only,
        max_age=life,
    )
