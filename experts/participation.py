"""Draws under way in which somebody has a part: as one of three who give a nonce, or as custodian of the key."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import ceremony, custody
from experts import policy, rounds
from experts.rounds import Draw
from experts.tables import FIXED, PREPARED, ROLES, DrawRow, NonceShareRow
from kernel.actor import Actor
from kernel.database import now
from kernel.errors import not_found
from trading import lots
from trading.lot import LotFacts

COMMIT, REVEAL, RECOVER, WAIT = "commit", "reveal", "recover", "wait"


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody's part in a draw: what is to do next (`commit`, `reveal`, `recover`, `wait`), for which of their roles.

    `withheld` are the roles whose nonce is to be recovered by this custodian's share.
    """

    draw: Draw
    lot: LotFacts
    step: str
    roles: tuple[str, ...]
    withheld: tuple[str, ...] = ()


async def mine(session: AsyncSession, actor: Actor) -> list[Part]:
    """Return the draws under way that concern somebody, oldest first."""
    query = select(DrawRow).where(DrawRow.state.in_((PREPARED, FIXED))).order_by(DrawRow.prepared_at)
    rows = (await session.scalars(query)).all()
    found = await lots.of_tenders(session, list({row.tender_id for row in rows}))
    by_id = {lot.id: lot for several in found.values() for lot in several}
    held = await custody.lots_held(session, actor)
    own = [row for row in rows if row.lot_id in held or policy.participant_role(actor, by_id[row.lot_id])]
    parts = [await _part(session, actor, row, by_id[row.lot_id]) for row in own]
    return [part for part in parts if part is not None]


async def find(session: AsyncSession, actor: Actor, draw_id: UUID) -> Part:
    """Return somebody's part in one draw; ``draw.not_found`` when they have none."""
    row = await session.get(DrawRow, draw_id, populate_existing=True)
    if row is None:
        raise not_found("draw")
    part = await _part(session, actor, row, await lots.facts(session, row.lot_id))
    if part is None:
        raise not_found("draw")
    return part


async def _part(session: AsyncSession, actor: Actor, row: DrawRow, lot: LotFacts) -> Part | None:
    """Return what somebody has to do, None where the draw does not concern them."""
    roles = tuple(sorted(policy.participant_role(actor, lot)))
    key = await ceremony.of_lot(session, lot.id)
    device = (actor.device_key or b"").hex()
    number = next((one.index for one in key.custodians if one.device_key == device), None)
    if not roles and number is None:
        return None
    told = await rounds.view(session, row)
    if row.state == PREPARED and (left := tuple(role for role in roles if role not in told.committed)):
        return Part(told, lot, COMMIT, left)
    if row.state == FIXED and (left := tuple(role for role in roles if role not in told.revealed)):
        return Part(told, lot, REVEAL, left, await _withheld(session, row, told, number))
    withheld = await _withheld(session, row, told, number)
    return Part(told, lot, RECOVER if withheld else WAIT, roles, withheld)


async def _withheld(session: AsyncSession, row: DrawRow, told: Draw, number: int | None) -> tuple[str, ...]:
    if number is None or row.state != FIXED or await now(session) < row.release_at:
        return ()
    query = select(NonceShareRow.role).where(NonceShareRow.draw_id == row.id, NonceShareRow.custodian == number)
    given = set((await session.scalars(query)).all())
    return tuple(role for role in ROLES if role not in told.revealed and role not in given)
