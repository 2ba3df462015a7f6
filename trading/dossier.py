"""What trading contributes to the file of one trade (一项一档): documents, notices, who took the documents."""

import mimetypes
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.package.item import Item, Stored, Trade
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading import documents, files, lots, notices, parties, questions, tenders
from trading.documents import Document
from trading.lot import ENDED, LotFacts, State
from trading.notices import Notice
from trading.rulepack import Pack
from trading.tables import IssueRow

READY = ENDED | {State.CONTRACTED}
ROLES = {"candidates": "candidate_notice", "award": "award_notice"}
ISSUES = "ggzy/document-issues/v1"
QUESTIONS = "ggzy/document-questions/v1"


async def describe(session: AsyncSession, tender_id: UUID, *, organization: str, sandbox: bool) -> Trade:
    """Return what the package says about its trade; ``tender.not_ended`` while a lot is still under way."""
    tender = await tenders.load(session, tender_id)
    under_way = [lot.number for lot in tender.lots if lot.state not in READY]
    if under_way:
        raise GgzyError("tender.not_ended", Kind.CONFLICT, lots=", ".join(map(str, under_way)))
    now = await database.now(session)
    return Trade(
        id=tender.id,
        code=tender.code,
        title=_printable(tender.title),
        trade_type=tender.trade_type,
        region=tender.region,
        site=tender.site,
        organization=organization,
        purchaser=(await parties.get(session, tender.purchaser)).name,
        closed_at=now,
        retention_years=lots.rules(tender.lots[0], now).value("archive.retention_years"),
        sandbox=sandbox,
    )


async def items(session: AsyncSession, tender_id: UUID) -> AsyncIterator[Item]:
    """Stream the items of trading in a stable order; roles: kinds of documents and notices, issues and questions."""
    for position, document in enumerate(await documents.every(session, tender_id), 1):
        yield _of_document(position, document)
    for notice in await notices.of_tender(session, tender_id):
        yield _of_notice(notice)
    for lot in (await lots.of_tenders(session, [tender_id]))[tender_id]:
        yield await _issues(session, lot)
        asked = await questions.every(session, lot.id)
        if asked:
            yield _questions(lot, asked)


def required(found: list[LotFacts], pack: Pack) -> tuple[str, ...]:
    """Return the roles without which the trade is not filed: fewer when no lot came to an award."""
    failed = all(lot.state in {State.FAILED, State.TERMINATED} for lot in found)
    names: tuple[str, ...] = pack.value("archive.required_without_award" if failed else "archive.required")
    return names


async def close(session: AsyncSession, actor: Actor, tender_id: UUID, *, entropy: Entropy) -> None:
    """Move every lot of a filed trade to archived; those that are archived already stay."""
    for lot in await lots.lock_all(session, tender_id):
        if lot.state != State.ARCHIVED:
            await lots.move(session, actor, lot.id, "archive", entropy=entropy)


def _of_document(position: int, document: Document) -> Item:
    extension = mimetypes.guess_extension(document.media_type) or ".bin"
    path = f"trading/documents/{position:04d}-{document.kind}-v{document.version}{extension}"
    source = Stored((files.key(document.sha256),), document.size, document.sha256.hex())
    return Item(path, document.kind, _printable(document.title), source)


def _of_notice(notice: Notice) -> Item:
    path = f"trading/notices/{notice.number:04d}-{notice.kind}.json"
    return Item(path, ROLES.get(notice.kind, "notice"), _printable(notice.title), notices.encode(notice))


async def _issues(session: AsyncSession, lot: LotFacts) -> Item:
    query = select(IssueRow).where(IssueRow.lot_id == lot.id).order_by(IssueRow.at, IssueRow.bidder)
    taken = [{"bidder": row.bidder, "at": isoformat(row.at)} for row in await session.scalars(query)]
    content = canonical.encode({"format": ISSUES, "lot": str(lot.id), "number": lot.number, "issues": taken})
    return Item(f"trading/issues/lot-{lot.number:02d}.json", "issue_record", _printable(lot.title), content)


def _questions(lot: LotFacts, asked: list[dict[str, Any]]) -> Item:
    content = canonical.encode({"format": QUESTIONS, "lot": str(lot.id), "number": lot.number, "questions": asked})
    path = f"trading/questions/lot-{lot.number:02d}.json"
    return Item(path, "question_record", _printable(lot.title), content)


def _printable(title: str) -> str:
    # people type tabs and wide spaces into titles; the index of a package takes printable characters only
    return "".join(character if character.isprintable() else " " for character in title)
