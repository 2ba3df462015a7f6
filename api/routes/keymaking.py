"""Key making over HTTP: ceremonies, their rounds, transcripts, and the keys that lots take."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Request, Response, get, post
from litestar.params import Parameter
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.accounts import services as accounts
from bidding import ceremony, keymaking, rounds
from bidding.ceremony import Ceremony
from bidding.keymaking_policy import Terms
from bidding.keysetup import MAX_CUSTODIANS
from bidding.transcript import OpeningKey
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import not_found

Hash = Annotated[str, Parameter(pattern="^[0-9a-f]{64}$")]


class Appointment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian: the person and the side for which they take part (witness, purchaser, supervisor)."""

    user: UUID
    role: Role


class CeremonyDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key making is to be; custodians get their numbers in this order. `hours` until it expires."""

    site: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]
    purchaser: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
    custodians: Annotated[tuple[Appointment, ...], msgspec.Meta(min_length=3, max_length=MAX_CUSTODIANS)]
    threshold: int = 2
    count: int = 1
    hours: int = 72


class SignedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message signed by a custodian's device (docs/spec/opening-key.md), canonical JSON as text."""

    message: Annotated[str, msgspec.Meta(max_length=keymaking.MAX_BYTES)]


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a key making is ended."""

    reason: Annotated[str, msgspec.Meta(max_length=ceremony.MAX_REASON)]


@dataclass(frozen=True, slots=True)
class CeremonyView:
    """A key making. `setup` is the canonical JSON as text; `dealt` and `certified` list whose message is there."""

    id: UUID
    state: str
    site: str
    purchaser: str
    setup: str
    dealt: tuple[int, ...]
    certified: tuple[int, ...]
    expires_at: datetime
    reason: str | None
    blamed: int | None
    transcript: str | None


@dataclass(frozen=True, slots=True)
class OpeningKeyView:
    """A lot's opening key. `key` stands in sealed headers, `transcript` and `index` tell where it comes from (hex)."""

    key: str
    public_key: str
    transcript: str
    index: int
    threshold: int
    verification_shares: tuple[str, ...]


class CeremonyController(Controller):
    """Key makings and their rounds; the server relays and checks, and never sees a share."""

    path = "/api/v1/ceremonies"
    tags = ("opening keys",)

    @post("/", summary="Begin a key making")
    async def begin(self, data: CeremonyDraft, session: AsyncSession, actor: Actor, entropy: Entropy) -> CeremonyView:
        """Appoint custodians of all three sides; the site's witness staff does it."""
        custodians = tuple([(await _person(session, one.user), one.role) for one in data.custodians])
        terms = Terms(data.site, data.purchaser, data.threshold, data.count, custodians, data.hours)
        return view(await ceremony.begin(session, actor, terms, entropy=entropy))

    @get("/", summary="Key makings that wait for oneself as custodian")
    async def list_own(self, session: AsyncSession, actor: Actor) -> list[CeremonyView]:
        """List what is still open, oldest first."""
        return [view(one) for one in await ceremony.list_own(session, actor)]

    @get("/{ceremony_id:uuid}", summary="Where a key making stands")
    async def find(self, ceremony_id: UUID, session: AsyncSession, actor: Actor) -> CeremonyView:
        """Show it to its custodians and overseers; a finished one is public."""
        return view(await ceremony.find(session, actor, ceremony_id))

    @post("/{ceremony_id:uuid}/deal", summary="Post one's deal")
    async def deal(
        self, ceremony_id: UUID, data: SignedMessage, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> CeremonyView:
        """Post the first round's message; the same again changes nothing."""
        return view(await rounds.deal(session, actor, ceremony_id, data.message.encode(), entropy=entropy))

    @get("/{ceremony_id:uuid}/deals", summary="All deals, once the last one is there")
    async def deals(self, ceremony_id: UUID, session: AsyncSession, actor: Actor) -> list[str]:
        """Give the deals in the order of the custodians' numbers."""
        return [content.decode() for content in await rounds.deals(session, actor, ceremony_id)]

    @post("/{ceremony_id:uuid}/certificate", summary="Post one's certificate")
    async def certify(
        self, ceremony_id: UUID, data: SignedMessage, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> CeremonyView:
        """Post the second round's message; the last one makes the keys."""
        return view(await rounds.certify(session, actor, ceremony_id, data.message.encode(), entropy=entropy))

    @get("/{ceremony_id:uuid}/certificates", summary="All certificates, once the last one is there")
    async def certificates(self, ceremony_id: UUID, session: AsyncSession, actor: Actor) -> list[str]:
        """Give the certificates in the order of the custodians' numbers."""
        return [content.decode() for content in await rounds.certificates(session, actor, ceremony_id)]

    @post("/{ceremony_id:uuid}/complaint", summary="Complain about a dealer, with evidence")
    async def complain(
        self, ceremony_id: UUID, data: SignedMessage, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> CeremonyView:
        """End the key making on a true complaint; a false one is refused."""
        return view(await rounds.complain(session, actor, ceremony_id, data.message.encode(), entropy=entropy))

    @post("/{ceremony_id:uuid}/abort", summary="End a key making that is not finished")
    async def abort(
        self, ceremony_id: UUID, data: Ending, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> CeremonyView:
        """End it with a reason; nothing of it is used."""
        return view(await ceremony.abort(session, actor, ceremony_id, data.reason, entropy=entropy))


class OpeningKeyController(Controller):
    """Transcripts and the keys of lots."""

    path = "/api/v1"
    tags = ("opening keys",)

    @get("/transcripts/{transcript_hash:str}", summary="A key making's transcript, for everybody")
    async def transcript(
        self, transcript_hash: Hash, request: Request[Any, Any, Any], session: AsyncSession
    ) -> Response[bytes]:
        """Give ``ggzy/key-transcript/v1``, the canonical JSON as it was certified."""
        content = await ceremony.transcript(session, bytes.fromhex(transcript_hash))
        return download.public(request, content, MediaType.JSON, f"key-transcript-{transcript_hash[:16]}.json")

    @post("/lots/{lot_id:uuid}/opening-key", summary="Give a lot an opening key")
    async def assign(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> OpeningKeyView:
        """Take the oldest free key of the lot's site, purchaser and quorum; before the announcement only."""
        return key_view(await ceremony.assign(session, actor, lot_id, entropy=entropy))

    @get("/lots/{lot_id:uuid}/opening-key", summary="A lot's opening key")
    async def key(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> OpeningKeyView:
        """Show the key of a lot that one may see."""
        return key_view(await ceremony.show(session, actor, lot_id))


def view(found: Ceremony) -> CeremonyView:
    """Return a key making as JSON shows it."""
    return CeremonyView(
        id=found.id,
        state=found.state,
        site=found.site,
        purchaser=found.purchaser,
        setup=found.setup.decode(),
        dealt=found.dealt,
        certified=found.certified,
        expires_at=found.expires_at,
        reason=found.reason,
        blamed=found.blamed,
        transcript=None if found.transcript_hash is None else found.transcript_hash.hex(),
    )


def key_view(key: OpeningKey) -> OpeningKeyView:
    """Return an opening key as JSON shows it."""
    return OpeningKeyView(
        key=key.key_hash.hex(),
        public_key=key.public_key.hex(),
        transcript=key.transcript.hex(),
        index=key.index,
        threshold=key.threshold,
        verification_shares=tuple(share.hex() for share in key.verification_shares),
    )


async def _person(session: AsyncSession, user_id: UUID) -> Actor:
    try:
        return await accounts.actor(session, user_id, proven=True)  # what they hold, not what they may do just now
    except NoResultFound as error:
        raise not_found("user") from error
