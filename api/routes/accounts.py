"""Accounts over HTTP: signing in, one's own person and device. Users and grants stand in `users`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Request, Response, delete, get, post, put
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import authentication, credentials, devices, entrance, login, policy
from api.accounts.authentication import UNPROVEN, Presented
from api.accounts.credentials import Held
from api.accounts.entrance import Entered
from api.accounts.policy import Assurance
from api.transaction import SECRET, SIGN_IN
from api.wiring import Installation
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit

Login = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Hex64 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Login and password; `label` says what a token is for."""

    login: Login
    password: Password
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""
    otp: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """A one-time or recovery code, for who has a second factor."""


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password and the one to come."""

    old: Password
    new: Password


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device key (hex), the challenge it answers, and its signature (`api.accounts.devices.statement`)."""

    public_key: Hex32
    challenge: Hex32
    signature: Hex64


@dataclass(frozen=True, slots=True)
class Person:
    """The person who asks, as they stand now."""

    id: UUID
    name: str
    grants: list[str]
    device_key: str | None
    csrf: str | None = None
    """For a browser: what goes into ``X-CSRF-Token`` on writes."""
    pending: bool = False
    """A second factor is awaited; until it is shown (or, where there is none, enrolled) no role is in one's hands."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session: the secret is in the cookie; `csrf` goes into ``X-CSRF-Token`` on writes."""

    id: UUID
    csrf: str
    expires_at: datetime
    pending: bool
    """A second factor is awaited."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token for the command line, shown this once."""

    id: UUID
    token: str
    expires_at: datetime
    pending: bool
    """A second factor is to be enrolled with it before anything else."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a device has to sign (hex), until `expires_at`."""

    user_id: UUID
    challenge: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A device key (hex) and when it was valid."""

    public_key: str
    enrolled_at: datetime
    revoked_at: datetime | None


class SignInController(Controller):
    """Browser sessions and tokens."""

    path = "/api/v1"
    tags = ("accounts",)

    @post("/sessions", opt=SIGN_IN, summary="Sign in with a browser")
    async def open_session(
        self,
        data: SignIn,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        installation: Installation,
        whence: str,
    ) -> Response[Session]:
        """Open a session; the cookie is fresh at every sign-in, and an earlier session in it ends."""
        if request.content_type[0] != MediaType.JSON:  # what a form of another site can send must sign nobody in
            raise GgzyError("request.malformed")
        entered = await _enter(installation, data, whence)
        former = authentication.session_secret(request.scope)
        if former is not None:
            await credentials.forget(session, former)
        made = await credentials.issue(
            session, entered.actor, "session", data.label, entropy=installation.entropy, proof=entered.proof
        )
        told = Session(made.id, credentials.csrf(made.secret), made.expires_at, entered.pending)
        return Response(told, cookies=[entrance.cookie(installation, made.secret)])

    @post("/tokens", opt=SIGN_IN, summary="Get a token for the command line")
    async def issue_token(self, data: SignIn, session: AsyncSession, installation: Installation, whence: str) -> Token:
        """Issue a bearer token; only its hash is kept. Who has a second factor shows a code of it (`otp`)."""
        entered = await _enter(installation, data, whence)
        entrance.require_code(entered)
        made = await credentials.issue(
            session, entered.actor, "token", data.label, entropy=installation.entropy, proof=entered.proof
        )
        return Token(made.id, made.secret, made.expires_at, entered.pending)

    @get("/credentials", summary="One's own sessions and tokens")
    async def held(self, session: AsyncSession, actor: Actor) -> list[Held]:
        """List valid credentials without their secrets."""
        permit(policy.must_be_person(actor))
        return await credentials.held(session, actor)

    @delete("/credentials/{credential_id:uuid}", summary="End a session or token")
    async def revoke(self, credential_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> None:
        """End one of one's own credentials, the present one too (signing out)."""
        permit(policy.must_be_person(actor))
        await credentials.revoke(session, actor, credential_id, entropy=entropy)


class PersonController(Controller):
    """One's own person and device."""

    path = "/api/v1/me"
    tags = ("accounts",)

    @get("/", opt=UNPROVEN, summary="Who am I")
    async def me(self, request: Request[Any, Any, Any], actor: Actor, presented: Presented | None) -> Person:
        """Tell name, roles and device key."""
        permit(policy.must_be_person(actor))
        held = sorted(f"{grant.role}@{grant.scope}" for grant in actor.grants)
        secret = authentication.session_secret(request.scope)
        csrf = credentials.csrf(secret) if secret is not None else None
        key = actor.device_key.hex() if actor.device_key is not None else None
        return Person(actor.user_id, actor.name, held, key, csrf, presented is not None and presented.pending)

    @put("/password", opt=SECRET, status_code=204, summary="Change one's password")
    async def change_password(
        self, data: NewPassword, session: AsyncSession, sessions: Sessions, actor: Actor, installation: Installation
    ) -> None:
        """Change it; all sessions and tokens end."""
        permit(policy.must_be_person(actor))
        await login.check_password(sessions, installation.passwords, actor, data.old)
        digest = await installation.passwords.digest(data.new)
        await login.change_password(session, actor, digest, entropy=installation.entropy)

    @post("/device/challenge", opt=SECRET, summary="Ask for a challenge to enrol a device key")
    async def challenge(self, session: AsyncSession, actor: Actor, assurance: Assurance, entropy: Entropy) -> Challenge:
        """Give a fresh challenge; only the last one counts."""
        made = await devices.challenge(session, actor, assurance=assurance, entropy=entropy)
        return Challenge(made.user_id, made.challenge.hex(), made.expires_at)

    @put("/device", summary="Enrol a device key by proof of possession")
    async def enrol(
        self, data: Enrolment, session: AsyncSession, actor: Actor, assurance: Assurance, entropy: Entropy
    ) -> Device:
        """Enrol the key; it replaces an earlier one."""
        key, answered, signature = (bytes.fromhex(part) for part in (data.public_key, data.challenge, data.signature))
        return _device(
            await devices.enrol(session, actor, key, answered, signature, assurance=assurance, entropy=entropy)
        )

    @delete("/device", summary="End one's device key")
    async def revoke_device(self, session: AsyncSession, actor: Actor, assurance: Assurance, entropy: Entropy) -> None:
        """End the active key, as when the device is lost."""
        await devices.revoke(session, actor, assurance=assurance, entropy=entropy)

    @get("/devices", summary="One's device keys, now and before")
    async def devices(self, session: AsyncSession, actor: Actor) -> list[Device]:
        """List keys, newest first."""
        return [_device(one) for one in await devices.devices(session, actor)]


async def _enter(installation: Installation, data: SignIn, whence: str) -> Entered:
    return await entrance.enter(installation, data.login, data.password, data.otp, whence)


def _device(one: devices.Device) -> Device:
    return Device(one.public_key.hex(), one.enrolled_at, one.revoked_at)
