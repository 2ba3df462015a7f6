"""Candidates made public and the award (条例53–55). Who the candidates are comes from the evaluation."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import lots, notices, parties, policy
from trading.draft import check_moment, is_money
from trading.lifecycle import STEPS
from trading.lot import LotFacts
from trading.notices import Notice


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ranked candidate (rank from 1) with the price bid in yuan."""

    rank: int
    bidder: str
    price: Decimal


async def publicize(
    session: AsyncSession,
    actor: Actor,
    lot_id: UUID,
    candidates: tuple[Candidate, ...],
    *,
    text: str,
    ends_at: datetime,
    entropy: Entropy,
) -> Notice:
    """Publish the candidates until `ends_at` and move the lot to publicized.

    The caller has taken the candidates from the evaluation report. Raises ``award.bad_ranks``, ``award.bad_price``,
    ``notice.no_text``, ``party.unknown``,
    ``publicity.too_short``, ``lot.too_many_candidates``, ``step.not_yours``.
    """
    lot = await lots.lock(session, lot_id)
    permit(policy.may_act(actor, lot, STEPS["publicize"].by, seen=await lots.seen(session, actor, lot)))
    check_moment(ends_at)
    if not all(is_money(candidate.price, least=0) for candidate in candidates):
        raise GgzyError("award.bad_price")
    ranks = [candidate.rank for candidate in candidates]
    if ranks != list(range(1, len(ranks) + 1)) or len({c.bidder for c in candidates}) != len(candidates):
        raise GgzyError("award.bad_ranks")
    await parties.require(session, *(candidate.bidder for candidate in candidates))
    names = await parties.names(session, {candidate.bidder for candidate in candidates})
    data = {"candidates": [_stated(candidate, names) for candidate in candidates]}
    notice = await notices.publish(
        session, actor, lot, "candidates", title=lot.title, text=text, data=data, ends_at=ends_at, entropy=entropy
    )
    await lots.move(session, actor, lot_id, "publicize", entropy=entropy)
    return notice


async def award(
    session: AsyncSession, actor: Actor, lot_id: UUID, winner: str, *, text: str, entropy: Entropy, reason: str = ""
) -> Notice:
    """Award the lot after the publicity and publish it; another than rank 1 needs a reason (条例55).

    Raises ``publicity.not_ended``, ``award.not_a_candidate``, ``award.not_first_rank``, ``step.not_yours``.
    """
    lot = await lots.move(session, actor, lot_id, "award", entropy=entropy, winner=winner, reason=reason)
    publicity = await notices.newest(session, lot, "candidates")
    chosen = [stated for stated in publicity.data["candidates"] if stated["bidder"] == winner] if publicity else []
    data = {"winner": chosen[0], "reason": reason}
    return await notices.publish(session, actor, lot, "award", title=lot.title, text=text, data=data, entropy=entropy)


async def winner(session: AsyncSession, lot: LotFacts) -> str | None:
    """Return the 统一社会信用代码 of whom the lot was awarded to, once it was."""
    notice = await notices.newest(session, lot, "award")
    return None if notice is None else str(notice.data["winner"]["bidder"])


def _stated(candidate: Candidate, names: dict[str, str]) -> dict[str, object]:
    price = str(candidate.price.quantize(Decimal("0.01")))
    return {"rank": candidate.rank, "bidder": candidate.bidder, "name": names[candidate.bidder], "price": price}
