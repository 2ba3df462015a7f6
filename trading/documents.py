"""Documents of tenders and lots: versions of files with a kind, and the record of who took them (获取).

Files come first (`trading.files`); a document names one by its digest. Attaching again under the same kind and title
makes the next version; nothing is ever replaced. Who took the documents is secret (招标投标法 第二十二条).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from archive import trail
from kernel import database
from kernel.actor import Actor, Role
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind, not_found, permit
from trading import files, judges, lots, parties, policy, taken
from trading.lifecycle import By
from trading.lot import ENDED, UNANNOUNCED, LotFacts, State
from trading.tables import DocumentRow, FileRow, IssueRow, TenderRow
from trading.text import Line

# What belongs to the invitation itself is fixed once announced; later versions come with a clarification.
INVITING = frozenset({"tender_documents", "drawings", "bill_of_quantities", "ceiling_price", "clarification"})
OPEN_TO_BIDDERS = INVITING
KINDS = INVITING | {"entry", "commission", "approval", "contract", "minutes", "other"}


class DocumentDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document to be attached: which file, as what."""

    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$(?!\n)")]
    title: Line
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    media_type: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.+\-]{1,60}/[a-z0-9.+\-]{1,100}$(?!\n)")]
    lot: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document; `size` in bytes."""

    id: UUID
    tender_id: UUID
    lot_id: UUID | None
    kind: str
    title: str
    version: int
    media_type: str
    sha256: bytes
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Issue:
    """Somebody took the documents of a lot."""

    lot_id: UUID
    bidder: str
    at: datetime


async def attach(
    session: AsyncSession, actor: Actor, tender_id: UUID, draft: DocumentDraft, *, entropy: Entropy
) -> Document:
    """Attach a stored file to a tender, or to the lot of this number, and record ``document.attached``.

    Raises ``document.unknown_kind``, ``document.fixed`` (the invitation after its announcement), ``file.not_found``,
    ``lot.not_found``, ``lot.ended``, ``step.not_yours``, ``tender.not_found``.
    """
    found = await lots.lock_all(session, tender_id)
    permit(await _may_attach(session, actor, found))
    if draft.kind in INVITING and any(lot.state not in UNANNOUNCED for lot in found):
        raise GgzyError("document.fixed", Kind.CONFLICT, document=draft.kind)
    return await add(session, actor, found, draft, entropy=entropy)


async def add(
    session: AsyncSession, actor: Actor, found: list[LotFacts], draft: DocumentDraft, *, entropy: Entropy
) -> Document:
    """Attach a file on behalf of a command that has asked its policy; `found` are the tender's lots, locked.

    Raises GgzyError ``document.unknown_kind``, ``lot.ended``.
    """
    if draft.kind not in KINDS:
        raise GgzyError("document.unknown_kind", document=draft.kind)
    file = await files.get(session, bytes.fromhex(draft.sha256))
    lot = _choose(found, draft.lot)
    if all(each.state in ENDED for each in ([lot] if lot else found)):
        raise GgzyError("lot.ended", Kind.CONFLICT, state=str(found[0].state), step="attach")
    row = DocumentRow(
        id=new_id(entropy),
        tender_id=found[0].tender_id,
        lot_id=lot.id if lot else None,
        kind=draft.kind,
        title=draft.title,
        version=await _next_version(session, found[0].tender_id, lot, draft),
        media_type=draft.media_type,
        sha256=file.sha256,
        by=actor.user_id,
        at=await database.now(session),
    )
    session.add(row)
    await session.flush()
    data = {"document": str(row.id), "kind": row.kind, "version": row.version, "sha256": draft.sha256}
    await trail.record(session, actor, "document.attached", data, trade=row.tender_id, entropy=entropy)
    return _value(row, file.size)


async def of_tender(session: AsyncSession, actor: Actor, tender_id: UUID) -> list[Document]:
    """Return the documents that somebody may see: insiders all, bidders those of the lots whose documents they took."""
    found = (await lots.of_tenders(session, [tender_id]))[tender_id]
    insider, own = await _reach(session, actor, found)
    documents = await every(session, tender_id)
    return [document for document in documents if insider or _is_open(document, own)]


async def every(session: AsyncSession, tender_id: UUID) -> list[Document]:
    """Return all documents of a tender in the order of attaching, for its archive; asks nobody's rights."""
    query = select(DocumentRow, FileRow.size).join(FileRow, FileRow.sha256 == DocumentRow.sha256)
    query = query.where(DocumentRow.tender_id == tender_id).order_by(DocumentRow.at, DocumentRow.id)
    return [_value(row, size) for row, size in await session.execute(query)]


async def announced(session: AsyncSession, actor: Actor, tender_id: UUID) -> list[Document]:
    """Return what the invitation consists of, to whoever sees the tender; ``tender.not_found``.

    Names and digests, so that nobody is given another version than everybody else; the bytes are for who took them.
    """
    found = (await lots.of_tenders(session, [tender_id]))[tender_id]
    if not found or await lots.seen(session, actor, found[0]):
        raise not_found("tender")
    published = {None, *(lot.id for lot in found if lot.state not in UNANNOUNCED)}
    documents = await every(session, tender_id) if len(published) > 1 else []
    return [one for one in documents if one.kind in INVITING and one.lot_id in published]


