"""What fails around an opening, noted by the witness: what, since when, through whom, who was told, what was decided.

电子招标投标办法 第三十一条: a bid that cannot be decrypted through its bidder's fault counts as revoked (撤销), through
another's as withdrawn (撤回), with a claim to damages; the rest go on; a remedy may be laid down in the documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from bidding import remarks, room_policy
from bidding.room_tables import CAUSES, DECISIONS, FAILED, OutageRow
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import notify, now
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, permit
from trading import lots
from trading.lot import UNANNOUNCED


@dataclass(frozen=True, slots=True)
class Draft:
    """The checklist filled in: `failed` one of `FAILED`, `cause` one of `CAUSES`, `decision` one of `DECISIONS`."""

    failed: str
    cause: str
    since: datetime
    told: str
    decision: str
    note: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A note as it stands; `name` who made it."""

    draft: Draft
    name: str
    made_at: datetime


async def note(
    session: AsyncSession, actor: Actor, lot_id: UUID, stage: int, draft: Draft, *, entropy: Entropy
) -> None:
    """Note what failed at an opening, before it, during it or after it.

    Raises ``outage.unknown``, ``outage.in_future``, ``opening.no_text``, ``opening.no_such_stage``,
    ``opening.not_found``.
    """
    lot = await lots.facts(session, lot_id)
    permit(room_policy.may_note(actor, lot))
    if lot.state in UNANNOUNCED or stage not in {rule.stage for rule in lot.envelopes}:
        raise GgzyError("opening.no_such_stage", stage=stage)
    if draft.failed not in FAILED or draft.cause not in CAUSES or draft.decision not in DECISIONS:
        raise GgzyError("outage.unknown")
    moment = await now(session)
    if draft.since > moment:
        raise GgzyError("outage.in_future")
    for text in (draft.told, draft.note):
        remarks.check_text(text)
    said = {
        "failed": draft.failed,
        "cause": draft.cause,
        "told": draft.told,
        "decision": draft.decision,
        "note": draft.note,
    }
    ids = {"id": new_id(entropy), "lot_id": lot_id, "stage": stage, "user_id": actor.user_id, "name": actor.name}
    session.add(OutageRow(**ids, **said, since=draft.since, made_at=moment))
    await session.flush()
    data = {"lot": str(lot_id), "stage": stage, "since": isoformat(draft.since), **said}
    await trail.record(session, actor, "opening.outage_noted", data, trade=lot.tender_id, entropy=entropy, at=moment)
    await notify(session, "opening", f"{lot_id}/{stage}")


async def list_all(session: AsyncSession, lot_id: UUID, stage: int) -> Sequence[Outage]:
    """Return the notes of an opening, oldest first."""
    query = select(OutageRow).where(OutageRow.lot_id == lot_id, OutageRow.stage == stage)
    return [
        Outage(Draft(row.failed, row.cause, row.since, row.told, row.decision, row.note), row.name, row.made_at)
        for row in await session.scalars(query.order_by(OutageRow.made_at, OutageRow.id))
    ]
