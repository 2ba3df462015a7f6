"""One round of a draw as its steps share it: locked, seen by its participants, its events logged and kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint, note, trail
from archive.event import Opening
from bidding import ceremony
from experts import nonce, quota
from experts.nonce import Plan
from experts.quota import Quota
from experts.tables import ACCEPTED, CallRow, DrawEntryRow, DrawRow, NonceRow, RevealRow
from kernel.actor import Actor
from kernel.database import notify
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found
from trading import lots
from trading.lot import LotFacts


@dataclass(frozen=True, slots=True)
class Beacon:
    """A future round of a drand chain (hash in hex) that is mixed in."""

    chain: str
    round: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw as its participants see it: figures and roles, no names, no codes.

    `checkpoint` and `beacon_signature` are the seed, once it is fixed.
    """

    id: UUID
    lot_id: UUID
    tender_id: UUID
    round: int
    reason: str
    state: str
    quotas: tuple[Quota, ...]
    representatives: int
    roster: bytes
    key_hash: bytes
    public_key: bytes
    release_at: datetime
    beacon: Beacon | None
    checkpoint: str | None
    beacon_signature: bytes | None
    committed: tuple[str, ...]
    revealed: tuple[str, ...]
    calls: dict[str, int]

    def plan(self) -> Plan:
        """Return what a participant's device commits to."""
        return Plan(
            self.id,
            self.tender_id,
            self.lot_id,
            self.round,
            self.roster,
            self.release_at,
            self.key_hash,
            self.public_key,
        )

    def seed(self) -> bytes:
        """Return the digest of the seed, which reveals and shares name; ``draw.wrong_step`` before it is fixed."""
        if self.checkpoint is None:
            raise GgzyError("draw.wrong_step", Kind.CONFLICT, state=self.state)
        return nonce.seed_digest(self.id, self.checkpoint, self.beacon_signature)


async def locked(session: AsyncSession, draw_id: UUID) -> tuple[DrawRow, LotFacts]:
    """Lock a draw's row and return it with its lot's facts; ``draw.not_found``."""
    query = select(DrawRow).where(DrawRow.id == draw_id).with_for_update().execution_options(populate_existing=True)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        raise not_found("draw")
    return row, await lots.facts(session, row.lot_id)


async def log(
    session: AsyncSession,
    actor: Actor,
    row: DrawRow,
    kind: str,
    data: dict[str, Any],
    *,
    entropy: Entropy,
    at: datetime | None = None,
) -> Opening:
    """Record an event of a draw, keep its opening for the transcript, and tell the pages that show it."""
    told = {"draw": str(row.id), **data}
    opening = await trail.record(session, actor, kind, told, trade=row.tender_id, entropy=entropy, at=at)
    place = select(func.count()).select_from(DrawEntryRow).where(DrawEntryRow.draw_id == row.id)
    position = (await session.execute(place)).scalar_one()
    session.add(
        DrawEntryRow(
            draw_id=row.id,
            position=position,
            event=opening.event,
            salt=opening.salt,
            commitment=opening.commitment,
        )
    )
    await session.flush()
    await notify(session, "draw", row.lot_id)
    return opening


async def accepted_count(session: AsyncSession, lot_id: UUID) -> int:
    """Return how many experts have accepted in all rounds of a lot."""
    query = (
        select(func.count())
        .select_from(CallRow)
        .join(DrawRow, DrawRow.id == CallRow.draw_id)
        .where(DrawRow.lot_id == lot_id, CallRow.state == ACCEPTED)
    )
    return int((await session.execute(query)).scalar_one())


async def view(session: AsyncSession, row: DrawRow) -> Draw:
    """Return the draw of a row."""
    key = await ceremony.of_lot(session, row.lot_id)
    query = select(CallRow.state, func.count()).where(CallRow.draw_id == row.id).group_by(CallRow.state)
    counts = dict((await session.execute(query)).all())
    return Draw(
        row.id,
        row.lot_id,
        row.tender_id,
        row.round,
        row.reason,
        row.state,
        quota.read(row.quotas),
        row.representatives,
        row.roster_digest,
        key.key_hash,
        key.public_key,
        row.release_at,
        None if row.beacon is None else Beacon(**row.beacon),
        row.checkpoint,
        row.beacon_signature,
        await roles(session, NonceRow, row.id),
        await roles(session, RevealRow, row.id),
        counts,
    )


def require_state(row: DrawRow, *states: str) -> None:
    """Raise ``draw.wrong_step`` unless the draw is in one of the states."""
    if row.state not in states:
        raise GgzyError("draw.wrong_step", Kind.CONFLICT, state=row.state)


async def roles(session: AsyncSession, table: type[NonceRow | RevealRow], draw_id: UUID) -> tuple[str, ...]:
    """Return the roles that have committed (NonceRow) or revealed (RevealRow)."""
    query = select(table.role).where(table.draw_id == draw_id).order_by(table.role)
    return tuple((await session.scalars(query)).all())


def own_signature(text: str) -> str:
    """Return a checkpoint with its own log's signature alone; cosignatures may come later and prove nothing here."""
    parsed = note.parse(text)
    origin = checkpoint.parse(parsed.text).origin
    return note.Note(parsed.text, tuple(s for s in parsed.signatures if s.name == origin)).encode()