async def get(session: AsyncSession, actor: Actor, document_id: UUID) -> Document:
    """Return a document to whom it exists; ``document.not_found``."""
    row = await session.get(DocumentRow, document_id)
    if row is None:
        raise not_found("document")
    seen = await of_tender(session, actor, row.tender_id)
    document = next((document for document in seen if document.id == document_id), None)
    if document is None:
        raise not_found("document")
    return document


async def take(session: AsyncSession, actor: Actor, lot_id: UUID, bidder: str, *, entropy: Entropy) -> Issue:
    """Issue the documents of a lot to a bidder and record ``documents.issued``; taking them again changes nothing.

    Raises ``issue.not_the_bidder``, ``issue.not_open``, ``lot.not_found``, ``party.unknown``.
    """
    lot = await lots.facts(session, lot_id)
    permit(await lots.seen(session, actor, lot))
    tender = await session.get_one(TenderRow, lot.tender_id)
    permit(policy.may_take(actor, bidder, tuple(tender.invitees)))
    await parties.require(session, bidder)
    now = await database.now(session)
    if lot.state != State.ANNOUNCED or lot.suspended or lot.deadline is None or now >= lot.deadline:
        raise GgzyError("issue.not_open", Kind.CONFLICT)
    statement = insert(IssueRow).values(lot_id=lot_id, bidder=bidder, by=actor.user_id, at=now)
    if await session.scalar(statement.on_conflict_do_nothing().returning(IssueRow.at)) is not None:
        data = {"lot": str(lot_id), "bidder": bidder}
        await trail.record(session, actor, "documents.issued", data, trade=lot.tender_id, entropy=entropy)
    row = await session.get_one(IssueRow, (lot_id, bidder))
    return Issue(row.lot_id, row.bidder, row.at)


async def issues(session: AsyncSession, actor: Actor, lot_id: UUID) -> list[Issue]:
    """Return who took the documents, once bids are read, to tenderer, supervisor, archivist; ``issue.not_found``."""
    permit(await taken.hidden(session, actor, await lots.facts(session, lot_id)))
    query = select(IssueRow).where(IssueRow.lot_id == lot_id).order_by(IssueRow.at, IssueRow.bidder)
    return [Issue(row.lot_id, row.bidder, row.at) for row in await session.scalars(query)]


async def _may_attach(session: AsyncSession, actor: Actor, found: list[LotFacts]) -> GgzyError | None:
    if not found:
        return not_found("tender")
    unseen = await lots.seen(session, actor, found[0])
    by = frozenset({By.TENDERER, By.ACCEPTANCE, By.WITNESS, By.SYSTEM})
    return policy.may_act(actor, found[0], by, seen=unseen and not_found("tender"))


async def _reach(session: AsyncSession, actor: Actor, found: list[LotFacts]) -> tuple[bool, set[UUID]]:
    """Return whether all documents are open to somebody, and the lots whose documents they took."""
    if not found or await lots.seen(session, actor, found[0]):
        raise not_found("tender")
    query = select(IssueRow.lot_id).where(
        IssueRow.lot_id.in_([lot.id for lot in found]), IssueRow.bidder.in_(actor.parties(Role.BIDDER))
    )
    own = set((await session.scalars(query)).all())
    if actor.holds(Role.EXPERT):
        seats = await judges.lots_of(session, actor, found[0].tender_id)
        own |= {lot.id for lot in found if lot.state == State.EVALUATING and lot.id in seats}
    return policy.is_insider(actor, found[0]), own


def _is_open(document: Document, own: set[UUID]) -> bool:
    return document.kind in OPEN_TO_BIDDERS and (document.lot_id in own if document.lot_id else bool(own))


def _choose(found: list[LotFacts], number: int | None) -> LotFacts | None:
    if number is None:
        return None
    lot = next((lot for lot in found if lot.number == number), None)
    if lot is None:
        raise not_found("lot")
    return lot


async def _next_version(session: AsyncSession, tender_id: UUID, lot: LotFacts | None, draft: DocumentDraft) -> int:
    query = select(func.max(DocumentRow.version)).where(
        DocumentRow.tender_id == tender_id,
        DocumentRow.lot_id.is_not_distinct_from(lot.id if lot else None),
        DocumentRow.kind == draft.kind,
        DocumentRow.title == draft.title,
    )
    return (await session.scalar(query) or 0) + 1


def _value(row: DocumentRow, size: int) -> Document:
    return Document(
        id=row.id,
        tender_id=row.tender_id,
        lot_id=row.lot_id,
        kind=row.kind,
        title=row.title,
        version=row.version,
        media_type=row.media_type,
        sha256=row.sha256,
        size=size,
        at=row.at,
    )
