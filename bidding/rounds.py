"""The rounds of a key making: each custodian posts one deal, then one certificate; a complaint ends it.

Everything anybody can check is checked before it is stored, under the lock of the key making. Deals are given out only
when all of them are there, so that nobody chooses after having seen the others'.
"""

import asyncio
import hashlib
import hmac
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import ceremony, complaint, keymaking, keysetup, transcript
from bidding import keymaking_policy as policy
from bidding.ceremony import Ceremony
from bidding.keymaking_tables import (
    CERTIFICATE,
    CERTIFYING,
    DEAL,
    DEALING,
    FINISHED,
    CeremonyRow,
    ComplaintRow,
    MessageRow,
    OpeningKeyRow,
)
from kernel.actor import Actor
from kernel.database import notify, now
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit


async def deal(session: AsyncSession, actor: Actor, ceremony_id: UUID, content: bytes, *, entropy: Entropy) -> Ceremony:
    """Store a custodian's deal. The same bytes again change nothing; other bytes are ``ceremony.already_posted``.

    Raises what `keymaking.check_deal` does, ``ceremony.wrong_state``, ``ceremony.expired``, ``ceremony.not_yours``.
    """
    row, setup, number = await _enter(session, actor, ceremony_id)
    if await _posted(session, row, DEAL, number, content):
        return await ceremony.view(session, row)
    permit(policy.is_open(row, await now(session), DEALING))
    checked = await asyncio.to_thread(keymaking.check_deal, setup, content)
    if checked.deal.dealer != number:
        raise GgzyError("ceremony.not_yours", Kind.FORBIDDEN)
    await _store(session, row, DEAL, number, content)
    if len(await _messages(session, row, DEAL)) == setup.size:
        row.state = CERTIFYING
        await session.flush()
    said = {"ceremony": str(row.id), "custodian": number, "message": _digest(content)}
    await trail.record(session, actor, "key_ceremony.dealt", said, entropy=entropy)
    return await ceremony.view(session, row)


async def deals(session: AsyncSession, actor: Actor, ceremony_id: UUID) -> list[bytes]:
    """Return all deals in the order of numbers; ``ceremony.deals_missing`` until the last one is there."""
    return await _all(session, actor, ceremony_id, DEAL)


async def certificates(session: AsyncSession, actor: Actor, ceremony_id: UUID) -> list[bytes]:
    """Return all certificates in the order of numbers.

    ``ceremony.certificates_missing`` until the last one is there.
    """
    return await _all(session, actor, ceremony_id, CERTIFICATE)


async def certify(
    session: AsyncSession, actor: Actor, ceremony_id: UUID, content: bytes, *, entropy: Entropy
) -> Ceremony:
    """Store a custodian's certificate; the last one finishes the key making and records ``opening_key.made``.

    Raises ``ceremony.not_yours``, what `transcript.check_certificate` does, and what `deal` does.
    """
    row, setup, number = await _enter(session, actor, ceremony_id)
    if await _posted(session, row, CERTIFICATE, number, content):
        return await ceremony.view(session, row)
    permit(policy.is_open(row, await now(session), CERTIFYING))
    checked = await asyncio.to_thread(keymaking.collect, setup, await _messages(session, row, DEAL))
    if transcript.check_certificate(setup, transcript.body_hash(setup, checked), content)[0] != number:
        raise GgzyError("ceremony.not_yours", Kind.FORBIDDEN)
    await _store(session, row, CERTIFICATE, number, content)
    certified = await _messages(session, row, CERTIFICATE)
    if len(certified) < setup.size:
        said = {"ceremony": str(row.id), "custodian": number, "message": _digest(content)}
        await trail.record(session, actor, "key_ceremony.certified", said, entropy=entropy)
        return await ceremony.view(session, row)
    await _finish(session, row, transcript.finish(setup, checked, certified))
    made = {"ceremony": str(row.id), "transcript": (row.transcript_hash or b"").hex(), "count": row.count}
    await trail.record(session, actor, "opening_key.made", made, entropy=entropy, at=row.ended_at)
    return await ceremony.view(session, row)


