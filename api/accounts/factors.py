"""Second factors of a person: generators of one-time codes and passkeys, enrolled, shown, ended.

A factor counts once its first code (or its attestation) was right. Roles that need one are in nobody's hands before
(`api.accounts.policy.must_prove`). With a person's first factor come recovery codes, shown once.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import credentials, policy, recovery, totp
from api.accounts.policy import Assurance
from api.accounts.tables import Account, AccountGrant, SecondFactor
from api.accounts.vault import Vault
from archive import trail
from archive.recording import in_sandbox
from kernel.actor import Actor, Role
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit

LONGEST_LABEL = 60
MOST_FACTORS = 10


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor in use: ``totp`` or ``passkey``, with its owner's name for it."""

    id: UUID
    kind: str
    label: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A generator whose first code is awaited: its secret in base32 and as ``otpauth://`` address, shown this once."""

    id: UUID
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that counts from now on; with the first one come recovery codes, shown this once."""

    factor: Factor
    recovery_codes: tuple[str, ...]


async def held(session: AsyncSession, user_id: UUID) -> list[Factor]:
    """Return a person's factors in use, oldest first."""
    rows = await session.scalars(active(user_id).order_by(SecondFactor.confirmed_at))
    return [_value(row) for row in rows]


async def enrolled(session: AsyncSession, user_id: UUID) -> bool:
    """Tell whether the person has a factor in use."""
    return await session.scalar(active(user_id).with_only_columns(SecondFactor.id).limit(1)) is not None


async def begin_totp(
    session: AsyncSession,
    actor: Actor,
    label: str,
    *,
    assurance: Assurance,
    issuer: str,
    shown: bool,
    vault: Vault,
    entropy: Entropy,
) -> Begun:
    """Make a generator's secret; an unconfirmed one before it is forgotten.

    `shown`: the second step's page shows its codes, which a sandbox alone allows (``factor.not_sandbox``).
    """
    await permit_new(session, actor, assurance)
    if shown and not await in_sandbox(session):
        raise GgzyError("factor.not_sandbox", Kind.FORBIDDEN)
    open_one = (SecondFactor.user_id == actor.user_id, SecondFactor.confirmed_at.is_(None))
    await session.execute(delete(SecondFactor).where(*open_one))
    secret, number = totp.new_secret(entropy), new_id(entropy)
    row = {"id": number, "user_id": actor.user_id, "kind": "totp", "label": name(label), "shown": shown}
    await session.execute(insert(SecondFactor).values(**row, secret=vault.seal(secret, entropy)))
    login = await session.scalar(select(Account.login).where(Account.id == actor.user_id))
    return Begun(number, totp.text_of(secret), totp.uri(secret, str(login), issuer))


async def begun(session: AsyncSession, actor: Actor, factor_id: UUID, *, issuer: str, vault: Vault) -> Begun:
    """Return a generator of one's own whose first code is still awaited; ``factor.not_found``."""
    permit(policy.must_be_person(actor))
    row = await _awaited(session, actor, factor_id)
    secret = vault.open(row.secret or b"")
    login = await session.scalar(select(Account.login).where(Account.id == actor.user_id))
    return Begun(row.id, totp.text_of(secret), totp.uri(secret, str(login), issuer))


async def confirm_totp(
    session: AsyncSession,
    actor: Actor,
    factor_id: UUID,
    code: str,
    *,
    assurance: Assurance,
    vault: Vault,
    entropy: Entropy,
) -> Enrolled:
    """Take the generator's first code; ``factor.wrong``, ``factor.not_found``. Records ``factor.enrolled``."""
    first = await permit_new(session, actor, assurance)
    row = await _awaited(session, actor, factor_id)
    step = totp.step(vault.open(row.secret or b""), code.replace(" ", ""), await real_now(session))
    if step is None:
        raise GgzyError("factor.wrong")
    row.last_step, row.confirmed_at = step, await real_now(session)
    await session.flush()
    return await counted(session, actor, row, first=first, entropy=entropy)


async def permit_new(session: AsyncSession, actor: Actor, assurance: Assurance) -> bool:
    """Let a person enrol one more factor and tell whether it is the first; holds the account's row meanwhile.

    Who has one already shows it before adding another: a password alone must not (``factor.required``). Whoever it is
    has shown who they are a moment ago (``accounts.proof_needed``).
    """
    permit(policy.must_be_person(actor))
    await session.get(Account, actor.user_id, with_for_update=True)
    so_far = len(await held(session, actor.user_id))
    permit(policy.may_enrol(assurance, enrolled=so_far > 0))
    if so_far >= MOST_FACTORS:
        raise GgzyError("factor.too_many", Kind.CONFLICT, most=MOST_FACTORS)
    return so_far == 0


