"""Passkeys (WebAuthn level 2) as second factor: the browser answers a challenge with a key bound to this address.

Challenges are 32 bytes, good for five minutes and once; a newer one ends an older one. What a browser sends is parsed
by the `webauthn` package; whatever is wrong with it is one refusal, ``factor.wrong``.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import webauthn
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.accounts import factors
from api.accounts.factors import Enrolled
from api.accounts.policy import Assurance
from api.accounts.relying_party import Party
from api.accounts.tables import Account, PasskeyChallenge, SecondFactor
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind

CHALLENGE_LIFE = timedelta(minutes=5)


async def begin(
    session: AsyncSession, actor: Actor, party: Party, *, assurance: Assurance, entropy: Entropy
) -> dict[str, Any]:
    """Return the options for ``navigator.credentials.create`` (its JSON form)."""
    await factors.permit_new(session, actor, assurance)
    login = await session.scalar(select(Account.login).where(Account.id == actor.user_id))
    options = webauthn.generate_registration_options(
        rp_id=party.host,
        rp_name=party.name,
        user_name=str(login),
        user_id=actor.user_id.bytes,
        user_display_name=actor.name,
        challenge=await _challenge(session, actor.user_id, entropy),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=await _known(session, actor.user_id),
    )
    return _json(options)


async def confirm(
    session: AsyncSession,
    actor: Actor,
    answer: dict[str, Any],
    label: str,
    party: Party,
    *,
    assurance: Assurance,
    entropy: Entropy,
) -> Enrolled:
    """Enrol the passkey that the browser made; ``factor.wrong``. Records ``factor.enrolled``."""
    first = await factors.permit_new(session, actor, assurance)
    challenge = await _use_up(session, actor.user_id)
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.host, expected_origin=party.origin
        )
    except Exception as error:  # an outsider's bytes in an outsider's parser: whatever it raises is a refusal
        raise GgzyError("factor.wrong") from error
    known = select(SecondFactor.id).where(SecondFactor.handle == made.credential_id)
    if await session.scalar(known) is not None:
        raise GgzyError("factor.known", Kind.CONFLICT)
    row = SecondFactor(
        id=new_id(entropy),
        user_id=actor.user_id,
        kind="passkey",
        label=factors.name(label),
        shown=False,
        handle=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        confirmed_at=await factors.real_now(session),
    )
    session.add(row)
    await session.flush()
    return await factors.counted(session, actor, row, first=first, entropy=entropy)


async def ask(session: AsyncSession, user_id: UUID, party: Party, *, entropy: Entropy) -> dict[str, Any]:
    """Return the options for ``navigator.credentials.get``; ``factor.not_found`` for who has no passkey."""
    known = await _known(session, user_id)
    if not known:
        raise GgzyError("factor.not_found", Kind.NOT_FOUND)
    options = webauthn.generate_authentication_options(
        rp_id=party.host,
        challenge=await _challenge(session, user_id, entropy),
        allow_credentials=known,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return _json(options)


async def prove(sessions: Sessions, user_id: UUID, answer: dict[str, Any], party: Party) -> str:
    """Take the browser's answer with one of the person's passkeys; ``factor.wrong``. The challenge is used up."""
    async with sessions.begin() as session:
        challenge = await _use_up(session, user_id)
    async with sessions.begin() as session:
        row = await _answering(session, user_id, answer)
        try:
            shown = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=party.host,
                expected_origin=party.origin,
                credential_public_key=row.public_key or b"",
                credential_current_sign_count=row.sign_count or 0,
            )
        except Exception as error:  # as above
            raise GgzyError("factor.wrong", Kind.UNAUTHENTICATED) from error
        row.sign_count = shown.new_sign_count
    return "passkey"


async def _answering(session: AsyncSession, user_id: UUID, answer: dict[str, Any]) -> SecondFactor:
    """Return the passkey that the answer names, its row locked so that a counter goes up once."""
    try:
        handle = base64url_to_bytes(str(answer.get("id", "")))
    except ValueError as error:
        raise GgzyError("factor.wrong", Kind.UNAUTHENTICATED) from error
    query = factors.active(user_id).where(SecondFactor.kind == "passkey", SecondFactor.handle == handle)
    row = await session.scalar(query.with_for_update())
    if row is None:
        raise GgzyError("factor.wrong", Kind.UNAUTHENTICATED)
    return row


async def _challenge(session: AsyncSession, user_id: UUID, entropy: Entropy) -> bytes:
    challenge = entropy.token(32)
    values = {"challenge": challenge, "expires_at": func.clock_timestamp() + CHALLENGE_LIFE}
    fresh = upsert(PasskeyChallenge).values(user_id=user_id, **values)
    await session.execute(fresh.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return challenge


async def _use_up(session: AsyncSession, user_id: UUID) -> bytes:
    mine = delete(PasskeyChallenge).where(PasskeyChallenge.user_id == user_id)
    mine = mine.where(PasskeyChallenge.expires_at > func.clock_timestamp())
    challenge: bytes | None = await session.scalar(mine.returning(PasskeyChallenge.challenge))
    if challenge is None:
        raise GgzyError("factor.no_challenge", Kind.CONFLICT)
    return challenge


async def _known(session: AsyncSession, user_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    rows = await session.scalars(factors.active(user_id).where(SecondFactor.kind == "passkey"))
    return [PublicKeyCredentialDescriptor(id=row.handle) for row in rows if row.handle is not None]


def _json(options: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return told
