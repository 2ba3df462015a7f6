"""Browser sessions and tokens: 32 random bytes in the person's hand, their SHA-256 with us.

Their lifetimes run in real time: moving a sandbox's clock signs nobody out.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.policy import Assurance
from api.accounts.tables import Account, Credential, PasswordReset
from archive import trail
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import not_found

SESSION_LIFE = timedelta(hours=12)
TOKEN_LIFE = timedelta(days=90)
FRESH = timedelta(minutes=10)
"""How long showing who one is lets one do what needs it (`policy.must_confirm`)."""
LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh credential; `secret` is shown this once."""

    id: UUID
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A credential that a person holds, without its secret."""

    id: UUID
    kind: str
    label: str
    made_at: datetime
    expires_at: datetime
    proven: bool
    """A second factor was shown for it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a credential is."""

    credential_id: UUID
    user_id: UUID
    assurance: Assurance


async def issue(
    session: AsyncSession, actor: Actor, kind: str, label: str, *, entropy: Entropy, proof: str | None = None
) -> Issued:
    """Give the actor a new ``session`` or ``token``; records ``session.opened`` or ``token.issued``.

    `proof` says what second factor was shown for it (`api.accounts.proof`); None: none.
    """
    shown = {"proven_at": func.clock_timestamp()} if proof is not None else {}
    return await _issue(session, actor, kind, label, proof=proof, shown=shown, entropy=entropy)


async def rise(
    session: AsyncSession,
    actor: Actor,
    credential_id: UUID,
    proof: str | None,
    *,
    confirmed: bool = False,
    entropy: Entropy,
) -> Issued | None:
    """Note what was just shown for a credential: a second factor (`proof`), or who one is altogether (`confirmed`).

    A token keeps its secret: None; records ``credential.proven`` or ``credential.confirmed``. A browser's session gets
    a new one, so that nobody who knows the old one comes along; records ``session.opened``.
    """
    row = await session.scalar(select(Credential).where(*_mine(actor, credential_id)).with_for_update())
    if row is None:
        raise not_found("credential")
    proven_at = row.proven_at if proof is None else func.clock_timestamp()
    shown = {"proven_at": proven_at, "confirmed_at": func.clock_timestamp() if confirmed else row.confirmed_at}
    mine = update(Credential).where(Credential.id == credential_id)
    if row.kind == "session":
        await session.execute(mine.values(revoked_at=func.clock_timestamp()))
        return await _issue(session, actor, row.kind, row.label, proof=proof, shown=shown, entropy=entropy)
    await session.execute(mine.values(**shown))
    event = "credential.confirmed" if confirmed else "credential.proven"
    await trail.record(session, actor, event, {"credential": str(credential_id), "proof": proof}, entropy=entropy)
    return None


async def revoke(session: AsyncSession, actor: Actor, credential_id: UUID, *, entropy: Entropy) -> None:
    """End a credential of the actor's own; records ``credential.revoked``."""
    ended = (
        update(Credential)
        .where(*_mine(actor, credential_id))
        .values(revoked_at=func.clock_timestamp())
        .returning(Credential.id)
    )
    if await session.scalar(ended) is None:
        raise not_found("credential")
    await trail.record(session, actor, "credential.revoked", {"credential": str(credential_id)}, entropy=entropy)


async def forget(session: AsyncSession, secret: str) -> None:
    """End the session of this secret, as a new one takes its place."""
    old = (Credential.hash == digest(secret), Credential.revoked_at.is_(None))
    await session.execute(update(Credential).where(*old).values(revoked_at=func.clock_timestamp()))


async def revoke_all(session: AsyncSession, user_id: UUID) -> None:
    """End every credential of a person, as their password changed or their account was closed; their links too."""
    theirs = (Credential.user_id == user_id, Credential.revoked_at.is_(None))
    await session.execute(update(Credential).where(*theirs).values(revoked_at=func.clock_timestamp()))
    await session.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))


async def held(session: AsyncSession, actor: Actor) -> list[Held]:
    """Return the actor's valid credentials, newest first."""
    valid = (
        Credential.user_id == actor.user_id,
        Credential.revoked_at.is_(None),
        Credential.expires_at > func.clock_timestamp(),
    )
    rows = await session.scalars(select(Credential).where(*valid).order_by(Credential.made_at.desc()).limit(200))
    return [Held(row.id, row.kind, row.label, row.made_at, row.expires_at, row.proven_at is not None) for row in rows]


async def owner(session: AsyncSession, secret: str, kind: str) -> Owner | None:
    """Return whose valid credential this is; None for any other."""
    fresh = Credential.confirmed_at > func.clock_timestamp() - FRESH
    statement = (
        select(Credential.id, Account.id, Credential.proven_at.is_not(None), fresh)
        .join(Account, Credential.user_id == Account.id)
        .where(
            Credential.hash == digest(secret),
            Credential.kind == kind,
            Credential.revoked_at.is_(None),
            Credential.expires_at > func.clock_timestamp(),
            Account.disabled_at.is_(None),
        )
    )
    found = (await session.execute(statement)).one_or_none()
    return Owner(found[0], found[1], Assurance(*found[2:])) if found is not None else None


def digest(secret: str) -> bytes:
    """Return what is kept of a secret; it is random, so a plain hash is enough and reveals nothing."""
    return hashlib.sha256(b"ggzy/credential/v1\0" + secret.encode()).digest()


def csrf(secret: str) -> str:
    """Return the CSRF token that belongs to a browser session."""
    return hashlib.sha256(b"ggzy/csrf/v1\0" + secret.encode()).hexdigest()


async def _issue(
    session: AsyncSession,
    actor: Actor,
    kind: str,
    label: str,
    *,
    proof: str | None,
    shown: dict[str, Any],
    entropy: Entropy,
) -> Issued:
    """Insert a credential with the times at which something was `shown` for it, and record it."""
    secret = base64.urlsafe_b64encode(entropy.token(32)).rstrip(b"=").decode()
    life = SESSION_LIFE if kind == "session" else TOKEN_LIFE
    number = new_id(entropy)
    row = {"id": number, "hash": digest(secret), "user_id": actor.user_id, "kind": kind, "label": label[:LONGEST_LABEL]}
    statement = insert(Credential).values(**row, **shown, expires_at=func.clock_timestamp() + life)
    expires_at = (await session.execute(statement.returning(Credential.expires_at))).scalar_one()
    event = "session.opened" if kind == "session" else "token.issued"
    await trail.record(session, actor, event, {"credential": str(number), "proof": proof}, entropy=entropy)
    return Issued(number, secret, expires_at)


def _mine(actor: Actor, credential_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (Credential.id == credential_id, Credential.user_id == actor.user_id, Credential.revoked_at.is_(None))