async def counted(session: AsyncSession, actor: Actor, row: SecondFactor, *, first: bool, entropy: Entropy) -> Enrolled:
    """Record a factor that was just enrolled; the first one brings recovery codes."""
    data = {"factor": str(row.id), "kind": row.kind}
    await trail.record(session, actor, "factor.enrolled", data, entropy=entropy)
    codes = await recovery.make(session, actor, entropy=entropy) if first else ()
    return Enrolled(_value(row), codes)


async def end(session: AsyncSession, actor: Actor, factor_id: UUID, *, assurance: Assurance, entropy: Entropy) -> None:
    """End a factor of one's own; ``factor.last`` while a role needs one. Records ``factor.revoked``."""
    permit(policy.must_be_person(actor))
    await session.get(Account, actor.user_id, with_for_update=True)
    mine = await held(session, actor.user_id)
    if factor_id not in {one.id for one in mine}:
        raise not_found("factor")
    roles = await session.scalars(
        select(AccountGrant.role).where(AccountGrant.user_id == actor.user_id, AccountGrant.revoked_at.is_(None))
    )
    needed = policy.must_prove({Role(role) for role in roles}, enrolled=False)
    permit(policy.may_end_factor(assurance, last=len(mine) == 1, needed=needed))
    await _revoke(session, SecondFactor.id == factor_id)
    await trail.record(session, actor, "factor.revoked", {"factor": str(factor_id)}, entropy=entropy)


async def new_codes(session: AsyncSession, actor: Actor, *, assurance: Assurance, entropy: Entropy) -> tuple[str, ...]:
    """Give ten new recovery codes to who shows a factor; ``factor.required``, ``factor.not_found``."""
    permit(policy.must_be_person(actor))
    await session.get(Account, actor.user_id, with_for_update=True)
    if not await enrolled(session, actor.user_id):
        raise not_found("factor")
    permit(policy.may_enrol(assurance, enrolled=True))
    return await recovery.make(session, actor, entropy=entropy)


async def reset(session: AsyncSession, by: Actor, user_id: UUID, *, entropy: Entropy) -> None:
    """End all factors, recovery codes, sessions and tokens of a person who lost them; records ``factor.reset``.

    For the security administrator, who does not know the password: with it alone the person enrols anew.
    """
    permit(policy.may_grant(by, user_id))
    await forfeit(session, by, user_id, entropy=entropy)


async def forfeit(session: AsyncSession, by: Actor, user_id: UUID, *, entropy: Entropy) -> None:
    """Do what `reset` does, on the machine's own word (``ggzy admin``)."""
    if await session.get(Account, user_id, with_for_update=True) is None:
        raise not_found("account")
    await _revoke(session, SecondFactor.user_id == user_id)
    await recovery.forget(session, user_id)
    await credentials.revoke_all(session, user_id)
    await trail.record(session, by, "factor.reset", {"user": str(user_id)}, entropy=entropy)


async def shown_code(session: AsyncSession, user_id: UUID, *, vault: Vault) -> str | None:
    """Return the present code of a generator whose owner has it shown, in a sandbox; else None."""
    if not await in_sandbox(session):
        return None
    query = active(user_id).where(SecondFactor.shown, SecondFactor.kind == "totp").limit(1)
    row = await session.scalar(query)
    if row is None or row.secret is None:
        return None
    return totp.code(vault.open(row.secret), await real_now(session))


async def real_now(session: AsyncSession) -> datetime:
    """Return the database's own time: moving a sandbox's clock moves no code."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


def name(label: str) -> str:
    """Return a person's name for a factor, cut to what fits."""
    return label.strip()[:LONGEST_LABEL]


def active(user_id: UUID) -> Select[SecondFactor]:
    """Return the query of a person's factors in use."""
    return select(SecondFactor).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None), SecondFactor.revoked_at.is_(None)
    )


async def _awaited(session: AsyncSession, actor: Actor, factor_id: UUID) -> SecondFactor:
    mine = (SecondFactor.id == factor_id, SecondFactor.user_id == actor.user_id, SecondFactor.confirmed_at.is_(None))
    row = await session.scalar(select(SecondFactor).where(*mine))
    if row is None:
        raise not_found("factor")
    return row


async def _revoke(session: AsyncSession, which: ColumnElement[bool]) -> None:
    ended = update(SecondFactor).where(which, SecondFactor.revoked_at.is_(None))
    await session.execute(ended.values(revoked_at=func.clock_timestamp()))


def _value(row: SecondFactor) -> Factor:
    assert row.confirmed_at is not None  # noqa: S101 - the query asks for it
    return Factor(row.id, row.kind, row.label, row.confirmed_at)
