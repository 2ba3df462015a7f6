"""What a lot publishes for sealing (``ggzy/seal-target/v1``): its deadline, envelopes, opening key."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from archive.recording import in_sandbox
from bidding import ceremony, policy
from bidding.target import EnvelopeSlot, SealTarget
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, permit
from trading import lots
from trading.lot import UNANNOUNCED, EnvelopeKind, State


async def find(session: AsyncSession, actor: Actor, lot_id: UUID, *, platform: str) -> SealTarget:
    """Return the target of an announced lot; `platform` is the log's origin. Before the announcement: not found.

    Raises GgzyError ``bid.not_open``.
    """
    lot = await lots.facts(session, lot_id)
    permit(await lots.seen(session, actor, lot))
    if lot.state == State.ANNOUNCED:
        permit(policy.is_biddable(lot))
    if lot.state in UNANNOUNCED or lot.deadline is None or lot.opening_key_hash is None:
        raise GgzyError("bid.not_open", Kind.CONFLICT, state=str(lot.state))
    key = await ceremony.of_lot(session, lot_id)
    return SealTarget(
        platform=platform,
        title=lot.title,
        tender=lot.tender_id,
        lot=lot.id,
        deadline=lot.deadline,
        policy=lot.opening_policy,
        envelopes=tuple(EnvelopeSlot(EnvelopeKind(rule.kind), rule.stage) for rule in lot.envelopes),
        key=lot.opening_key_hash,
        opening_key=key.public_key,
        sandbox=await in_sandbox(session),
    )
