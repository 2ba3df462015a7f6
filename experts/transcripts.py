"""The transcript of a draw put together from the log: for the supervisor at once, for all after the result."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint, note, proof, trail
from bidding import ceremony
from experts import policy, reveals, roster, rounds, transcript
from experts.tables import COMPLETED, DRAWN, EXHAUSTED, CallRow, DrawEntryRow, DrawRow, ExpertRow, RevealRow
from experts.transcript import Identity, Proven
from kernel.actor import Actor
from kernel.errors import not_found, permit
from trading import lots
from trading.lot import LotFacts


async def write(session: AsyncSession, actor: Actor, draw_id: UUID) -> bytes:
    """Return the transcript, ``ggzy/draw/v1``; names stand in it once they are public.

    Raises ``trail.not_sequenced`` until the log holds every entry.
    """
    row = await session.get(DrawRow, draw_id, populate_existing=True)
    if row is None:
        raise not_found("draw")
    lot = await lots.facts(session, row.lot_id)
    permit(policy.may_see_transcript(actor, lot))
    rounds.require_state(row, DRAWN, COMPLETED, EXHAUSTED)
    entries, head = await _entries(session, row)
    query = select(CallRow).where(CallRow.draw_id == row.id).order_by(CallRow.position)
    accepted = reveals.calls_of(row, list((await session.scalars(query)).all())).accepted
    seed = row.checkpoint or ""
    consistency = await trail.consistency(session, _size(seed), _size(head))
    return transcript.write(
        seed=seed,
        head=head,
        consistency=consistency,
        entries=entries,
        roster=reveals.lines_of(row),
        members=accepted,
        names=await _names(session, row, accepted) if policy.may_name(lot) else None,
        key=await _key(session, row),
    )


async def of_lot(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[UUID]:
    """Return the rounds of a lot that whoever asks may replay, oldest first; none before that time."""
    return (await of_lots(session, actor, [await lots.facts(session, lot_id)]))[lot_id]


async def of_lots(session: AsyncSession, actor: Actor, found: Sequence[LotFacts]) -> dict[UUID, list[UUID]]:
    """Return the same for many lots by one query; each lot has its list."""
    grouped: dict[UUID, list[UUID]] = {lot.id: [] for lot in found}
    open_lots = [lot.id for lot in found if policy.may_see_transcript(actor, lot) is None]
    drawn = DrawRow.state.in_([DRAWN, COMPLETED, EXHAUSTED])
    query = select(DrawRow.lot_id, DrawRow.id).where(DrawRow.lot_id.in_(open_lots), drawn)
    for lot_id, draw_id in await session.execute(query.order_by(DrawRow.lot_id, DrawRow.round)):
        grouped[lot_id].append(draw_id)
    return grouped


async def _entries(session: AsyncSession, row: DrawRow) -> tuple[list[Proven], str]:
    query = select(DrawEntryRow).where(DrawEntryRow.draw_id == row.id).order_by(DrawEntryRow.position)
    kept = (await session.scalars(query)).all()
    indexes = [proof.parse(await trail.proof(session, one.commitment)).index for one in kept]
    proofs = [proof.parse(text) for text in await trail.prove(session, indexes)]
    entries = [Proven(one.event, one.salt, p.index, p.hashes) for one, p in zip(kept, proofs, strict=True)]
    return entries, rounds.own_signature(proofs[0].checkpoint)


async def _key(session: AsyncSession, row: DrawRow) -> bytes | None:
    """Return the transcript of the lot's opening key if a nonce was recovered: its shares are checked against it."""
    recovered = select(RevealRow.role).where(RevealRow.draw_id == row.id, RevealRow.how == "recovered").limit(1)
    if (await session.scalars(recovered)).first() is None:
        return None
    return await ceremony.transcript(session, (await ceremony.of_lot(session, row.lot_id)).transcript)


async def _names(session: AsyncSession, row: DrawRow, accepted: list[bytes]) -> list[Identity]:
    query = (
        select(CallRow.code, ExpertRow)
        .join(ExpertRow, ExpertRow.id == CallRow.expert_id)
        .where(CallRow.draw_id == row.id, CallRow.code.in_(accepted))
    )
    found = dict((await session.execute(query)).all())
    return [_identity(row, code, found[code]) for code in accepted]


def _identity(row: DrawRow, code: bytes, expert: ExpertRow) -> Identity:
    salt = roster.expert_salt(row.secret, expert.id)
    return Identity(code.hex(), salt.hex(), str(expert.id), expert.name, expert.employers[0]["name"])


def _size(text: str) -> int:
    return checkpoint.parse(note.parse(text).text).size
