"""Sheets in the making: what a member has typed and not handed in, kept so that no lost connection costs it.

A draft is its member's alone, proves nothing and is no event of the trail; it goes when the sheet is handed in. Each
save names the version that it changes, so that two windows of one member never overwrite each other unseen.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from experts import evaluations, offers
from experts.tables import DraftRow, SheetRow
from kernel import database
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, not_found

Typed = Annotated[str, msgspec.Meta(max_length=16)]
Note = Annotated[str, msgspec.Meta(max_length=500)]
Code = Annotated[str, msgspec.Meta(max_length=64)]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was typed: points by criterion just as they stand in their fields, a remark, notes by criterion."""

    scores: Annotated[dict[Code, Typed], msgspec.Meta(max_length=64)] = {}
    remark: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    notes: Annotated[dict[Code, Note], msgspec.Meta(max_length=64)] = {}


@dataclass(frozen=True, slots=True)
class Draft:
    """A kept draft. `version` counts its saves from 1; a draft that does not exist has version 0."""

    bid: UUID
    version: int
    content: Content
    saved_at: datetime


async def save(
    session: AsyncSession, actor: Actor, lot_id: UUID, bid_id: UUID, content: Content, *, version: int
) -> Draft:
    """Keep what a declared member has typed over the draft of this `version` (0: there was none).

    Raises ``evaluation.scored`` once the sheet is handed in, ``evaluation.draft_changed`` with the present version when
    another window has saved meanwhile.
    """
    desk = await evaluations.seat(session, actor, lot_id, lock=False)
    if bid_id not in offers.ids(await offers.of_lot(session, desk.lot)):
        raise not_found("bid")
    handed_in = select(SheetRow.id).where(
        SheetRow.member_id == desk.member.id, SheetRow.bid_id == bid_id, SheetRow.void.is_(False)
    )
    if await session.scalar(handed_in) is not None:
        raise GgzyError("evaluation.scored", Kind.CONFLICT)
    now = await database.now(session)
    plain: dict[str, Any] = msgspec.to_builtins(content)
    key = {"member_id": desk.member.id, "bid_id": bid_id}
    first = insert(DraftRow).values(**key, version=1, content=plain, saved_at=now)
    written = first.on_conflict_do_update(
        index_elements=list(key),
        set_={"version": DraftRow.version + 1, "content": plain, "saved_at": now},
        where=DraftRow.version == version,
    ).returning(DraftRow.version)
    kept = await session.scalar(written)
    if kept is None:
        present = select(DraftRow.version).where(DraftRow.member_id == desk.member.id, DraftRow.bid_id == bid_id)
        raise GgzyError("evaluation.draft_changed", Kind.CONFLICT, version=await session.scalar(present))
    return Draft(bid_id, kept, content, now)


async def mine(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Draft]:
    """Return a declared member's own drafts."""
    desk = await evaluations.seat(session, actor, lot_id, lock=False)
    rows = await session.scalars(select(DraftRow).where(DraftRow.member_id == desk.member.id).order_by(DraftRow.bid_id))
    return [Draft(row.bid_id, row.version, msgspec.convert(row.content, Content), row.saved_at) for row in rows]
