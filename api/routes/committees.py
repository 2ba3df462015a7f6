"""The committee of a lot over HTTP: who sits, declares, leads and is replaced."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.routes.drafts import Reason, SignedDraft
from experts import committees
from experts.committees import Committee, Person
from kernel.actor import Actor
from kernel.entropy import Entropy


class PersonDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A representative, or a directly appointed expert with the reason and its document."""

    user_id: UUID
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=100)]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class CommitteeDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins the drawn experts."""

    representatives: Annotated[tuple[PersonDraft, ...], msgspec.Meta(max_length=33)] = ()
    appointed: Annotated[tuple[PersonDraft, ...], msgspec.Meta(max_length=33)] = ()


class MemberDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member."""

    member_id: UUID


class ReplaceDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member to replace, and why."""

    member_id: UUID
    reason: Reason


class CommitteeController(Controller):
    """The committee of a lot: docs/spec/evaluation.md."""

    path = "/api/v1/lots/{lot_id:uuid}/committee"
    tags = ("experts",)

    @post(summary="Form the committee")
    async def assemble(
        self, lot_id: UUID, data: CommitteeDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Form the committee from who accepted, with the purchaser's representatives."""
        return await committees.assemble(
            session,
            actor,
            lot_id,
            representatives=[_person(one) for one in data.representatives],
            appointed=[_person(one) for one in data.appointed],
            entropy=entropy,
        )

    @get(summary="The committee")
    async def find(self, lot_id: UUID, session: AsyncSession, actor: Actor) -> Committee:
        """Show the committee; names to whom they may be known."""
        return await committees.find(session, actor, lot_id)

    @post("/declarations", summary="Declare avoidance or none")
    async def declare(
        self, lot_id: UUID, data: SignedDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Take a signed ``ggzy/avoidance-declaration/v1``."""
        return await committees.declare(session, actor, lot_id, data.message.encode(), entropy=entropy)

    @post("/leader", status_code=200, summary="Vote for the leader")
    async def vote_leader(
        self, lot_id: UUID, data: MemberDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Vote for the leader."""
        return await committees.vote_leader(session, actor, lot_id, data.member_id, entropy=entropy)

    @post("/replacements", summary="Replace a member")
    async def replace(
        self, lot_id: UUID, data: ReplaceDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Committee:
        """Take a member out; the next drawn expert is called."""
        return await committees.replace(session, actor, lot_id, data.member_id, data.reason, entropy=entropy)

    @post("/successors", status_code=200, summary="Seat the successors who have accepted")
    async def refill(self, lot_id: UUID, session: AsyncSession, actor: Actor, entropy: Entropy) -> Committee:
        """Seat successors."""
        return await committees.refill(session, actor, lot_id, entropy=entropy)


def _person(one: PersonDraft) -> Person:
    return Person(one.user_id, one.name, one.reason)
