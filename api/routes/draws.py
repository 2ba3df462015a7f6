"""Draws over HTTP (docs/spec/draw.md), and calls as the called expert sees them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.routes.drafts import Hex32, Message, ReasonDraft, SignedDraft
from experts import draws, invitations, reveals, transcripts
from experts.draws import Conditions
from experts.invitations import Invitation
from experts.quota import Quota
from experts.rounds import Beacon, Draw
from kernel.actor import Actor
from kernel.entropy import Entropy

JSON = "application/json"

Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})+$", max_length=1024)]


class QuotaDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seats for a specialty, at a site or anywhere."""

    specialty: Annotated[str, msgspec.Meta(max_length=11)]
    count: Annotated[int, msgspec.Meta(ge=1, le=99)]
    site: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")] | None = None


class BeaconDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A future round of a drand chain."""

    chain: Hex32
    round: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


class DrawDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be drawn."""

    quotas: Annotated[tuple[QuotaDraft, ...], msgspec.Meta(min_length=1, max_length=32)]
    representatives: Annotated[int, msgspec.Meta(ge=0, le=33)] = 0
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    per_expert: Annotated[int, msgspec.Meta(ge=1)] | None = None
    per_employer: Annotated[int, msgspec.Meta(ge=1)] | None = None
    beacon: BeaconDraft | None = None
    release_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30
    answer_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30

    def conditions(self) -> Conditions:
        """Return the conditions."""
        return Conditions(
            tuple(Quota(one.specialty, one.count, one.site) for one in self.quotas),
            self.representatives,
            self.reason,
            self.per_expert,
            self.per_employer,
            None if self.beacon is None else Beacon(self.beacon.chain, self.beacon.round),
            self.release_minutes,
            self.answer_minutes,
        )


class FixDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The beacon's signature, when a beacon was named."""

    beacon_signature: Hex | None = None


class ShareDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodian's share of a withheld nonce."""

    role: Literal["centre", "purchaser", "supervisor"]
    message: Message


class AnswerDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expert's answer; declining needs a reason."""

    accept: bool
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class DrawView:
    """A draw; binary values in hex. `public_key` is the lot's opening key, to which nonces are sealed.

    `checkpoint` and `beacon_signature` are the seed, which reveals and shares name.
    """

    id: UUID
    lot_id: UUID
    tender_id: UUID
    round: int
    reason: str
    state: str
    quotas: tuple[Quota, ...]
    representatives: int
    roster: str
    key_hash: str
    public_key: str
    release_at: datetime
    beacon: Beacon | None
    checkpoint: str | None
    beacon_signature: str | None
    committed: tuple[str, ...]
    revealed: tuple[str, ...]
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class SealedView:
    """A withheld nonce's commitment message, the device key that signed it (hex), and the seed."""

    message: str
    device_key: str
    checkpoint: str
    beacon_signature: str | None


@dataclass(frozen=True, slots=True)
class CallView:
    """A call by code (hex)."""

    code: str
    position: int
    state: str
    expires_at: datetime


