"""The opening record on paper: a PDF made from the canonical record, signed and stamped, kept for good.

Of the opening it says nothing that the record does not say, and names the record's SHA-256; above stands whose trade it
is. Rendering takes a while, so it happens after the record is written, in a transaction of its own; what a crash left
is made later.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import paper, trail
from archive.signature import Seal
from bidding import openings, record
from bidding.room_tables import PaperRow
from bidding.tables import OpeningRow
from kernel import canonical
from kernel.actor import SYSTEM
from kernel.clock import parse
from kernel.database import notify, now
from kernel.entropy import Entropy
from kernel.errors import not_found
from trading import heading, lots

PREFIX = "paper.opening."
TEMPLATE = Path(__file__).with_name("record.typ")


@dataclass(frozen=True, slots=True)
class Paper:
    """A signed PDF and its SHA-256."""

    content: bytes
    digest: bytes
    made_at: datetime


async def make(
    session: AsyncSession, lot_id: UUID, stage: int, words: Mapping[str, str], *, seal: Seal, entropy: Entropy
) -> None:
    """Make the paper of a finished opening, unless it is there; `words` is the catalogue of a locale."""
    written = await record.find(session, lot_id, stage)
    row = await openings.begun(session, lot_id, stage)
    if await session.get(PaperRow, row.id) is not None:
        return
    data = canonical.decode(written.content)
    names = _words(data, words)
    above = await heading.of_lot(session, lot_id)
    said = {"record": data, "heading": asdict(above), "sha256": written.digest.hex(), "words": names}
    pdf = await asyncio.to_thread(paper.render, TEMPLATE, said, created=parse(data["finished_at"]))
    moment = await now(session)
    signed = await seal.sign(pdf, reason=names["title"], at=moment)
    digest = hashlib.sha256(signed).digest()
    values = {"opening_id": row.id, "content": signed, "digest": digest, "made_at": moment}
    kept = insert(PaperRow).values(values).on_conflict_do_nothing().returning(PaperRow.opening_id)
    if (await session.execute(kept)).first() is None:
        return
    lot = await lots.facts(session, lot_id)
    event: dict[str, Any] = {"lot": str(lot_id), "opening": str(row.id), "stage": stage, "paper": digest.hex()}
    await trail.record(session, SYSTEM, "opening.paper_signed", event, trade=lot.tender_id, entropy=entropy)
    await notify(session, "opening", f"{lot_id}/{stage}")


async def find(session: AsyncSession, lot_id: UUID, stage: int) -> Paper:
    """Return the paper of a finished opening, for everybody; ``opening.not_found``."""
    row = await openings.of_lot(session, lot_id, stage)
    made = None if row is None else await session.get(PaperRow, row.id)
    if made is None:
        raise not_found("opening")
    return Paper(made.content, made.digest, made.made_at)


async def stages(session: AsyncSession, lot_ids: Collection[UUID]) -> dict[UUID, list[int]]:
    """Return by lot the stages whose record is there on paper, by one query; lots without any are left out."""
    query = select(OpeningRow.lot_id, OpeningRow.stage).join(PaperRow, PaperRow.opening_id == OpeningRow.id)
    found: dict[UUID, list[int]] = {}
    for row in await session.execute(query.where(OpeningRow.lot_id.in_(lot_ids)).order_by(OpeningRow.stage)):
        found.setdefault(row.lot_id, []).append(row.stage)
    return found


async def missing(session: AsyncSession) -> Sequence[tuple[UUID, int]]:
    """Return lot and stage of the finished openings without a paper."""
    made = exists().where(PaperRow.opening_id == OpeningRow.id)
    query = select(OpeningRow.lot_id, OpeningRow.stage).where(OpeningRow.record.is_not(None), ~made)
    return [(row.lot_id, row.stage) for row in await session.execute(query.order_by(OpeningRow.finished_at))]


def _words(data: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """Return the words of the template by their names, and of the codes for which envelopes were rejected."""
    codes = {one["code"] for bid in data["bids"] for one in bid["envelopes"] if one["code"] is not None}
    named = {code.removeprefix(PREFIX): text for code, text in words.items() if code.startswith(PREFIX)}
    return named | {f"code_{code}": words.get(code, code) for code in codes}
