"""Key makings as the server sees them: it appoints, relays, checks what anybody can check, and keeps the transcript.

It never sees a share. A key making that is aborted, expired or complained about leaves nothing usable; another is begun
under a new id. Finished keys wait until lots take them, each key one lot.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from archive.recording import in_sandbox
from bidding import keymaking_policy as policy
from bidding import keysetup
from bidding.group import POINT_BYTES
from bidding.keymaking_policy import Terms
from bidding.keymaking_tables import (
    ABORTED,
    CERTIFICATE,
    CERTIFYING,
    DEAL,
    DEALING,
    CeremonyRow,
    CustodianRow,
    MessageRow,
    OpeningKeyRow,
)
from bidding.transcript import OpeningKey
from kernel.actor import Actor
from kernel.database import notify, now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import lots

MAX_REASON = 500
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A key making as people see it. `dealt` and `certified` are the numbers of those whose message is there.

    `state` is dealing, certifying, finished, aborted or expired; `blamed` the number of who was found to have lied.
    """

    id: UUID
    state: str
    site: str
    purchaser: str
    setup: bytes
    dealt: tuple[int, ...]
    certified: tuple[int, ...]
    expires_at: datetime
    reason: str | None
    blamed: int | None
    transcript_hash: bytes | None


async def begin(session: AsyncSession, actor: Actor, terms: Terms, *, entropy: Entropy) -> Ceremony:
    """Appoint the custodians and fix the setup; refusals are those of `keymaking_policy.may_begin`."""
    permit(policy.may_begin(actor, terms))
    moment = await now(session)
    setup = _setup(terms, new_id(entropy), sandbox=await in_sandbox(session))
    row = CeremonyRow(
        id=setup.ceremony,
        site=terms.site,
        purchaser=terms.purchaser,
        setup=keysetup.write(setup),
        threshold=setup.threshold,
        size=setup.size,
        count=setup.count,
        state=DEALING,
        made_by=actor.user_id,
        made_at=moment,
        expires_at=moment + timedelta(hours=terms.hours),
    )
    session.add(row)
    await session.flush()
    for number, (person, role) in enumerate(terms.custodians, start=1):
        values = {"user_id": person.user_id, "device_key": person.device_key, "role": str(role)}
        session.add(CustodianRow(ceremony_id=row.id, number=number, **values))
    await session.flush()
    said = {"ceremony": str(row.id), "setup": keysetup.digest(setup).hex()}
    await trail.record(session, actor, "key_ceremony.begun", said, entropy=entropy, at=moment)
    return await view(session, row)


async def find(session: AsyncSession, actor: Actor, ceremony_id: UUID) -> Ceremony:
    """Return a key making to its custodians and overseers, a finished one to everybody; ``ceremony.not_found``."""
    row = await session.get(CeremonyRow, ceremony_id)
    if row is None:
        raise not_found("ceremony")
    permit(policy.may_see(actor, row, await _people(session, ceremony_id)))
    return await view(session, row)


async def list_own(session: AsyncSession, actor: Actor) -> list[Ceremony]:
    """Return the key makings that wait for somebody as custodian, oldest first."""
    query = (
        select(CeremonyRow)
        .join(CustodianRow, CustodianRow.ceremony_id == CeremonyRow.id)
        .where(
            CustodianRow.user_id == actor.user_id,
            CeremonyRow.state.in_((DEALING, CERTIFYING)),
            CeremonyRow.expires_at > await now(session),
        )
        .order_by(CeremonyRow.made_at)
    )
    return [await view(session, row) for row in (await session.scalars(query)).all()]


async def abort(session: AsyncSession, actor: Actor, ceremony_id: UUID, reason: str, *, entropy: Entropy) -> Ceremony:
    """End a key making that is not finished, with a reason; ``ceremony.wrong_state``, ``ceremony.no_reason``."""
    row = await lock(session, ceremony_id)
    permit(policy.may_abort(actor, row, await _people(session, ceremony_id)))
    if not 0 < len(reason.strip()) <= MAX_REASON:
        raise GgzyError("ceremony.no_reason", limit=MAX_REASON)
    if row.state not in (DEALING, CERTIFYING):
        raise GgzyError("ceremony.wrong_state", Kind.CONFLICT, state=row.state)
    await end(session, row, reason.strip())
    said = {"ceremony": str(row.id), "reason": row.reason}
    await trail.record(session, actor, "key_ceremony.aborted", said, entropy=entropy, at=row.ended_at)
    return await view(session, row)


async def transcript(session: AsyncSession, transcript_hash: bytes) -> bytes:
    """Return a finished transcript to anybody; ``transcript.not_found``."""
    query = select(CeremonyRow.transcript).where(CeremonyRow.transcript_hash == transcript_hash)
    content = (await session.execute(query)).scalar_one_or_none()
    if content is None:
        raise not_found("transcript")
    return content


