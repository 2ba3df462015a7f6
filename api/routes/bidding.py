"""Bids over HTTP: what to seal for, uploads in parts, finalise, receipts, withdrawal and confirmation."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Request, Response, get, post, put
from litestar.params import HeaderParameter
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.transaction import STREAMED
from api.wiring import Installation
from archive import receipt_zip, trail
from archive.store import ObjectStore
from bidding import seal_target, submissions, uploads, withdrawal
from bidding.receipt import Receipt
from bidding.segments import PART_SIZE
from bidding.submissions import Bid, Desk, Submission
from bidding.tables import CONFIRMATION, WITHDRAWAL
from bidding.uploads import Upload
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError

Hash = Annotated[str, HeaderParameter(name="Part-Root", pattern="^[0-9a-f]{64}$")]
SUFFIXES = ("json", "digest", "tsr", "proof")
TYPES = {"json": MediaType.JSON.value, "tsr": "application/timestamp-reply", "zip": "application/zip"}
KindName = Annotated[str, msgspec.Meta(pattern="^[a-z]{1,20}$")]


def named(path: str) -> list[str]:
    """Return the paths of the four files of a receipt, and of the zip of them."""
    return [f"{path}.{suffix}" for suffix in (*SUFFIXES, "zip")]


class UploadDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which bidder, and the length in bytes of each envelope's sealed body."""

    bidder: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
    bodies: Annotated[dict[KindName, Annotated[int, msgspec.Meta(ge=1)]], msgspec.Meta(min_length=1, max_length=8)]


class Finalise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The manifest's canonical JSON as text, and the device's signature (hex)."""

    upload: UUID
    manifest: Annotated[str, msgspec.Meta(max_length=16384)]
    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed statement (docs/spec/submission.md, section 5), canonical JSON as text."""

    statement: Annotated[str, msgspec.Meta(max_length=4096)]


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt: `json` its very bytes as text, `digest` SHA-256 of them (hex), `tsr` the DER token in base64."""

    json: str
    digest: str
    tsr: str


@dataclass(frozen=True, slots=True)
class BidView:
    """A bid as its bidder sees it."""

    id: UUID
    lot_id: UUID
    bidder: str
    state: str
    received_at: datetime
    deadline: datetime
    stands_until: datetime
    receipt: ReceiptView


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that is durably stored; `root` is hex, `length` in bytes."""

    kind: str
    number: int
    length: int
    root: str


