"""Users and grants over HTTP, for the three administrators, and self-registration of parties."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import passwords, policy, registration, services
from api.accounts.services import Given, User
from api.routes.accounts import Login, Name, Password, Person
from api.transaction import SECRET
from api.wiring import Installation
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import permit
from trading.party import Commitment, Profile


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be given an account."""

    login: Login
    name: Name


class NewGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role in a scope: ``site:<6 digits>``, ``party:<统一社会信用代码>`` or ``*``."""

    user_id: UUID
    role: Role
    scope: Annotated[str, msgspec.Meta(max_length=40)]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form for person and party (一表申请), entered under a commitment (告知承诺)."""

    login: Login
    password: Password
    name: Name
    role: Role
    uscc: Annotated[str, msgspec.Meta(max_length=40)]
    profile: Profile
    commitment: Commitment


@dataclass(frozen=True, slots=True)
class Welcome:
    """A new account with its first password, shown this once."""

    user: User
    password: str


class UserController(Controller):
    """Users (system administrator) and grants (security administrator)."""

    path = "/api/v1"
    tags = ("accounts",)

    @post("/users", opt=SECRET, summary="Make an account")
    async def make_user(
        self, data: NewUser, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Welcome:
        """Make an account without roles; its first password is shown this once."""
        permit(policy.may_make_user(actor))
        password = passwords.invent(installation.entropy)
        digest = await installation.passwords.digest(password)
        user = await services.make_user(session, actor, data.login, data.name, digest, entropy=installation.entropy)
        return Welcome(user, password)

    @get("/users", summary="All accounts")
    async def users(self, session: AsyncSession, actor: Actor) -> list[User]:
        """List accounts; for the three administrators."""
        return await services.users(session, actor)

    @delete("/users/{user_id:uuid}", summary="Close an account")
    async def close_user(self, user_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> None:
        """Close an account for ever; nothing it did is lost."""
        await services.close(session, actor, user_id, entropy=entropy)

    @get("/users/{user_id:uuid}/grants", summary="A person's roles, now and before")
    async def grants(self, user_id: UUID, session: AsyncSession, actor: Actor) -> list[Given]:
        """List grants; for the three administrators."""
        return await services.grants(session, actor, user_id)

    @post("/grants", summary="Give a role")
    async def grant(self, data: NewGrant, session: AsyncSession, actor: Actor, entropy: Entropy) -> Given:
        """Give a role to somebody else."""
        return await services.grant(session, actor, data.user_id, data.role, data.scope, entropy=entropy)

    @delete("/grants/{grant_id:uuid}", summary="Take a role again")
    async def revoke_grant(self, grant_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> None:
        """End a grant; it stays on record."""
        await services.revoke(session, actor, grant_id, entropy=entropy)

    @post("/registrations", summary="Register a party and its first person")
    async def register(
        self, data: Registration, session: AsyncSession, installation: Installation, whence: str
    ) -> Person:
        """Register by notification and commitment: account, party and grant in one step."""
        await registration.admit(installation.sessions, whence)
        digest = await installation.passwords.digest(data.password)
        form = registration.Form(data.login, data.name, digest, data.role, data.uscc, data.profile, data.commitment)
        made = await registration.register(session, form, entropy=installation.entropy)
        return Person(made.user_id, made.name, sorted(f"{grant.role}@{grant.scope}" for grant in made.grants), None)