async def assign(session: AsyncSession, actor: Actor, lot_id: UUID, *, entropy: Entropy) -> OpeningKey:
    """Give the lot the oldest free key of its site and purchaser with its quorum; each key goes to one lot only.

    Raises ``lot.has_key``, ``lot.key_fixed``, ``opening_key.none_free``.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_assign(actor, lot))
    query = (
        select(OpeningKeyRow)
        .join(CeremonyRow, CeremonyRow.id == OpeningKeyRow.ceremony_id)
        .where(
            OpeningKeyRow.lot_id.is_(None),
            CeremonyRow.site == lot.site,
            CeremonyRow.purchaser == lot.purchaser,
            CeremonyRow.threshold == lot.threshold,
            CeremonyRow.size == lot.custodians,
        )
        .order_by(CeremonyRow.ended_at, OpeningKeyRow.number)
        .limit(1)
        .with_for_update(of=OpeningKeyRow, skip_locked=True)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        raise GgzyError("opening_key.none_free", Kind.CONFLICT, threshold=lot.threshold, custodians=lot.custodians)
    row.lot_id, row.assigned_at = lot_id, await now(session)
    await session.flush()
    await lots.assign_key(session, lot_id, row.key_hash)
    said = {"lot": str(lot_id), "key": row.key_hash.hex(), "index": row.number, "ceremony": str(row.ceremony_id)}
    await trail.record(session, actor, "opening_key.assigned", said, trade=lot.tender_id, entropy=entropy)
    return await of_lot(session, lot_id)


async def show(session: AsyncSession, actor: Actor, lot_id: UUID) -> OpeningKey:
    """Return the opening key of a lot to whom the lot exists; ``lot.not_found``, ``opening_key.not_found``."""
    permit(await lots.seen(session, actor, await lots.facts(session, lot_id)))
    return await of_lot(session, lot_id)


async def of_lot(session: AsyncSession, lot_id: UUID) -> OpeningKey:
    """Return the opening key of a lot; ``opening_key.not_found`` if it has none yet."""
    found = (await of_lots(session, [lot_id])).get(lot_id)
    if found is None:
        raise not_found("opening_key")
    return found


async def of_lots(session: AsyncSession, lot_ids: Collection[UUID]) -> dict[UUID, OpeningKey]:
    """Return the opening keys of those of the lots that have one, by one query; asks nobody's rights."""
    query = (
        select(OpeningKeyRow, CeremonyRow.setup, CeremonyRow.transcript_hash)
        .join(CeremonyRow, CeremonyRow.id == OpeningKeyRow.ceremony_id)
        .where(OpeningKeyRow.lot_id.in_(lot_ids), CeremonyRow.transcript_hash.is_not(None))
    )
    rows = (await session.execute(query)).all()
    return {row.lot_id: _key(row, setup, transcript) for row, setup, transcript in rows if row.lot_id and transcript}


async def lock(session: AsyncSession, ceremony_id: UUID) -> CeremonyRow:
    """Lock a key making until the transaction ends, so that its rounds advance one message at a time."""
    row = await session.get(CeremonyRow, ceremony_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise not_found("ceremony")
    return row


async def end(session: AsyncSession, row: CeremonyRow, reason: str, blamed: int | None = None) -> None:
    """Mark a locked key making as aborted."""
    row.state, row.reason, row.blamed, row.ended_at = ABORTED, reason, blamed, await now(session)
    await session.flush()
    await notify(session, "ceremony", row.id)


async def custodians(session: AsyncSession, ceremony_id: UUID) -> Sequence[CustodianRow]:
    """Return the custodians in the order of their numbers."""
    query = select(CustodianRow).where(CustodianRow.ceremony_id == ceremony_id).order_by(CustodianRow.number)
    return (await session.scalars(query)).all()


async def view(session: AsyncSession, row: CeremonyRow) -> Ceremony:
    """Return a key making's present state; past its time an unfinished one counts as expired."""
    query = select(MessageRow.round, MessageRow.number).where(MessageRow.ceremony_id == row.id)
    posted = (await session.execute(query.order_by(MessageRow.number))).all()
    open_still = row.state in (DEALING, CERTIFYING)
    return Ceremony(
        id=row.id,
        state=EXPIRED if open_still and await now(session) >= row.expires_at else row.state,
        site=row.site,
        purchaser=row.purchaser,
        setup=row.setup,
        dealt=tuple(number for kind, number in posted if kind == DEAL),
        certified=tuple(number for kind, number in posted if kind == CERTIFICATE),
        expires_at=row.expires_at,
        reason=row.reason,
        blamed=row.blamed,
        transcript_hash=row.transcript_hash,
    )


def _key(row: OpeningKeyRow, content: bytes, transcript_hash: bytes) -> OpeningKey:
    setup = keysetup.read(content)
    shares = row.verification_shares
    return OpeningKey(
        public_key=row.public_key,
        key_hash=row.key_hash,
        transcript=transcript_hash,
        index=row.number,
        verification_shares=tuple(shares[i : i + POINT_BYTES] for i in range(0, len(shares), POINT_BYTES)),
        threshold=setup.threshold,
        custodians=setup.custodians,
    )


async def _people(session: AsyncSession, ceremony_id: UUID) -> frozenset[UUID]:
    return frozenset(one.user_id for one in await custodians(session, ceremony_id))


def _setup(terms: Terms, ceremony_id: UUID, *, sandbox: bool) -> keysetup.Setup:
    custodians = tuple(
        keysetup.Custodian(number, (person.device_key or b"").hex(), person.name, str(role))
        for number, (person, role) in enumerate(terms.custodians, start=1)
    )
    return keysetup.Setup(
        format=keysetup.FORMAT,
        suite=keysetup.SUITE,
        ceremony=ceremony_id,
        threshold=terms.threshold,
        count=terms.count,
        custodians=custodians,
        sandbox=sandbox,
    )
