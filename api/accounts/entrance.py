"""Coming in: password first, then the second factor; what API and pages both do with a session.

A session gets a new secret whenever it comes to more rights (sign-in, second factor), so that nobody can fix it before.
"""

from dataclasses import dataclass
from typing import Any

from litestar.datastructures import Cookie
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import authentication, credentials, factors, login, passkeys, policy, proof, services
from api.accounts.authentication import Presented
from api.accounts.credentials import Issued
from api.wiring import Installation
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, permit


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in: the second factor that was shown, if any, and whether one is still awaited."""

    actor: Actor
    proof: str | None
    pending: bool
    enrolled: bool


async def enter(installation: Installation, name: str, password: str, code: str, address: str) -> Entered:
    """Check the password and, where one is given, the one-time or recovery code.

    Raises ``login.wrong``, ``login.too_many``, ``factor.wrong``. Each try is counted (`login.sign_in`, `proof`).
    """
    sessions = installation.sessions
    person = await login.sign_in(sessions, installation.passwords, name, password, address)
    shown = await proof.by_code(sessions, installation.vault, person.user_id, code) if code else None
    async with sessions() as session:
        standing = await services.standing(session, person.user_id, proven=shown is not None)
    return Entered(standing.actor, shown, standing.pending, standing.enrolled)


def require_code(entered: Entered) -> None:
    """Refuse a token to who has a factor and did not show it (``factor.required``); who has none may enrol with it."""
    if entered.pending and entered.enrolled:
        raise GgzyError("factor.required", Kind.UNAUTHENTICATED)


async def show(installation: Installation, actor: Actor, code: str, answer: dict[str, Any] | None) -> str:
    """Take a second factor of the actor's, a browser's answer by a passkey or else a code, and tell its kind.

    Raises ``factor.wrong``, ``factor.no_challenge``, ``login.too_many``.
    """
    if answer is not None:
        party = installation.settings.relying_party
        return await passkeys.prove(installation.sessions, actor.user_id, answer, party)
    return await proof.by_code(installation.sessions, installation.vault, actor.user_id, code)


async def confirm(
    installation: Installation,
    session: AsyncSession,
    actor: Actor,
    presented: Presented,
    password: str,
    *,
    code: str = "",
    answer: dict[str, Any] | None = None,
) -> Issued | None:
    """Have a person show once more who they are: the password, and a second factor where they have one.

    What `policy.must_confirm` guards is then theirs for ten minutes. Returns the new session that a browser gets.
    Raises ``login.wrong``, ``factor.required`` and what `show` raises.
    """
    permit(policy.must_be_person(actor))
    await login.check_password(installation.sessions, installation.passwords, actor, password)
    shown = None
    if await factors.enrolled(session, actor.user_id):
        if not code and answer is None:
            raise GgzyError("factor.required", Kind.UNAUTHENTICATED)
        shown = await show(installation, actor, code, answer)
    entropy = installation.entropy
    return await credentials.rise(session, actor, presented.credential_id, shown, confirmed=True, entropy=entropy)


def cookie(installation: Installation, secret: str) -> Cookie:
    """Return the cookie of a session."""
    return _cookie(installation, secret, int(credentials.SESSION_LIFE.total_seconds()))


def no_cookie(installation: Installation) -> Cookie:
    """Return the cookie that takes a session's away."""
    return _cookie(installation, "", 0)


def _cookie(installation: Installation, value: str, life: int) -> Cookie:
    return Cookie(
        key=authentication.cookie_name(installation.settings),
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=installation.settings.cookies_over_https_only,
        max_age=life,
    )
