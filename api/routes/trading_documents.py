"""Files and documents over HTTP: bytes by their digest, documents of tenders, and who took them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.params import HeaderParameter, Parameter
from litestar.response import Stream
from litestar.status_codes import HTTP_204_NO_CONTENT
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.transaction import STREAMED
from archive.store import ObjectStore
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from trading import documents, file_parts, files
from trading.documents import Document, DocumentDraft, Issue
from trading.draft import Code

Length = Annotated[int, HeaderParameter(name="Content-Length", ge=1)]
Digest = Annotated[str, Parameter(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In how many parts a file was sent."""

    parts: Annotated[int, msgspec.Meta(ge=1, le=file_parts.MOST_PARTS)]


class IssueDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which bidder the documents are taken."""

    bidder: Code


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store; `sha256` is hex, `size` in bytes."""

    sha256: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One version of a document; `sha256` is hex, `size` in bytes."""

    id: UUID
    tender_id: UUID
    lot_id: UUID | None
    kind: str
    title: str
    version: int
    media_type: str
    sha256: str
    size: int
    at: datetime


class FileController(Controller):
    """Files by their content."""

    path = "/api/v1/files"
    tags = ("trading",)

    @put("/{sha256:str}", opt=STREAMED, request_max_body_size=files.MAX_SIZE, summary="Store a file under its SHA-256")
    async def store_file(
        self,
        *,
        sha256: Digest,
        request: Request[Any, Any, Any],
        sessions: Sessions,
        store: ObjectStore,
        actor: Actor,
        entropy: Entropy,
    ) -> StoredFile:
        """Take the raw bytes as the body; the same file again changes nothing, a wrong digest keeps nothing."""
        digest = bytes.fromhex(sha256)
        size = await files.absorb(store, actor, digest, request.stream())
        return await _kept(sessions, actor, digest, size, entropy=entropy)

    @get("/{sha256:str}/parts", summary="Which parts of a file are there")
    async def parts(self, sha256: Digest, store: ObjectStore, actor: Actor) -> list[int]:
        """Tell which of one's own parts are stored, so that a file goes on where it broke."""
        return await file_parts.present(store, actor, bytes.fromhex(sha256))

    @put(
        "/{sha256:str}/parts/{number:int}",
        opt=STREAMED,
        request_max_body_size=file_parts.PART_SIZE,
        summary="Store one part of a file",
        status_code=HTTP_204_NO_CONTENT,
    )
    async def put_part(
        self,
        sha256: Digest,
        number: int,
        *,
        request: Request[Any, Any, Any],
        length: Length,
        sessions: Sessions,
        store: ObjectStore,
        actor: Actor,
    ) -> None:
        """Take one part of 8 MiB, or what is left of the file, as the body; a part cut short is not kept."""
        digest = bytes.fromhex(sha256)
        async with sessions.begin() as session:
            await file_parts.expect(session, actor, digest)
        await file_parts.take(store, actor, digest, number, request.stream(), size=length)

    @post("/{sha256:str}", opt=STREAMED, summary="Put a file together from its parts")
    async def join(
        self,
        sha256: Digest,
        data: Parts,
        *,
        sessions: Sessions,
        store: ObjectStore,
        actor: Actor,
        entropy: Entropy,
    ) -> StoredFile:
        """Keep the file whose parts are there, if they have its digest; the parts are thrown away."""
        digest = bytes.fromhex(sha256)
        size = await file_parts.join(store, actor, digest, data.parts)
        file = await _kept(sessions, actor, digest, size, entropy=entropy)
        await file_parts.sweep(store, actor.user_id, digest)
        async with sessions.begin() as session:
            await file_parts.forget(session, actor.user_id, digest)
        return file


class DocumentController(Controller):
    """Documents of tenders and lots."""

    path = "/api/v1"
    tags = ("trading",)

    @post("/tenders/{tender_id:uuid}/documents", summary="Attach a stored file to a tender or lot")
    async def attach(
        self, tender_id: UUID, data: DocumentDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DocumentView:
        """Attach a file as a document; under the same kind and title it becomes the next version."""
        return _document(await documents.attach(session, actor, tender_id, data, entropy=entropy))

    @get("/tenders/{tender_id:uuid}/documents", summary="The documents of a tender")
    async def page(self, tender_id: UUID, session: AsyncSession, actor: Actor) -> list[DocumentView]:
        """List the documents that the person who asks may see."""
        return [_document(one) for one in await documents.of_tender(session, actor, tender_id)]

    @get("/documents/{document_id:uuid}/content", opt=STREAMED, summary="The bytes of a document")
    async def content(self, document_id: UUID, sessions: Sessions, store: ObjectStore, actor: Actor) -> Stream:
        """Stream the file; always as a download, never shown by the browser under our name."""
        async with sessions() as session:
            document = await documents.get(session, actor, document_id)
        headers = download.headers(document.title, size=document.size)
        return Stream(_bytes(store, document), media_type=document.media_type, headers=headers)

    @post("/lots/{lot_id:uuid}/issues", summary="Take the documents of a lot")
    async def take(
        self, lot_id: UUID, data: IssueDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Issue:
        """Take the documents for a bidder; afterwards they can be read. Nobody learns of it before the opening."""
        return await documents.take(session, actor, lot_id, data.bidder, entropy=entropy)

    @get("/lots/{lot_id:uuid}/issues", summary="Who took the documents of a lot")
    async def issues(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[Issue]:
        """List who took the documents, to tenderer, supervisor and archivist, once bids are read."""
        return await documents.issues(session, actor, lot_id)


async def _kept(sessions: Sessions, actor: Actor, digest: bytes, size: int, *, entropy: Entropy) -> StoredFile:
    async with sessions.begin() as session:
        file = await files.keep(session, actor, digest, size, entropy=entropy)
    return StoredFile(file.sha256.hex(), file.size, file.at)


async def _bytes(store: ObjectStore, document: Document) -> AsyncIterator[bytes]:
    async for chunk in store.get(files.key(document.sha256)):
        yield chunk


def _document(document: Document) -> DocumentView:
    stated = {name: getattr(document, name) for name in DocumentView.__slots__}
    return DocumentView(**stated | {"sha256": document.sha256.hex()})
