"""Login and password: checked, tries counted, changed.

Tries are counted by login and address, by login, and by address. An address from which a person has signed in keeps
a counter of its own, so that strangers who use up a login's tries from elsewhere do not lock its owner out.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from api import counting
from api.accounts import credentials, policy, services
from api.accounts.passwords import Passwords
from api.accounts.tables import Account, KnownAddress
from archive import trail
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, permit

TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_LOGIN_AND_ADDRESS, TRIES_PER_LOGIN, TRIES_PER_ADDRESS = 10, 100, 200
KNOWN_FOR = timedelta(days=30)


async def sign_in(sessions: Sessions, passwords: Passwords, login: str, password: str, address: str) -> Actor:
    """Check login and password; one refusal, ``login.wrong``, for all that is wrong; ``login.too_many`` after that.

    Tries are counted in a transaction of their own, so that a refusal does not take back the count. Password checking
    takes its time, so no transaction is open meanwhile.
    """
    login = login.lower()[: services.NAME_LIMIT]
    async with sessions.begin() as session:
        account = await session.scalar(select(Account).where(Account.login == login, Account.disabled_at.is_(None)))
        limits = _limits(login, address, known=account is not None and await _known(session, account.id, address))
        counts = {name: await counting.count(session, name, TRY_WINDOW) for name in sorted(limits)}
    if any(counts[name] > limit for name, limit in limits.items()):
        raise _too_many()
    right = await passwords.fits(account.password if account is not None else None, password)
    if account is None or not right:
        raise GgzyError("login.wrong", Kind.UNAUTHENTICATED)
    async with sessions.begin() as session:
        await counting.forget(session, _at(login, address))
        await _remember(session, account.id, address)
        return await services.actor(session, account.id)


async def check_password(sessions: Sessions, passwords: Passwords, by: Actor, password: str) -> None:
    """Make sure once more that the actor knows their own password; ``login.wrong``, ``login.too_many``."""
    counter = f"password/{by.user_id}"
    async with sessions.begin() as session:
        tries = await counting.count(session, counter, TRY_WINDOW)
        kept = await session.scalar(select(Account.password).where(Account.id == by.user_id))
    if tries > TRIES_PER_LOGIN_AND_ADDRESS:
        raise _too_many()
    if not await passwords.fits(kept, password):
        raise GgzyError("login.wrong", Kind.UNAUTHENTICATED)
    async with sessions.begin() as session:
        await counting.forget(session, counter)


async def change_password(session: AsyncSession, by: Actor, password_hash: str, *, entropy: Entropy) -> None:
    """Set the actor's own password and end all their sessions and tokens; records ``password.changed``."""
    permit(policy.must_be_person(by))
    await replace_password(session, by.user_id, password_hash)
    await trail.record(session, by, "password.changed", {}, entropy=entropy)


async def replace_password(session: AsyncSession, user_id: UUID, password_hash: str) -> None:
    """Set a person's password and end all that the old one opened, for whoever was let in to do so."""
    await session.execute(update(Account).where(Account.id == user_id).values(password=password_hash))
    await credentials.revoke_all(session, user_id)


def _limits(login: str, address: str, *, known: bool) -> dict[str, int]:
    """Return the counters of a try with their limits; from a `known` address the login's own is left alone."""
    limits = {_at(login, address): TRIES_PER_LOGIN_AND_ADDRESS, f"login/@{address}": TRIES_PER_ADDRESS}
    return limits if known else limits | {f"login/{login}": TRIES_PER_LOGIN}


def _at(login: str, address: str) -> str:
    return f"login/{login}@{address}"


async def _known(session: AsyncSession, user_id: UUID, address: str) -> bool:
    lately = KnownAddress.seen_at > func.clock_timestamp() - KNOWN_FOR
    this = (KnownAddress.user_id == user_id, KnownAddress.address == address)
    return await session.scalar(select(KnownAddress.address).where(*this, lately)) is not None


async def _remember(session: AsyncSession, user_id: UUID, address: str) -> None:
    seen = {"seen_at": func.clock_timestamp()}
    here = upsert(KnownAddress).values(user_id=user_id, address=address, **seen)
    await session.execute(here.on_conflict_do_update(index_elements=["user_id", "address"], set_=seen))


def _too_many() -> GgzyError:
    return GgzyError("login.too_many", Kind.TOO_MANY, minutes=int(TRY_WINDOW.total_seconds() // 60))
