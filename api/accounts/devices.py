"""A person's Ed25519 device key, enrolled by proof of possession.

The server gives a challenge bound to the user; the device signs
``"ggzy/device-enrolment/v1" 0x00 ‖ canonical JSON {"challenge", "format", "public_key", "user"}``. One key is active
per person; a new one ends the old one at that moment, and a key that ever served somebody serves nobody else. Keys are
changed by who has shown a moment ago who they are (``accounts.proof_needed``): not by whoever holds a stolen session.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.accounts.policy import Assurance
from api.accounts.tables import Account, DeviceChallenge, DeviceKey
from archive import trail
from kernel import canonical, database
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit

CONTEXT = b"ggzy/device-enrolment/v1\0"
FORMAT = "ggzy/device-enrolment/v1"
CHALLENGE_LIFE = timedelta(minutes=10)
KEY_SIZE, SIGNATURE_SIZE = 32, 64


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the device has to sign in, until `expires_at` (real time)."""

    user_id: UUID
    challenge: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A device key and when it was valid."""

    public_key: bytes
    enrolled_at: datetime
    revoked_at: datetime | None


def statement(user_id: UUID, challenge: bytes, public_key: bytes) -> bytes:
    """Return the bytes that the device signs."""
    fields = {"format": FORMAT, "user": str(user_id), "challenge": challenge.hex(), "public_key": public_key.hex()}
    return CONTEXT + canonical.encode(fields)


async def challenge(session: AsyncSession, actor: Actor, *, assurance: Assurance, entropy: Entropy) -> Challenge:
    """Give the person a fresh challenge; an earlier one is worth nothing any more."""
    permit(policy.must_be_person(actor) or policy.must_confirm(assurance))
    values = {"challenge": entropy.token(32), "expires_at": func.clock_timestamp() + CHALLENGE_LIFE}
    fresh = upsert(DeviceChallenge).values(user_id=actor.user_id, **values)
    made = fresh.on_conflict_do_update(index_elements=["user_id"], set_=values)
    row = (await session.execute(made.returning(DeviceChallenge.challenge, DeviceChallenge.expires_at))).one()
    return Challenge(actor.user_id, row.challenge, row.expires_at)


async def enrol(
    session: AsyncSession,
    actor: Actor,
    public_key: bytes,
    answered: bytes,
    signature: bytes,
    *,
    assurance: Assurance,
    entropy: Entropy,
) -> Device:
    """Enrol a key that signed the open challenge; the person's earlier key ends. Records ``device.enrolled``."""
    permit(policy.must_be_person(actor) or policy.must_confirm(assurance))
    await session.get(Account, actor.user_id, with_for_update=True)
    await _use_up(session, actor, answered)
    _prove(public_key, statement(actor.user_id, answered, public_key), signature)
    if await session.get(DeviceKey, public_key) is not None:
        raise GgzyError("device.key_used", Kind.CONFLICT)
    at = await database.now(session)
    replaced = await _end(session, actor, at)
    await session.execute(insert(DeviceKey).values(public_key=public_key, user_id=actor.user_id, enrolled_at=at))
    data = {"public_key": public_key.hex(), "replaced": replaced.hex() if replaced is not None else None}
    await trail.record(session, actor, "device.enrolled", data, entropy=entropy, at=at)
    return Device(public_key, at, None)


async def revoke(session: AsyncSession, actor: Actor, *, assurance: Assurance, entropy: Entropy) -> None:
    """End the person's active key, as when the device is lost; records ``device.revoked``."""
    permit(policy.must_be_person(actor) or policy.must_confirm(assurance))
    at = await database.now(session)
    ended = await _end(session, actor, at)
    if ended is None:
        raise not_found("device")
    await trail.record(session, actor, "device.revoked", {"public_key": ended.hex()}, entropy=entropy, at=at)


async def devices(session: AsyncSession, actor: Actor) -> list[Device]:
    """Return the person's keys, newest first."""
    permit(policy.must_be_person(actor))
    rows = await session.scalars(
        select(DeviceKey).where(DeviceKey.user_id == actor.user_id).order_by(DeviceKey.enrolled_at.desc())
    )
    return [Device(row.public_key, row.enrolled_at, row.revoked_at) for row in rows]


async def _use_up(session: AsyncSession, actor: Actor, answered: bytes) -> None:
    """Take the open challenge away; it must be the one that was answered."""
    mine = (DeviceChallenge.user_id == actor.user_id, DeviceChallenge.expires_at > func.clock_timestamp())
    given = await session.scalar(delete(DeviceChallenge).where(*mine).returning(DeviceChallenge.challenge))
    if given is None or not hmac.compare_digest(given, answered):
        raise GgzyError("device.no_challenge", Kind.CONFLICT)


async def _end(session: AsyncSession, actor: Actor, at: datetime) -> bytes | None:
    active = (DeviceKey.user_id == actor.user_id, DeviceKey.revoked_at.is_(None))
    ended = update(DeviceKey).where(*active).values(revoked_at=at).returning(DeviceKey.public_key)
    return (await session.execute(ended)).scalar_one_or_none()


def _prove(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check the signature; libsodium refuses keys of small order and signatures that are not canonical."""
    if len(public_key) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        raise GgzyError("device.bad_proof")
    try:
        VerifyKey(public_key).verify(message, signature)
    except BadSignatureError as error:
        raise GgzyError("device.bad_proof") from error