class DrawController(Controller):
    """Draws: docs/spec/draw.md."""

    path = "/api/v1"
    tags = ("experts",)

    @post("/lots/{lot_id:uuid}/draws", summary="Prepare a round")
    async def prepare(
        self, lot_id: UUID, data: DrawDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Fix roster, quotas and exclusions."""
        return _draw(await draws.prepare(session, actor, lot_id, data.conditions(), entropy=entropy))

    @get("/lots/{lot_id:uuid}/draws", summary="The rounds of a lot")
    async def of_lot(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> list[DrawView]:
        """List rounds to their participants."""
        return [_draw(one) for one in await draws.of_lot(session, actor, lot_id)]

    @get("/draws/{draw_id:uuid}", summary="A round")
    async def read(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> DrawView:
        """Show a round to its participants."""
        return _draw(await draws.find(session, actor, draw_id))

    @post("/draws/{draw_id:uuid}/commitments", summary="Commit to a nonce")
    async def commit(
        self, draw_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-commitment/v1``."""
        return _draw(await draws.commit(session, actor, draw_id, data.message.encode(), entropy=entropy))

    @post("/draws/{draw_id:uuid}/seed", status_code=200, summary="Fix the seed checkpoint")
    async def fix(
        self, draw_id: UUID, data: FixDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Fix the checkpoint over all commitments; ``trail.not_sequenced`` for a moment after the last of them."""
        signature = None if data.beacon_signature is None else bytes.fromhex(data.beacon_signature)
        return _draw(await draws.fix(session, actor, draw_id, beacon_signature=signature, entropy=entropy))

    @post("/draws/{draw_id:uuid}/reveals", summary="Reveal a nonce")
    async def reveal(
        self, draw_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-reveal/v1``; the third makes the draw."""
        return _draw(await reveals.reveal(session, actor, draw_id, data.message.encode(), entropy=entropy))

    @get("/draws/{draw_id:uuid}/sealed", summary="Withheld nonces, for custodians")
    async def sealed(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> list[SealedView]:
        """Show withheld nonces after the release time."""
        found = await reveals.sealed(session, actor, draw_id)
        return [
            SealedView(one.message.decode(), one.device_key.hex(), one.checkpoint, _hex(one.beacon_signature))
            for one in found
        ]

    @post("/draws/{draw_id:uuid}/shares", summary="A custodian's share of a withheld nonce")
    async def share(
        self, draw_id: UUID, data: ShareDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Take a signed ``ggzy/draw-share/v1``."""
        message = data.message.encode()
        return _draw(await reveals.share(session, actor, draw_id, data.role, message, entropy=entropy))

    @post("/draws/{draw_id:uuid}/abandonment", status_code=200, summary="Give up a round before its seed")
    async def abandon(
        self, draw_id: UUID, data: ReasonDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> DrawView:
        """Give up a round while nobody can know its result."""
        return _draw(await draws.abandon(session, actor, draw_id, data.reason, entropy=entropy))

    @get("/draws/{draw_id:uuid}/calls", summary="The calls of a round, by code")
    async def calls(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> list[CallView]:
        """List calls by opaque code."""
        found = await invitations.of_draw(session, actor, draw_id)
        return [CallView(one.code.hex(), one.position, one.state, one.expires_at) for one in found]

    @post("/draws/{draw_id:uuid}/timeouts", status_code=200, summary="Let overdue calls time out")
    async def expire(self, draw_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> DrawView:
        """Let calls time out whose hour has passed, and call the next."""
        await draws.find(session, actor, draw_id)
        await invitations.expire(session, draw_id, entropy=entropy)
        return _draw(await draws.find(session, actor, draw_id))

    @get("/draws/{draw_id:uuid}/transcript", media_type=JSON, summary="The transcript, to be replayed offline")
    async def transcript(self, draw_id: UUID, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Return ``ggzy/draw/v1``: to the supervisor at once, to everybody after the result."""
        return download.private(await transcripts.write(session, actor, draw_id), JSON, "draw.json")


class InvitationController(Controller):
    """Calls, as the called expert sees them."""

    path = "/api/v1/invitations"
    tags = ("experts",)

    @get(summary="My calls")
    async def mine(self, session: AsyncSession, actor: Actor) -> list[Invitation]:
        """List the calls of the expert who asks."""
        return await invitations.mine(session, actor)

    @post("/{draw_id:uuid}/answer", status_code=200, summary="Accept or decline")
    async def answer(
        self, draw_id: UUID, data: AnswerDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Invitation:
        """Answer a call."""
        reason = data.reason
        return await invitations.answer(session, actor, draw_id, accept=data.accept, reason=reason, entropy=entropy)

    @post("/{draw_id:uuid}/recusal", status_code=200, summary="Step back after accepting")
    async def recuse(
        self, draw_id: UUID, data: ReasonDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Invitation:
        """Recuse oneself."""
        return await invitations.recuse(session, actor, draw_id, data.reason, entropy=entropy)


def _draw(one: Draw) -> DrawView:
    return DrawView(
        one.id,
        one.lot_id,
        one.tender_id,
        one.round,
        one.reason,
        one.state,
        one.quotas,
        one.representatives,
        one.roster.hex(),
        one.key_hash.hex(),
        one.public_key.hex(),
        one.release_at,
        one.beacon,
        one.checkpoint,
        _hex(one.beacon_signature),
        one.committed,
        one.revealed,
        one.calls,
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
