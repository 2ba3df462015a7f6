"""Accounts: made, closed, granted roles, how people stand. Each change is one event; no secret goes into an event."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import credentials, factors, policy
from api.accounts.policy import Assurance
from api.accounts.tables import Account, AccountGrant, DeviceKey, PasswordReset
from archive import trail
from kernel import database
from kernel.actor import PARTY_ROLES, Actor, Grant, Role
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]")
EMAIL = re.compile(r"[^\s@<>,;]{1,100}@[^\s@<>,;]{1,100}")
NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class User:
    """A person's account as administrators see it."""

    id: UUID
    login: str
    name: str
    made_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Given:
    """A role that was given to somebody; `revoked_at` when it was taken again."""

    id: UUID
    user_id: UUID
    role: Role
    scope: str
    granted_by: UUID | None
    granted_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A person as they stand now; `pending`: a second factor is awaited, and until then no role is in their hands."""

    actor: Actor
    pending: bool
    enrolled: bool


async def actor(session: AsyncSession, user_id: UUID, *, proven: bool = False) -> Actor:
    """Return the person with their roles and device key as they stand now; see `standing`."""
    return (await standing(session, user_id, proven=proven)).actor


async def standing(session: AsyncSession, user_id: UUID, *, proven: bool) -> Standing:
    """Return how a person stands with a credential for which a second factor was shown or not (`proven`)."""
    account = await session.get_one(Account, user_id)
    rows = await session.execute(
        select(AccountGrant.role, AccountGrant.scope).where(
            AccountGrant.user_id == user_id, AccountGrant.revoked_at.is_(None)
        )
    )
    key = await session.scalar(
        select(DeviceKey.public_key).where(DeviceKey.user_id == user_id, DeviceKey.revoked_at.is_(None))
    )
    held = frozenset(Grant(Role(role), scope) for role, scope in rows)
    enrolled = proven or await factors.enrolled(session, user_id)  # what was shown was enrolled
    pending = not proven and policy.must_prove({grant.role for grant in held}, enrolled=enrolled)
    return Standing(Actor(user_id, account.name, frozenset() if pending else held, key), pending, enrolled)


async def make_user(
    session: AsyncSession, by: Actor, login: str, name: str, password_hash: str, *, entropy: Entropy
) -> User:
    """Make an account without any role; records ``account.made``. For the system administrator."""
    permit(policy.may_make_user(by))
    return await add(session, by, login, name, password_hash, entropy=entropy)


async def add(session: AsyncSession, by: Actor, login: str, name: str, password_hash: str, *, entropy: Entropy) -> User:
    """Make an account for whoever was let in otherwise (first administrators, self-registration)."""
    if LOGIN.fullmatch(login) is None or not 0 < len(name.strip()) <= NAME_LIMIT:
        raise GgzyError("account.bad_login")
    await database.lock(session, f"login/{login}")
    if await session.scalar(select(Account.id).where(Account.login == login)) is not None:
        raise GgzyError("account.login_taken", Kind.CONFLICT)
    at = await database.now(session)
    user = User(new_id(entropy), login, name.strip(), at, None)
    row = {"id": user.id, "login": login, "name": user.name, "password": password_hash, "made_at": at}
    await session.execute(insert(Account).values(**row))
    await trail.record(session, by, "account.made", {"user": str(user.id), "login": login}, entropy=entropy, at=at)
    return user


async def close(session: AsyncSession, by: Actor, user_id: UUID, *, entropy: Entropy) -> None:
    """Close an account for ever and end its sessions; records ``account.closed``.

    Raises ``account.administrator``: an administrator's role is first taken by the security administrator.
    """
    permit(policy.may_make_user(by))
    permit(policy.may_close(frozenset(one.role for one in await _active(session, user_id))))
    at = await database.now(session)
    open_one = (Account.id == user_id, Account.disabled_at.is_(None))
    if await session.scalar(update(Account).where(*open_one).values(disabled_at=at).returning(Account.id)) is None:
        raise not_found("account")
    await credentials.revoke_all(session, user_id)
    await trail.record(session, by, "account.closed", {"user": str(user_id)}, entropy=entropy, at=at)


async def users(session: AsyncSession, by: Actor, wanted: str = "", *, roleless: bool = False) -> list[User]:
    """Return accounts, oldest first; for administrators.

    `wanted` is a part of the login or the name; `roleless` leaves those that are open and hold no role.
    """
    permit(policy.may_see_users(by))
    query = select(Account).order_by(Account.made_at).limit(10_000)
    if wanted:
        part = wanted.strip().lower()
        query = query.where(or_(Account.login.contains(part, autoescape=True), _named(part)))
    if roleless:
        query = query.where(Account.disabled_at.is_(None), Account.id.not_in(_holders()))
    return [_user(row) for row in await session.scalars(query)]


async def user(session: AsyncSession, by: Actor, user_id: UUID) -> User:
    """Return one account; for administrators."""
    permit(policy.may_see_users(by))
    row = await session.get(Account, user_id)
    if row is None:
        raise not_found("account")
    return _user(row)


async def known(session: AsyncSession, login: str) -> UUID:
    """Return whose login this is; ``account.not_found``. For commands on the machine itself."""
    found = await session.scalar(select(Account.id).where(Account.login == login))
    if found is None:
        raise not_found("account")
    return found


async def grant(session: AsyncSession, by: Actor, user_id: UUID, role: Role, scope: str, *, entropy: Entropy) -> Given:
    """Give a role; records ``grant.given``. For the security administrator, to accounts that another made."""
    permit(policy.may_grant(by, user_id))
    given = await give(session, by, user_id, role, scope, entropy=entropy)
    permit(policy.may_rise(role, registered=await _registered(session, user_id)))
    return given


async def give(session: AsyncSession, by: Actor, user_id: UUID, role: Role, scope: str, *, entropy: Entropy) -> Given:
    """Give a role on the strength of something else than a grant by hand (first start, registration of a party)."""
    account = await session.get(Account, user_id, with_for_update=True)
    if account is None or account.disabled_at is not None:
        raise not_found("account")
    held = await _active(session, user_id)
    permit(policy.may_hold(role, scope, frozenset(one.role for one in held)))
    if any(one.role is role and one.scope == scope for one in held):
        raise GgzyError("grant.held_already", Kind.CONFLICT)
    at = await database.now(session)
    granted_by = by.user_id if by.user_id.int > 1 and by.user_id != user_id else None
    given = Given(new_id(entropy), user_id, role, scope, granted_by, at, None)
    row = {"id": given.id, "user_id": user_id, "role": role, "scope": scope}
    await session.execute(insert(AccountGrant).values(**row, granted_by=granted_by, granted_at=at))
    data = {"grant": str(given.id), "user": str(user_id), "role": role.value, "scope": scope}
    await trail.record(session, by, "grant.given", data, entropy=entropy, at=at)
    return given


async def revoke(session: AsyncSession, by: Actor, grant_id: UUID, *, entropy: Entropy) -> None:
    """Take a role again; records ``grant.revoked``. For the security administrator."""
    row = await session.get(AccountGrant, grant_id, with_for_update=True)
    permit(policy.may_grant(by, row.user_id if row is not None else UUID(int=0)))
    if row is None or row.revoked_at is not None:
        raise not_found("grant")
    at = await database.now(session)
    ended = {"revoked_at": at, "revoked_by": by.user_id}
    await session.execute(update(AccountGrant).where(AccountGrant.id == grant_id).values(**ended))
    data = {"grant": str(grant_id), "user": str(row.user_id), "role": row.role, "scope": row.scope}
    await trail.record(session, by, "grant.revoked", data, entropy=entropy, at=at)


async def grants(session: AsyncSession, by: Actor, user_id: UUID) -> list[Given]:
    """Return every role that a person holds or held; for administrators."""
    permit(policy.may_see_users(by))
    rows = await session.scalars(
        select(AccountGrant).where(AccountGrant.user_id == user_id).order_by(AccountGrant.granted_at)
    )
    return [_given(row) for row in rows]


async def email(session: AsyncSession, by: Actor) -> str:
    """Return where mails to the actor go; "" when nowhere."""
    return await session.scalar(select(Account.email).where(Account.id == by.user_id)) or ""


async def set_email(session: AsyncSession, by: Actor, address: str, *, assurance: Assurance, entropy: Entropy) -> None:
    """Set where mails to the actor go, "" for nowhere; ``account.bad_email``. Records ``account.email_changed``.

    Links for a forgotten password that went to the address before end.
    """
    permit(policy.must_be_person(by) or policy.must_confirm(assurance))
    if address and EMAIL.fullmatch(address) is None:
        raise GgzyError("account.bad_email")
    await session.execute(update(Account).where(Account.id == by.user_id).values(email=address))
    await session.execute(delete(PasswordReset).where(PasswordReset.user_id == by.user_id))
    await trail.record(session, by, "account.email_changed", {"given": bool(address)}, entropy=entropy)


async def _registered(session: AsyncSession, user_id: UUID) -> bool:
    """Tell whether the account was made by registration, which anybody can do: its first role has no giver."""
    own = (AccountGrant.user_id == user_id, AccountGrant.granted_by.is_(None), AccountGrant.role.in_(PARTY_ROLES))
    return await session.scalar(select(AccountGrant.id).where(*own).limit(1)) is not None


async def _active(session: AsyncSession, user_id: UUID) -> list[Given]:
    active = (AccountGrant.user_id == user_id, AccountGrant.revoked_at.is_(None))
    return [_given(row) for row in await session.scalars(select(AccountGrant).where(*active))]


def _named(part: str) -> ColumnElement[bool]:
    return func.lower(Account.name).contains(part, autoescape=True)


def _holders() -> Select[UUID]:
    return select(AccountGrant.user_id).where(AccountGrant.revoked_at.is_(None))


def _user(row: Account) -> User:
    return User(row.id, row.login, row.name, row.made_at, row.disabled_at)


def _given(row: AccountGrant) -> Given:
    return Given(row.id, row.user_id, Role(row.role), row.scope, row.granted_by, row.granted_at, row.revoked_at)
