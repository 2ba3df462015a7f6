"""Own parties: what they stated, amended under a new commitment, with every former statement kept and compared."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.web import PAGE, Form, Page, page, see, values
from api.web.navigation import Entry
from kernel.actor import PARTY_ROLES, Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import parties, regions
from trading.parties import Revision
from trading.party import COMMITMENT_VERSION, Commitment, Profile

NAVIGATION = (Entry("/party", "pages.party.places", PARTY_ROLES),)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a revision changed."""

    field: str
    before: str
    after: str


class Parties(Controller):
    """The parties for which a person acts."""

    path = "/party"
    include_in_schema = False
    opt = PAGE

    @get()
    async def own(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List them; a person of one party is led to it."""
        permit(policy.must_be_person(actor))
        codes = sorted({code for role in PARTY_ROLES for code in actor.parties(role)})
        if len(codes) == 1:
            return see(f"/party/{codes[0]}")
        names = await parties.names(session, set(codes))
        return page(request, "party/own.html", parties=[(code, names.get(code, code)) for code in codes])

    @get("/{uscc:str}")
    async def show(self, uscc: str, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show a party's data and how they changed."""
        permit(policy.must_be_person(actor))
        party = await parties.read(session, actor, uscc)
        history = await parties.history(session, actor, uscc)
        return page(request, "party/show.html", party=party, history=_changes(history))

    @get("/{uscc:str}/edit")
    async def edit(self, uscc: str, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show the form filled in with what is stated now."""
        permit(policy.must_be_person(actor))
        return await _edited(request, session, actor, uscc, Form())

    @post("/{uscc:str}/edit")
    async def amend(
        self, uscc: str, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[Any]:
        """State the party's data anew."""
        form = await Form.read(request)
        profile = values.struct(form, Profile)
        if form["commitment"] != COMMITMENT_VERSION:
            form.refuse(GgzyError("field.not_committed"), "commitment")
        elif profile is not None:
            stated = Commitment(COMMITMENT_VERSION, actor.name)
            await parties.amend(session, actor, uscc, profile, stated, entropy=entropy)
            return see(f"/party/{uscc}", done="party_amended")
        return await _edited(request, session, actor, uscc, form)


async def _edited(request: Page, session: AsyncSession, actor: Actor, uscc: str, form: Form) -> Response[bytes]:
    party = await parties.read(session, actor, uscc)
    offered = regions.offered(form["region"], party.profile.region)
    return page(request, "party/edit.html", form=form, party=party, commitment=COMMITMENT_VERSION, regions=offered)


def _changes(history: list[Revision]) -> list[tuple[Revision, list[Change]]]:
    """Return the revisions, the newest first, each with what it changed; the first one changed nothing."""
    told = [(after, _between(before, after)) for before, after in pairwise(history)]
    return [*reversed(told), (history[0], [])]


def _between(before: Revision, after: Revision) -> list[Change]:
    old, new = msgspec.structs.asdict(before.profile), msgspec.structs.asdict(after.profile)
    return [Change(name, old[name], new[name]) for name in new if old[name] != new[name]]
