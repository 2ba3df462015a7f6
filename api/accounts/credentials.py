"""Browser sessions and tokens: 32 random bytes in the person's hand, their SHA-256 with us.

Their lifetimes run in real time: moving a sandbox's clock signs nobody out.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import Account, Credential
from archive import trail
from kernel.actor import Actor
from kernel.entropy import Entropy, new_id
from kernel.errors import not_found

SESSION_LIFE = timedelta(hours=12)
TOKEN_LIFE = timedelta(days=90)
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
    proven: bool


async def issue(
    session: AsyncSession, actor: Actor, kind: str, label: str, *, entropy: Entropy, proof: str | None = None
) -> Issued:
    """Give the actor a new ``session`` or ``token``; records ``session.opened`` or ``token.issued``.

    `proof` says what second factor was shown for it (`api.accounts.proof`); None: none.
    """
    secret = base64.urlsafe_b64encode(entropy.token(32)).rstrip(b"=").decode()
    life = SESSION_LIFE if kind == "session" else TOKEN_LIFE
    number = new_id(entropy)
    row = {"id": number, "hash": digest(secret), "user_id": actor.user_id, "kind": kind}
    if proof is not None:
        row["proven_at"] = func.clock_timestamp()
    statement = insert(Credential).values(**row, label=label[:LONGEST_LABEL], expires_at=func.clock_timestamp() + life)
    expires_at = (await session.execute(statement.returning(Credential.expires_at))).scalar_one()
    event = "session.opened" if kind == "session" else "token.issued"
    await trail.record(session, actor, event, {"credential": str(number), "proof": proof}, entropy=entropy)
    return Issued(number, secret, expires_at)


async def prove(session: AsyncSession, actor: Actor, credential_id: UUID, proof: str, *, entropy: Entropy) -> None:
    """Note that a second factor was shown for a credential of the actor's; records ``credential.proven``."""
    mine = (Credential.id == credential_id, Credential.user_id == actor.user_id, Credential.revoked_at.is_(None))
    proven = update(Credential).where(*mine).values(proven_at=func.clock_timestamp()).returning(Credential.id)
    if await session.scalar(proven) is None:
        raise not_found("credential")
    data = {"credential": str(credential_id), "proof": proof}
    await trail.record(session, actor, "credential.proven", data, entropy=entropy)


async def replace(session: AsyncSession, actor: Actor, credential_id: UUID, proof: str, *, entropy: Entropy) -> Issued:
    """Give the actor a new session in place of this one, proven; records ``session.opened``."""
    mine = (Credential.id == credential_id, Credential.user_id == actor.user_id, Credential.revoked_at.is_(None))
    ended = update(Credential).where(*mine).values(revoked_at=func.clock_timestamp()).returning(Credential.label)
    label = await session.scalar(ended)
    if label is None:
        raise not_found("credential")
    return await issue(session, actor, "session", label, entropy=entropy, proof=proof)


async def revoke(session: AsyncSession, actor: Actor, credential_id: UUID, *, entropy: Entropy) -> None:
    """End a credential of the actor's own; records ``credential.revoked``."""
    mine = (Credential.id == credential_id, Credential.user_id == actor.user_id, Credential.revoked_at.is_(None))
    ended = update(Credential).where(*mine).values(revoked_at=func.clock_timestamp()).returning(Credential.id)
    if await session.scalar(ended) is None:
        raise not_found("credential")
    await trail.record(session, actor, "credential.revoked", {"credential": str(credential_id)}, entropy=entropy)


async def forget(session: AsyncSession, secret: str) -> None:
    """End the session of this secret, as a new one takes its place."""
    old = (Credential.hash == digest(secret), Credential.revoked_at.is_(None))
    await session.execute(update(Credential).where(*old).values(revoked_at=func.clock_timestamp()))


async def revoke_all(session: AsyncSession, user_id: UUID) -> None:
    """End every credential of a person, as their password changed or their account was closed."""
    theirs = (Credential.user_id == user_id, Credential.revoked_at.is_(None))
    await session.execute(update(Credential).where(*theirs).values(revoked_at=func.clock_timestamp()))


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
    statement = (
        select(Credential.id, Account.id, Credential.proven_at.is_not(None))
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
    return Owner(*found) if found is not None else None


def digest(secret: str) -> bytes:
    """Return what is kept of a secret; it is random, so a plain hash is enough and reveals nothing."""
    return hashlib.sha256(b"ggzy/credential/v1\0" + secret.encode()).digest()


def csrf(secret: str) -> str:
    """Return the CSRF token that belongs to a browser session."""
    return hashlib.sha256(b"ggzy/csrf/v1\0" + secret.encode()).hexdigest()
