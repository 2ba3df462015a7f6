"""Filed packages for those who may read them, and the time authority for everybody (RFC 3161 3.4)."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from api import download, filing
from api.routes.bidding import ReceiptView, named, receipt_file, receipt_view
from api.transaction import STREAMED
from api.wiring import Installation
from archive.package import completeness, service
from archive.package.holding import Logged
from archive.package.service import Filed
from archive.store import ObjectStore
from archive.timestamp import Authority, Service
from archive.timestamp.remote import QUERY_TYPE, REPLY_TYPE
from archive.timestamp.request import MAX_REQUEST
from bidding.receipt import Receipt
from kernel import database
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, not_found


@dataclass(frozen=True, slots=True)
class PackageView:
    """A filed package: SHA-256 of its payload manifest in hex, number of files, bytes of its tar, and its receipt."""

    trade: UUID
    at: datetime
    digest: str
    files: int
    size: int
    receipt: ReceiptView


@dataclass(frozen=True, slots=True)
class LoggedView:
    """Entries of a trade in a log of `log` entries: their number, and the RFC 6962 root of their commitments in hex."""

    log: int
    entries: int
    root: str

    @classmethod
    def of(cls, logged: Logged) -> "LoggedView":
        """Make it of a package's or the trail's."""
        return cls(logged.size, logged.entries, logged.root.hex())


@dataclass(frozen=True, slots=True)
class CompletenessView:
    """What the filing said and what the trail holds; the index of the filing, and of entries that should be inside."""

    complete: bool
    said: LoggedView
    found: LoggedView
    filing: int
    strays: list[int]


class PackageController(Controller):
    """The package of a tender, for the archivist and the supervisors of its site."""

    path = "/api/v1/tenders/{tender_id:uuid}/archive"
    tags = ("archive",)

    @post("/", status_code=200, summary="File a trade that has ended", opt=STREAMED)
    async def file(self, tender_id: UUID, actor: Actor, installation: Installation) -> PackageView:
        """Build the bag from everything that the trade left, check and store it; again, it returns what was filed."""
        return _view(tender_id, await filing.file_trade(actor, tender_id, installation))

    @get("/", summary="The filed package of a tender")
    async def find(self, tender_id: UUID, session: AsyncSession, actor: Actor) -> PackageView:
        """Tell what was filed and when."""
        return _view(tender_id, await service.filed(session, actor, tender_id))

    @get("/completeness", summary="The filed package compared with the trail")
    async def compare(self, tender_id: UUID, session: AsyncSession, actor: Actor) -> CompletenessView:
        """Tell what the filing said of the trade's entries in the log, and what the trail counts now."""
        compared = await completeness.compare(session, actor, tender_id)
        said, found = LoggedView.of(compared.said), LoggedView.of(compared.found)
        return CompletenessView(compared.complete, said, found, compared.filing, list(compared.strays))

    @get("/package.tar", summary="The package as a tar")
    async def download(self, tender_id: UUID, session: AsyncSession, actor: Actor, store: ObjectStore) -> Stream:
        """Stream the bag; unpacked it is checked by `ggzy verify`."""
        found = await service.filed(session, actor, tender_id)
        await session.close()  # the connection goes back: a download may take hours
        headers = download.headers(f"{tender_id}.tar", size=found.size)
        return Stream(store.get(found.key), media_type="application/x-tar", headers=headers)

    @get(named("/receipt"), summary="The receipt of the filing, one file of it or its zip")
    async def receipt(
        self, tender_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Give ``json``, ``digest``, ``tsr`` or, once the log has the entry, ``proof``."""
        return await receipt_file(session, _receipt(await service.filed(session, actor, tender_id)), request)


class TimeController(Controller):
    """The platform's time-stamping authority, open to everybody."""

    path = "/tsa"
    tags = ("time",)

    @post("/", status_code=200, summary="Have a SHA-256 digest stamped (RFC 3161)", media_type=REPLY_TYPE)
    async def answer(
        self, request: Request[Any, Any, Any], session: AsyncSession, authority: Authority
    ) -> Response[bytes]:
        """Answer ``application/timestamp-query`` with ``application/timestamp-reply``."""
        if not isinstance(authority, Service):
            raise not_found("timestamp")
        if request.headers.get("content-type", "").partition(";")[0].strip() != QUERY_TYPE:
            raise GgzyError("timestamp.bad_query", Kind.INVALID)
        query = await request.body()
        if len(query) > MAX_REQUEST:
            raise GgzyError("timestamp.bad_query", Kind.TOO_LARGE)
        reply = await authority.answer(query, at=await database.now(session))
        return Response(reply, media_type=REPLY_TYPE, headers={"cache-control": "no-store"})

    @get("/chain.pem", media_type=MediaType.TEXT, summary="The authority's certificates, to be pinned")
    async def chain(self, installation: Installation) -> str:
        """Return the certificates (PEM): its own first, then the root."""
        return installation.chain_pem.decode()


def _view(tender_id: UUID, found: Filed) -> PackageView:
    receipt = receipt_view(_receipt(found))
    return PackageView(tender_id, found.at, found.digest.hex(), found.files, found.size, receipt)


def _receipt(found: Filed) -> Receipt:
    return Receipt(found.receipt, found.token, sha256(found.receipt).digest(), found.commitment)