class UploadController(Controller):
    """Upload sessions and their parts."""

    path = "/api/v1"
    tags = ("bids",)

    @get("/lots/{lot_id:uuid}/seal-target", summary="What a bid for this lot is sealed for")
    async def target(
        self, lot_id: UUID, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[bytes]:
        """Give ``ggzy/seal-target/v1``, the canonical JSON as it is hashed."""
        found = await seal_target.find(session, actor, lot_id, platform=installation.settings.log_origin)
        return Response(found.encode(), media_type=MediaType.JSON)

    @post("/lots/{lot_id:uuid}/uploads", summary="Open an upload session for a bid")
    async def begin(
        self,
        lot_id: UUID,
        data: UploadDraft,
        *,
        session: AsyncSession,
        sessions: Sessions,
        actor: Actor,
        entropy: Entropy,
    ) -> Upload:
        """Open a session for exactly the envelopes that the lot asks for; who comes late is recorded as such."""
        try:
            return await uploads.begin(session, actor, lot_id, data.bidder, data.bodies, entropy=entropy)
        except GgzyError as refusal:
            if refusal.code == "bid.late":
                await session.rollback()  # gives the connection back before another is taken
                async with sessions.begin() as aside:
                    await submissions.refuse_late(aside, actor, lot_id, refusal, bidder=data.bidder, entropy=entropy)
            raise

    @get("/uploads/{upload_id:uuid}", summary="Which parts of an upload are there")
    async def find(self, upload_id: UUID, session: AsyncSession, actor: Actor) -> Upload:
        """Tell which parts are stored, so that an upload goes on where it broke."""
        return await uploads.find(session, actor, upload_id)

    @put(
        "/uploads/{upload_id:uuid}/{kind:str}/{number:int}",
        summary="Store one part",
        opt=STREAMED,
        request_max_body_size=PART_SIZE,
    )
    async def put_part(
        self,
        upload_id: UUID,
        kind: str,
        number: int,
        *,
        request: Request[Any, Any, Any],
        root: Hash,
        sessions: Sessions,
        store: ObjectStore,
        actor: Actor,
    ) -> StoredPart:
        """Stream a part into the store; only a whole one with the root in ``Part-Root`` is kept."""
        async with sessions.begin() as session:
            place = await uploads.place_part(
                session, actor, upload_id, kind=kind, number=number, root=bytes.fromhex(root)
            )
        await uploads.store_part(store, place, request.stream())
        async with sessions.begin() as session:
            await uploads.record_part(session, place)
        return StoredPart(kind, number, place.length, root)


class BidController(Controller):
    """Bids and their receipts. To everybody but its bidder a bid does not exist before the opening."""

    path = "/api/v1"
    tags = ("bids",)

    @post("/lots/{lot_id:uuid}/bids", summary="Hand in a bid")
    async def receive(
        self,
        lot_id: UUID,
        data: Finalise,
        *,
        session: AsyncSession,
        sessions: Sessions,
        actor: Actor,
        installation: Installation,
    ) -> BidView:
        """Finalise an upload: decided under the lot's lock by the database's time, answered with the receipt."""
        submission = Submission(data.upload, data.manifest.encode(), bytes.fromhex(data.signature))
        try:
            return view(await submissions.receive(session, actor, lot_id, submission, desk=desk(installation)))
        except GgzyError as refusal:
            if refusal.code == "bid.late":
                await session.rollback()  # gives the lot's lock and the connection back before another is taken
                async with sessions.begin() as aside:
                    party = (await uploads.find(aside, actor, data.upload)).party
                    await submissions.refuse_late(
                        aside,
                        actor,
                        lot_id,
                        refusal,
                        bidder=party,
                        upload=data.upload,
                        entropy=installation.entropy,
                    )
            raise

    @get("/lots/{lot_id:uuid}/bids", summary="One's own bids on a lot")
    async def list_own(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[BidView]:
        """List the bids of one's own parties; to everybody else the list is empty."""
        return [view(bid) for bid in await submissions.list_own(session, actor, lot_id)]

    @get("/bids/{bid_id:uuid}", summary="One of one's own bids")
    async def find(self, bid_id: UUID, session: AsyncSession, actor: Actor) -> BidView:
        """Show a bid to its bidder."""
        return view(await submissions.find(session, actor, bid_id))

    @get(named("/bids/{bid_id:uuid}/receipt"), summary="A bid's receipt, one file of it or its zip")
    async def receipt(
        self, bid_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Give ``json``, ``digest``, ``tsr`` or, once the log has the entry, ``proof``."""
        bid = await submissions.find(session, actor, bid_id)
        return await receipt_file(session, bid.receipt, request)

    @post("/bids/{bid_id:uuid}/withdrawal", summary="Withdraw a bid before the deadline")
    async def withdraw(
        self, bid_id: UUID, data: Signed, session: AsyncSession, actor: Actor, installation: Installation
    ) -> ReceiptView:
        """Withdraw by a signed statement; the answer is the acknowledgment, a receipt like any other."""
        statement = data.statement.encode()
        return receipt_view(await withdrawal.withdraw(session, actor, bid_id, statement, desk=desk(installation)))

    @post("/bids/{bid_id:uuid}/confirmation", summary="Confirm a bid under a deadline that has moved")
    async def confirm(
        self, bid_id: UUID, data: Signed, session: AsyncSession, actor: Actor, installation: Installation
    ) -> ReceiptView:
        """Confirm by a signed statement, without another upload."""
        statement = data.statement.encode()
        return receipt_view(await withdrawal.confirm(session, actor, bid_id, statement, desk=desk(installation)))

    @get(
        named("/bids/{bid_id:uuid}/withdrawal/receipt"),
        summary="The receipt of a withdrawal, or its zip",
    )
    async def withdrawn(
        self, bid_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Give a file of the acknowledgment."""
        issued = await withdrawal.acknowledgment(session, actor, bid_id, WITHDRAWAL)
        return await receipt_file(session, issued, request)

    @get(named("/bids/{bid_id:uuid}/confirmation/receipt"), summary="The receipt of the newest confirmation")
    async def confirmed(
        self, bid_id: UUID, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor
    ) -> Response[bytes]:
        """Give a file of the acknowledgment."""
        issued = await withdrawal.acknowledgment(session, actor, bid_id, CONFIRMATION)
        return await receipt_file(session, issued, request)


def desk(installation: Installation) -> Desk:
    """Return what the services need to issue receipts."""
    return Desk(installation.authority, installation.settings.log_origin, installation.entropy)


def view(bid: Bid) -> BidView:
    """Return a bid as JSON shows it."""
    return BidView(
        bid.id,
        bid.lot_id,
        bid.bidder,
        bid.state,
        bid.received_at,
        bid.deadline,
        bid.stands_until,
        receipt_view(bid.receipt),
    )


def receipt_view(issued: Receipt) -> ReceiptView:
    """Return a receipt as JSON shows it."""
    return ReceiptView(issued.content.decode(), issued.digest.hex(), b64encode(issued.token).decode())


async def receipt_file(
    session: AsyncSession, issued: Receipt, request: Request[Any, Any, Any], *, public: bool = False
) -> Response[bytes]:
    """Return the file of docs/spec/receipt.md, section 1, that the request's path ends in; `public`: for everybody."""
    name = request.url.path.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    content = await (_zipped(session, issued, stem) if suffix == "zip" else _part(session, issued, suffix))
    media_type = TYPES.get(suffix, MediaType.TEXT.value)
    return (
        download.public(request, content, media_type, name) if public else download.private(content, media_type, name)
    )


async def _part(session: AsyncSession, issued: Receipt, suffix: str) -> bytes:
    """Return one file of a receipt; ``trail.not_sequenced`` for a proof that is not there yet."""
    if suffix == "proof":
        return (await trail.proof(session, issued.commitment)).encode()
    return {"json": issued.content, "digest": f"{issued.digest.hex()}\n".encode(), "tsr": issued.token}[suffix]


async def _zipped(session: AsyncSession, issued: Receipt, stem: str) -> bytes:
    """Return all files that there are: without the proof as long as the log has not the entry."""
    files = {}
    for suffix in SUFFIXES:
        try:
            files[f"{stem}.{suffix}"] = await _part(session, issued, suffix)
        except GgzyError as refusal:
            if refusal.code != "trail.not_sequenced":
                raise
    return receipt_zip.pack(files)
