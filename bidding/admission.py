"""Who is let into an opening, asked before anything of it is read; the rule itself is `bidding.room_policy`."""

from sqlalchemy.ext.asyncio import AsyncSession

from bidding import ceremony, room_policy, submissions
from bidding.tables import FINISHED, OpeningRow
from kernel.actor import ANONYMOUS, Actor, Role
from kernel.errors import permit
from trading import lots
from trading.lot import LotFacts


async def admit(session: AsyncSession, actor: Actor, lot: LotFacts, stage: int, row: OpeningRow | None) -> bool:
    """Return whether somebody takes part (True) or looks on with the public (False); ``opening.not_found``.

    `row` is the opening's, None before it has begun.
    """
    inside = await _takes_part(session, actor, lot)
    finished = row is not None and row.state == FINISHED
    openly = await lots.seen(session, ANONYMOUS, lot) is None
    permit(room_policy.may_enter(lot, stage, inside=inside, openly=openly, finished=finished))
    return inside


async def _takes_part(session: AsyncSession, actor: Actor, lot: LotFacts) -> bool:
    """Ask the policy; bids and custodians are only looked up for whom nothing else lets in."""
    if room_policy.takes_part(actor, lot, bidders=(), devices=()):
        return True
    own = actor.parties(Role.BIDDER)
    bidders = {bid.party for bid in await submissions.standing(session, lot, of=own)} if own else set[str]()
    held = actor.device_key and lot.opening_key_hash
    devices = (await ceremony.of_lot(session, lot.id)).devices if held else frozenset[bytes]()
    return room_policy.takes_part(actor, lot, bidders=bidders, devices=devices)
