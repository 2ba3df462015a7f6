"""Openings over HTTP: begun by the witness, helped by the custodians' devices, their record for everybody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Request, Response, get, post
from litestar.params import QueryParameter
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api import openings as work
from api.routes.bidding import named, receipt_file
from api.transaction import PUBLIC, STREAMED
from api.wiring import Installation
from archive.store import ObjectStore
from archive.timestamp import Authority
from bidding import extraction, opening_shares, openings, quorum
from bidding import record as records
from bidding.openings import Progress
from experts import committees
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import not_found

SHOWN = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
Minutes = Annotated[int | None, QueryParameter(ge=0, le=openings.MAX_HEARING)]


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian's signed answer (``ggzy/opening-shares/v1``), canonical JSON as text."""

    answer: Annotated[str, msgspec.Meta(max_length=opening_shares.MAX_BYTES)]


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of an opened envelope; `sha256` is hex, `size` in bytes."""

    kind: str
    position: int
    name: str
    size: int
    sha256: str


class OpeningController(Controller):
    """The opening of a lot's bids: stage 1 at the opening, stage 2 after the technical scores."""

    path = "/api/v1/lots/{lot_id:uuid}/openings/{stage:int}"
    tags = ("opening",)

    @post("/", summary="Begin the opening")
    async def begin(
        self,
        lot_id: UUID,
        stage: int,
        hearing_minutes: Minutes = None,
        *,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        installation: Installation,
    ) -> Progress:
        """Fix and log the list of bids after the deadline; with too few of them the lot fails and nothing is opened.

        `hearing_minutes` is how long bidders may object after everything is read out, by default the installation's
        usual time; with 0 the record is written at once.
        """
        minutes = installation.settings.hearing_minutes if hearing_minutes is None else hearing_minutes
        return await openings.begin(session, actor, lot_id, stage, entropy=entropy, hearing_minutes=minutes)

    @get("/", summary="How far the opening is")
    async def find(self, lot_id: UUID, stage: int, session: AsyncSession, actor: Actor) -> Progress:
        """Tell how far it is to everybody; of an invited tender to those who take part, until it is finished."""
        return await openings.find(session, actor, lot_id, stage)

    @get("/request", summary="What the custodians' devices are asked", opt=STREAMED)
    async def request(
        self, lot_id: UUID, stage: int, sessions: Sessions, actor: Actor, authority: Authority
    ) -> Response[bytes]:
        """Give ``ggzy/stamped-request/v1``; it is made when it is first asked for, and stays the same."""
        async with sessions.begin() as session:
            content = await quorum.request(session, actor, lot_id, stage, authority=authority)
        return Response(content, media_type=MediaType.JSON)

    @post(
        "/shares",
        summary="A custodian's shares",
        opt=STREAMED,
        request_max_body_size=opening_shares.MAX_BYTES + (1 << 20),
        status_code=200,
    )
    async def take(
        self, lot_id: UUID, stage: int, data: Given, *, sessions: Sessions, actor: Actor, installation: Installation
    ) -> Progress:
        """Take ``ggzy/opening-shares/v1``; the answer that completes the quorum opens the bids."""
        async with sessions.begin() as session:
            given = await quorum.take(session, actor, lot_id, stage, data.answer.encode())
        return await work.proceed(installation, lot_id, stage) if len(given.custodians) >= given.needed else given

    @get(named("/record"), summary="The record of the opening, one file of it or its zip")
    async def record(
        self, lot_id: UUID, stage: int, request: Request[Any, Any, Any], session: AsyncSession
    ) -> Response[bytes]:
        """Give ``json``, ``digest``, ``tsr`` or ``proof`` (of the log entry that holds the digest); for everybody."""
        return await receipt_file(session, await records.find(session, lot_id, stage), request, public=True)


class OpenedFileController(Controller):
    """Files of opened bids."""

    path = "/api/v1/bids/{bid_id:uuid}/files"
    tags = ("opening",)

    @get("/", summary="The files of an opened bid")
    async def list_all(self, bid_id: UUID, session: AsyncSession, actor: Actor) -> list[FileView]:
        """List the files to the bid's own people, the committee, and those who oversee the lot."""
        found = await _files(session, actor, bid_id)
        return [FileView(file.kind, file.position, file.name, file.size, file.sha256.hex()) for file in found]

    @get("/{kind:str}/{position:int}", summary="One file of an opened bid")
    async def content(
        self,
        bid_id: UUID,
        kind: str,
        position: int,
        *,
        session: AsyncSession,
        actor: Actor,
        store: ObjectStore,
        inline: bool = False,
    ) -> Stream:
        """Stream a file; `inline` shows a PDF or a picture in a frame of our own pages, anything else is a download."""
        for file in await _files(session, actor, bid_id):
            if (file.kind, file.position) == (kind, position):
                return _send(file.name, file.size, extraction.content(store, file), inline=inline)
        raise not_found("file")


async def _files(session: AsyncSession, actor: Actor, bid_id: UUID) -> list[extraction.File]:
    lot_id = await extraction.lot_of(session, bid_id)
    return list(await extraction.list_files(session, actor, bid_id, await committees.user_ids(session, lot_id)))


def _send(name: str, size: int, chunks: AsyncIterator[bytes], *, inline: bool) -> Stream:
    """Send a bidder's file; what is shown is of a type that its name's ending tells and that can run nothing."""
    shown = SHOWN.get(PurePosixPath(name).suffix.lower()) if inline else None
    headers = download.headers(name, inline=shown is not None, size=size)
    return Stream(chunks, media_type=shown or "application/octet-stream", headers=headers)


@get("/seal/chain.pem", media_type="application/x-pem-file", include_in_schema=False, opt=PUBLIC)
async def seal_chain(installation: Installation) -> bytes:
    """Give the certificates of the seal on the installation's papers, to be pinned."""
    return installation.seal.chain_pem


HANDLERS = (seal_chain,)
