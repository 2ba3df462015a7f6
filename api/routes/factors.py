"""Second factors over HTTP: enrolling, showing, ending them. Roles that need one are in nobody's hands before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import credentials, entrance, factors, passkeys, policy, recovery
from api.accounts.authentication import UNPROVEN, Presented
from api.accounts.credentials import Issued
from api.accounts.factors import Begun, Enrolled, Factor
from api.accounts.policy import Assurance
from api.transaction import SECRET
from api.wiring import Installation
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import permit

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Label = Annotated[str, msgspec.Meta(max_length=60)]


class NewGenerator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generator of one-time codes; `shown` has a sandbox show its codes at the second step."""

    label: Label = ""
    shown: bool = False


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time code or a recovery code."""

    otp: Code


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password and, for who has a second factor, a code of it or a passkey's answer."""

    password: Password
    otp: Annotated[str, msgspec.Meta(max_length=64)] = ""
    credential: dict[str, Any] | None = None


class NewPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``navigator.credentials.create`` gave, in its JSON form."""

    credential: dict[str, Any]
    label: Label = ""


class ShownPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``navigator.credentials.get`` gave, in its JSON form."""

    credential: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Factors:
    """One's factors, and how many recovery codes are left."""

    factors: list[Factor]
    recovery_codes: int


@dataclass(frozen=True, slots=True)
class Proven:
    """The credential is proven. A browser's session got a new cookie, whose token goes into ``X-CSRF-Token``."""

    csrf: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A factor that counts from now on, with what the first one brings; the codes are shown this once."""

    factor: Factor
    recovery_codes: tuple[str, ...]
    proven: Proven


class FactorController(Controller):
    """One's own second factors."""

    path = "/api/v1/me"
    tags = ("accounts",)

    @get("/factors", summary="One's second factors")
    async def listed(self, session: AsyncSession, actor: Actor) -> Factors:
        """List factors in use."""
        permit(policy.must_be_person(actor))
        return Factors(await factors.held(session, actor.user_id), await recovery.left(session, actor.user_id))

    @post("/factors/totp", opt=SECRET | UNPROVEN, summary="Begin to enrol a generator of one-time codes")
    async def begin_totp(
        self,
        data: NewGenerator,
        session: AsyncSession,
        actor: Actor,
        assurance: Assurance,
        installation: Installation,
    ) -> Begun:
        """Make a secret; its first code enrols it. Who has a factor already must have shown it."""
        return await factors.begin_totp(
            session,
            actor,
            data.label,
            assurance=assurance,
            issuer=installation.settings.name,
            shown=data.shown,
            vault=installation.vault,
            entropy=installation.entropy,
        )

    @post("/factors/totp/{factor_id:uuid}", opt=SECRET | UNPROVEN, summary="Enrol the generator by its first code")
    async def confirm_totp(
        self,
        factor_id: UUID,
        data: Shown,
        session: AsyncSession,
        actor: Actor,
        *,
        presented: Presented | None,
        assurance: Assurance,
        installation: Installation,
    ) -> Response[NewFactor]:
        """Take the first code; the credential that asks is proven by it."""
        vault, entropy = installation.vault, installation.entropy
        made = await factors.confirm_totp(
            session, actor, factor_id, data.otp, assurance=assurance, vault=vault, entropy=entropy
        )
        return await _enrolled(session, actor, presented, made, installation)

    @post("/factors/passkey/options", opt=SECRET | UNPROVEN, summary="Ask for a challenge to enrol a passkey")
    async def begin_passkey(
        self, session: AsyncSession, actor: Actor, assurance: Assurance, installation: Installation
    ) -> dict[str, Any]:
        """Give the options for ``navigator.credentials.create``."""
        party = installation.settings.relying_party
        return await passkeys.begin(session, actor, party, assurance=assurance, entropy=installation.entropy)

    @post("/factors/passkey", opt=SECRET | UNPROVEN, summary="Enrol a passkey")
    async def confirm_passkey(
        self,
        data: NewPasskey,
        session: AsyncSession,
        actor: Actor,
        *,
        presented: Presented | None,
        assurance: Assurance,
        installation: Installation,
    ) -> Response[NewFactor]:
        """Enrol the passkey that the browser made; the credential that asks is proven by it."""
        party, entropy = installation.settings.relying_party, installation.entropy
        made = await passkeys.confirm(
            session, actor, data.credential, data.label, party, assurance=assurance, entropy=entropy
        )
        return await _enrolled(session, actor, presented, made, installation)

    @delete("/factors/{factor_id:uuid}", summary="End a second factor")
    async def end(
        self, factor_id: UUID, session: AsyncSession, actor: Actor, assurance: Assurance, entropy: Entropy
    ) -> None:
        """End one's own factor; the last one stays while a role needs it."""
        await factors.end(session, actor, factor_id, assurance=assurance, entropy=entropy)

    @post("/recovery-codes", opt=SECRET, summary="Get ten new recovery codes")
    async def new_codes(self, session: AsyncSession, actor: Actor, assurance: Assurance, entropy: Entropy) -> list[str]:
        """Give fresh codes; earlier ones are worth nothing any more."""
        return list(await factors.new_codes(session, actor, assurance=assurance, entropy=entropy))

    @post("/confirmation", opt=SECRET | UNPROVEN, status_code=200, summary="Show once more who one is")
    async def confirm(
        self,
        data: Confirmation,
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Proven]:
        """Take the password and a second factor, if any: for ten minutes keys and factors may be changed."""
        permit(policy.must_be_person(actor))
        assert presented is not None  # noqa: S101 - whoever is a person came with a credential
        made = await entrance.confirm(
            installation, session, actor, presented, data.password, code=data.otp, answer=data.credential
        )
        return _proven(made, installation)

    @post("/proof", opt=SECRET | UNPROVEN, status_code=200, summary="Show a one-time or recovery code")
    async def prove(
        self,
        data: Shown,
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Proven]:
        """Prove the credential that asks."""
        permit(policy.must_be_person(actor))
        shown = await entrance.show(installation, actor, data.otp, None)
        return await _risen(session, actor, presented, shown, installation)

    @post("/proof/passkey/options", opt=SECRET | UNPROVEN, status_code=200, summary="Ask to show a passkey")
    async def ask_passkey(self, session: AsyncSession, actor: Actor, installation: Installation) -> dict[str, Any]:
        """Give the options for ``navigator.credentials.get``."""
        permit(policy.must_be_person(actor))
        party = installation.settings.relying_party
        return await passkeys.ask(session, actor.user_id, party, entropy=installation.entropy)

    @post("/proof/passkey", opt=SECRET | UNPROVEN, status_code=200, summary="Show a passkey")
    async def prove_passkey(
        self,
        data: ShownPasskey,
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Proven]:
        """Prove the credential that asks by a passkey."""
        permit(policy.must_be_person(actor))
        shown = await entrance.show(installation, actor, "", data.credential)
        return await _risen(session, actor, presented, shown, installation)


