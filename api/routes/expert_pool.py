"""The pool of experts over HTTP, for its keeper."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncSession

from api.routes.drafts import Reason
from api.transaction import STREAMED
from api.wiring import Installation
from experts import pool, table_file
from experts.pool import Expert
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind


class ChangeDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of an expert's standing; `until` for a training."""

    action: Literal["train", "suspend", "reinstate", "clear_out", "penalize"]
    reason: Reason
    until: date | None = None


class LinkDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account with which an expert answers."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class ImportedView:
    """What an import took in; `sha256` of the file in hex."""

    count: int
    sha256: str


class PoolController(Controller):
    """The pool of experts, for its keeper."""

    path = "/api/v1/experts"
    tags = ("experts",)

    @post(
        "/import",
        opt=STREAMED,
        request_max_body_size=table_file.MAX_BYTES,
        summary="Take in experts from a table file (xlsx, xls, ods, csv)",
    )
    async def import_file(
        self,
        *,
        request: Request[Any, Any, Any],
        sessions: Sessions,
        actor: Actor,
        entropy: Entropy,
        installation: Installation,
        encoding: Annotated[Literal["utf-8", "gb18030"], Parameter()] = "utf-8",
    ) -> ImportedView:
        """Take the raw file as the body, all of it or nothing; every mistake is listed with row and column."""
        data = b"".join([chunk async for chunk in request.stream()])
        async with sessions.begin() as session:
            done = await pool.import_file(
                session, actor, data, pepper=installation.pepper, entropy=entropy, encoding=encoding
            )
        return ImportedView(done.count, done.sha256.hex())

    @get(summary="Experts by id")
    async def page(
        self,
        session: AsyncSession,
        actor: Actor,
        after: UUID | None = None,
        limit: Annotated[int, Parameter(ge=1, le=100)] = 50,
    ) -> list[Expert]:
        """List experts, without 身份证号 and telephone."""
        return await pool.page(session, actor, after=after, limit=limit)

    @get("/{expert_id:uuid}", summary="One expert")
    async def read(self, expert_id: UUID, session: AsyncSession, actor: Actor) -> Expert:
        """Show an expert."""
        return await pool.get(session, actor, expert_id)

    @post("/{expert_id:uuid}/changes", summary="Train, suspend, reinstate, clear out, penalize")
    async def change(
        self, expert_id: UUID, data: ChangeDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Expert:
        """Change an expert's standing for a reason."""
        if data.action == "train":
            if data.until is None:
                raise GgzyError("pool.no_until", Kind.INVALID)
            await pool.train(session, actor, expert_id, data.until, data.reason, entropy=entropy)
        else:
            verb = getattr(pool, data.action)
            await verb(session, actor, expert_id, data.reason, entropy=entropy)
        return await pool.get(session, actor, expert_id)

    @post("/{expert_id:uuid}/account", status_code=200, summary="Give an expert their account")
    async def link(
        self, expert_id: UUID, data: LinkDraft, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Expert:
        """Link the account with which the expert answers calls."""
        await pool.link(session, actor, expert_id, data.user_id, entropy=entropy)
        return await pool.get(session, actor, expert_id)
