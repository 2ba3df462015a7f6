"""A forgotten password: a link by mail, good once and for half an hour, which lets one set another password.

Whoever asks is told the same whether the person exists or not. The link's secret is made when its mail goes out and
rests nowhere but as its SHA-256. It opens no session: signing in afterwards asks for the second factor as ever.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import counting
from api.accounts import credentials, login, services
from api.accounts.tables import Account, PasswordReset
from archive import trail
from kernel.actor import ANONYMOUS
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

LIFE = timedelta(minutes=30)
# As many mails go to a person in the time that a link lives, so that strangers who ask cannot keep the owner from one.
MAILS_PER_PERSON, ASKED_PER_ADDRESS = 3, 20
PEOPLE_PER_MAILBOX = 5
SECRET_SIZE = 32


async def admit(sessions: Sessions, address: str) -> None:
    """Count a wish from this address in a transaction of its own; ``login.too_many``."""
    async with sessions.begin() as session:
        asked = await counting.count(session, f"forgotten/@{address}", LIFE)
    if asked > ASKED_PER_ADDRESS:
        raise GgzyError("login.too_many", Kind.TOO_MANY, minutes=int(LIFE.total_seconds() // 60))


async def ask(session: AsyncSession, wanted: str, *, entropy: Entropy) -> None:
    """Have a link sent to whoever has this login or mail address, if they gave an address; returns the same for all.

    Records ``password.reset_asked``, which the mail follows (`api.mail_rules`); after three of a person no more.
    """
    name = wanted.strip().lower()
    one = or_(Account.login == name, func.lower(Account.email) == name)
    query = select(Account.id).where(one, Account.email != "", Account.disabled_at.is_(None)).limit(PEOPLE_PER_MAILBOX)
    for user_id in (await session.scalars(query)).all():
        if await counting.count(session, f"forgotten/{user_id}", LIFE) <= MAILS_PER_PERSON:
            await trail.record(session, ANONYMOUS, "password.reset_asked", {"user": str(user_id)}, entropy=entropy)


async def make(session: AsyncSession, user_id: UUID, *, entropy: Entropy) -> str:
    """Return the secret of a fresh link for a person, as its mail goes out."""
    secret = entropy.token(SECRET_SIZE).hex()
    row = {"hash": credentials.digest(secret), "user_id": user_id}
    await session.execute(insert(PasswordReset).values(**row, expires_at=func.clock_timestamp() + LIFE))
    return secret


async def whose(session: AsyncSession, secret: str) -> str:
    """Return the login whose password a link lets one set; ``reset.spent`` for any that does not, or no more."""
    query = select(Account.login).join(PasswordReset, PasswordReset.user_id == Account.id)
    found: str | None = await session.scalar(query.where(_good(secret), Account.disabled_at.is_(None)))
    if found is None:
        raise _spent()
    return found


async def use(session: AsyncSession, secret: str, password_hash: str, *, entropy: Entropy) -> None:
    """Set the password by a link, once; all the person's sessions, tokens and links end. Records ``password.reset``."""
    user_id = await session.scalar(select(PasswordReset.user_id).where(_good(secret)))
    if user_id is None:
        raise _spent()
    account = await session.get_one(Account, user_id, with_for_update=True)  # links of one person wait for each other
    used = delete(PasswordReset).where(_good(secret)).returning(PasswordReset.hash)
    if await session.scalar(used) is None or account.disabled_at is not None:
        raise _spent()
    person = await services.actor(session, user_id)
    await login.replace_password(session, user_id, password_hash)
    await trail.record(session, person, "password.reset", {}, entropy=entropy)


def _good(secret: str) -> ColumnElement[bool]:
    fresh = PasswordReset.expires_at > func.clock_timestamp()
    return (PasswordReset.hash == credentials.digest(secret)) & fresh


def _spent() -> GgzyError:
    return GgzyError("reset.spent", Kind.NOT_FOUND)
