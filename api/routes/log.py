"""The log over HTTP: what C2SP tlog-tiles asks for at /log, and the trail's openings for those who may see them."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from api import trails
from api.transaction import PUBLIC
from api.wiring import Installation
from archive import feed, sequencer, tiles, trail
from archive.trail import Entry, Filter
from kernel.actor import Actor

# What a tile holds never changes: a partial one is a prefix of what it grows into.
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
FRESH = {"cache-control": "public, max-age=1"}
PROOF = "text/plain; charset=utf-8"

Index = Annotated[int, Parameter(ge=0, le=2**62)]


class Opened(msgspec.Struct, frozen=True):
    """An entry of the log with what opens it: the event's canonical JSON as text, salt and commitment in hex."""

    index: int
    event: str
    salt: str
    commitment: str


class OpenedPage(msgspec.Struct, frozen=True):
    """Entries in index order; `next` is the `after` of the next page, null when this page is the last."""

    entries: list[Opened]
    next: int | None


class Consistency(msgspec.Struct, frozen=True):
    """The hashes (base64) that prove that the log of `new` leaves extends that of `old` leaves."""

    old: int
    new: int
    hashes: list[str]


class Stamped(msgspec.Struct, frozen=True):
    """A checkpoint and the RFC 3161 response (base64 DER) over SHA-256 of this very text."""

    checkpoint: str
    response: str


class LogController(Controller):
    """The public log: nothing here but commitments."""

    path = "/log"
    tags = ("log",)
    opt = PUBLIC

    @get("/vkey", media_type=MediaType.TEXT, summary="The log's key, to be pinned")
    async def vkey(self, installation: Installation) -> str:
        """Return the verifier's key (C2SP signed-note)."""
        return f"{installation.signer.vkey}\n"

    @get("/checkpoint", summary="The newest signed checkpoint")
    async def checkpoint(self, session: AsyncSession) -> Response[str]:
        """Return the checkpoint with the cosignatures that it has (C2SP tlog-checkpoint)."""
        return Response(await feed.signed_checkpoint(session), media_type=PROOF, headers=FRESH)

    @get("/tile/{place:path}", summary="A tile or an entry bundle")
    async def tile(self, place: str, session: AsyncSession) -> Response[bytes]:
        """Return the bytes of a tile or an entry bundle (C2SP tlog-tiles)."""
        data = await feed.tile_bytes(session, tiles.parse(f"tile{place}"))
        return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)


class TrailController(Controller):
    """The trail: proofs for everybody, openings for supervisors, and for the public when the law says so."""

    path = "/api/v1/trail"
    tags = ("trail",)

    @get("/", summary="Events in the order of the log, for supervisors and the audit administrator")
    async def search(
        self,
        session: AsyncSession,
        actor: Actor,
        *,
        trade: UUID | None = None,
        kind: str | None = None,
        by: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        after: int = -1,
        limit: int = 100,
    ) -> OpenedPage:
        """Return a page of openings; the index is the only cursor, so no entry is ever skipped."""
        wanted = Filter(trade, kind, by, since, until, before=before)
        rights = await trails.reading(session, actor)
        found = await trail.search(session, actor, wanted, rights, after=after, limit=limit)
        return OpenedPage([_opened(entry) for entry in found], found[-1].index if len(found) == limit else None)

    @get("/consistency", summary="Proof that a later log extends an earlier one")
    async def consistency(self, session: AsyncSession, old: Index, new: Index) -> Consistency:
        """Return a consistency proof between two sizes (RFC 6962 section 2.1.2)."""
        proof = await trail.consistency(session, old, new)
        return Consistency(old, new, [b64encode(h).decode() for h in proof])

    @get("/stamp", summary="The newest checkpoint that bears a timestamp")
    async def stamp(self, session: AsyncSession) -> Stamped:
        """Return a checkpoint and its RFC 3161 response."""
        note, response = await sequencer.newest_stamp(session)
        return Stamped(note, b64encode(response).decode())

    @get("/{index:int}", summary="One event, if its trade has gone far enough for you")
    async def entry(self, index: Index, session: AsyncSession, actor: Actor) -> Opened:
        """Return one opening; what may not be seen does not exist."""
        return _opened(await trails.entry(session, actor, index))

    @get("/{index:int}/proof", summary="Proof that an entry is in the log")
    async def proof(self, index: Index, session: AsyncSession) -> Response[str]:
        """Return a C2SP tlog-proof under the newest checkpoint."""
        return Response((await trail.prove(session, [index]))[0], media_type=PROOF, headers=FRESH)


def _opened(entry: Entry) -> Opened:
    opening = entry.opening
    return Opened(entry.index, opening.event.decode(), opening.salt.hex(), opening.commitment.hex())