class LostFactorController(Controller):
    """Factors that somebody lost."""

    path = "/api/v1/users/{user_id:uuid}/factors"
    tags = ("accounts",)

    @delete("/", summary="End all second factors of a person who lost them")
    async def reset(self, user_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> None:
        """End factors, sessions and tokens; the person enrols anew. For the security administrator."""
        await factors.reset(session, actor, user_id, entropy=entropy)


async def _enrolled(
    session: AsyncSession, actor: Actor, presented: Presented | None, made: Enrolled, installation: Installation
) -> Response[NewFactor]:
    proven = await _risen(session, actor, presented, made.factor.kind, installation)
    return Response(NewFactor(made.factor, made.recovery_codes, proven.content), cookies=proven.cookies)


async def _risen(
    session: AsyncSession, actor: Actor, presented: Presented | None, shown: str, installation: Installation
) -> Response[Proven]:
    assert presented is not None  # noqa: S101 - whoever asks was found to be a person, by a credential
    entropy = installation.entropy
    return _proven(
        await credentials.rise(session, actor, presented.credential_id, shown, entropy=entropy), installation
    )


def _proven(made: Issued | None, installation: Installation) -> Response[Proven]:
    if made is None:
        return Response(Proven(None, None))
    told = Proven(credentials.csrf(made.secret), made.expires_at)
    return Response(told, cookies=[entrance.cookie(installation, made.secret)])
