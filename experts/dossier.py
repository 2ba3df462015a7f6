"""What experts contribute to the file of one trade: draws to be replayed, and the reports of the evaluation."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.package.item import Item
from experts import reports, transcripts
from experts.tables import COMPLETED, DRAWN, EXHAUSTED, CommitteeRow, DrawRow, ReportRow
from kernel.actor import SYSTEM
from trading import heading, lots
from trading.lot import LotFacts


async def items(session: AsyncSession, tender_id: UUID) -> AsyncIterator[Item]:
    """Stream the items in a stable order; roles ``draw_transcript``, ``evaluation_report``."""
    for lot in (await lots.of_tenders(session, [tender_id]))[tender_id]:
        async for item in _draws(session, lot):
            yield item
        async for item in _reports(session, lot):
            yield item


async def _draws(session: AsyncSession, lot: LotFacts) -> AsyncIterator[Item]:
    rounds = (DrawRow.lot_id == lot.id, DrawRow.state.in_((DRAWN, COMPLETED, EXHAUSTED)))
    for row in (await session.scalars(select(DrawRow).where(*rounds).order_by(DrawRow.round))).all():
        path = f"experts/lot-{lot.number:02d}/draw-{row.round:02d}/transcript.json"
        content = await transcripts.write(session, SYSTEM, row.id)
        yield Item(path, "draw_transcript", f"第{lot.number}标段第{row.round}轮抽取记录", content)


async def _reports(session: AsyncSession, lot: LotFacts) -> AsyncIterator[Item]:
    query = (
        select(ReportRow.report)
        .join(CommitteeRow, CommitteeRow.id == ReportRow.committee_id)
        .where(CommitteeRow.lot_id == lot.id, ReportRow.report.is_not(None), ReportRow.void.is_(False))
    )
    report = (await session.scalars(query)).one_or_none()
    if report is None:
        return
    place, title = f"experts/lot-{lot.number:02d}", f"第{lot.number}标段评标报告"
    yield Item(f"{place}/report.json", "evaluation_report", title, report)
    above = await heading.of_lot(session, lot.id, "evaluation")
    printed = await asyncio.to_thread(reports.render, report, above)
    yield Item(f"{place}/report.pdf", "evaluation_report", title, printed)