async def complain(
    session: AsyncSession, actor: Actor, ceremony_id: UUID, content: bytes, *, entropy: Entropy
) -> Ceremony:
    """End the key making on a true complaint, which is kept with the name of the dealer; refuse a false one.

    Raises ``complaint.malformed``, what `complaint.check` does, ``ceremony.wrong_state``, ``ceremony.expired``,
    ``ceremony.not_yours``.
    """
    row, setup, number = await _enter(session, actor, ceremony_id)
    moment = await now(session)
    permit(policy.is_open(row, moment, CERTIFYING))
    accused = await session.get(MessageRow, (row.id, DEAL, complaint.accused(content)))
    if accused is None:
        raise GgzyError("complaint.malformed", Kind.INTEGRITY)
    proved = await asyncio.to_thread(complaint.check, setup, accused.content, content)
    if proved.custodian != number:
        raise GgzyError("ceremony.not_yours", Kind.FORBIDDEN)
    session.add(ComplaintRow(ceremony_id=row.id, number=number, dealer=proved.dealer, content=content, made_at=moment))
    await ceremony.end(session, row, "bad_share", proved.dealer)
    said = {"ceremony": str(row.id), "custodian": number, "dealer": proved.dealer, "complaint": _digest(content)}
    await trail.record(session, actor, "key_ceremony.complained", said, entropy=entropy, at=moment)
    return await ceremony.view(session, row)


async def _enter(session: AsyncSession, actor: Actor, ceremony_id: UUID) -> tuple[CeremonyRow, keysetup.Setup, int]:
    """Lock the key making and return it with the number of the custodian who acts; to others it does not exist.

    A device that its owner has replaced meanwhile takes no part any more.
    """
    row = await ceremony.lock(session, ceremony_id)
    own = next((one for one in await ceremony.custodians(session, ceremony_id) if one.user_id == actor.user_id), None)
    if own is None:
        raise not_found("ceremony")
    if actor.device_key is None or not hmac.compare_digest(own.device_key, actor.device_key):
        raise GgzyError("ceremony.other_device", Kind.CONFLICT)
    return row, keysetup.read(row.setup), own.number


async def _posted(session: AsyncSession, row: CeremonyRow, kind: str, number: int, content: bytes) -> bool:
    stored = await session.get(MessageRow, (row.id, kind, number))
    if stored is not None and stored.content != content:
        raise GgzyError("ceremony.already_posted", Kind.CONFLICT)
    return stored is not None


async def _store(session: AsyncSession, row: CeremonyRow, kind: str, number: int, content: bytes) -> None:
    moment = await now(session)
    session.add(MessageRow(ceremony_id=row.id, round=kind, number=number, content=content, received_at=moment))
    await session.flush()
    await notify(session, "ceremony", row.id)


async def _messages(session: AsyncSession, row: CeremonyRow, kind: str) -> list[bytes]:
    query = select(MessageRow.content).where(MessageRow.ceremony_id == row.id, MessageRow.round == kind)
    return list((await session.scalars(query.order_by(MessageRow.number))).all())


async def _all(session: AsyncSession, actor: Actor, ceremony_id: UUID, kind: str) -> list[bytes]:
    await ceremony.find(session, actor, ceremony_id)
    row = await session.get_one(CeremonyRow, ceremony_id)
    found = await _messages(session, row, kind)
    if len(found) < row.size:
        raise GgzyError(f"ceremony.{kind}s_missing", Kind.CONFLICT, given=len(found), needed=row.size)
    return found


async def _finish(session: AsyncSession, row: CeremonyRow, content: bytes) -> None:
    """Keep the transcript and the keys that follow from it; it is checked once more as a stranger would."""
    verified = await asyncio.to_thread(transcript.verify_transcript, content)
    row.state, row.ended_at = FINISHED, await now(session)
    row.transcript, row.transcript_hash = content, verified.hash
    await session.flush()
    session.add_all(
        OpeningKeyRow(
            key_hash=key.key_hash,
            ceremony_id=row.id,
            number=key.index,
            public_key=key.public_key,
            verification_shares=b"".join(key.verification_shares),
        )
        for key in verified.keys
    )
    await session.flush()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
