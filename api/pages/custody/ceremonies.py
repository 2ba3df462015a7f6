"""Key makings in the browser: begun by the witness staff, carried through by the custodians' devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.response import Redirect
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import custodians, policy
from api.accounts import services as accounts
from api.accounts.custodians import Candidate
from api.pages.custody.desk import OPEN, TAGS, unchanged
from api.web import PAGE, Form, Page, page, see, values
from bidding import ceremony, custody, keysetup
from bidding import keymaking_policy as making
from bidding.ceremony import Ceremony
from bidding.keymaking_policy import MAX_HOURS, Terms
from bidding.keysetup import MAX_KEYS
from bidding.keysetup import Custodian as Named
from kernel.actor import Actor, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found, permit
from trading import parties, sites, tenders
from trading.lot import State

NEEDING = (State.DRAFT, State.ENTERED, State.ACCEPTED)
DEFAULT_HOURS = 72


@dataclass(frozen=True, slots=True)
class Custodian:
    """One custodian of a key making as the page shows them."""

    named: Named
    fingerprint: str
    dealt: bool
    certified: bool


@dataclass(frozen=True, slots=True)
class Need:
    """A purchaser with lots at a site that have no key yet, and how many keys for them are free."""

    purchaser: str
    name: str
    lots: int
    free: int


# At which field of the form a refusal stands.
PLACES = {
    "ceremony.bad_numbers": "threshold",
    "ceremony.bad_hours": "hours",
    "ceremony": "people",
    "party.unknown": "purchaser",
}


class CeremonyPages(Controller):
    """Key makings."""

    path = "/custody/ceremonies"
    include_in_schema = False
    opt = PAGE

    @get("/new")
    async def choose(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Ask for which site and purchaser, then for the custodians."""
        permit(policy.must_be_person(actor))
        return await _begin_page(request, session, actor, Form.of(**dict(request.query_params)))

    @post("/new")
    async def begin(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """Appoint the custodians and fix the setup."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        permit(making.may_appoint(actor, form["site"]))
        with form.trying(PLACES, missing=["user.not_found"]):
            made = await ceremony.begin(session, actor, await _terms(session, form), entropy=entropy)
            return see(f"/custody/ceremonies/{made.id}", done="ceremony_begun")
        return await _begin_page(request, session, actor, form)

    @get("/{ceremony_id:uuid}")
    async def show(self, ceremony_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show a key making; its custodians take part here."""
        permit(policy.must_be_person(actor))
        return await _ceremony_page(request, session, actor, ceremony_id)

    @get("/{ceremony_id:uuid}/progress")
    async def progress(self, ceremony_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show how far it is: the part of the page that keeps itself up to date."""
        permit(policy.must_be_person(actor))
        return await _ceremony_page(request, session, actor, ceremony_id, "custody/progress.html")

    @post("/{ceremony_id:uuid}/abort")
    async def abort(
        self, ceremony_id: UUID, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy
    ) -> Response[bytes] | Redirect:
        """End it with a reason; nothing of it is used."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        with form.trying({"ceremony.no_reason": "reason"}):
            await ceremony.abort(session, actor, ceremony_id, form["reason"], entropy=entropy)
            return see(f"/custody/ceremonies/{ceremony_id}", done="ceremony_aborted")
        return await _ceremony_page(request, session, actor, ceremony_id, form=form)


def people(found: Ceremony) -> list[Custodian]:
    """Return the custodians of a key making with what they have done."""
    return [
        Custodian(
            one,
            keysetup.fingerprint(bytes.fromhex(one.device_key)),
            one.index in found.dealt,
            one.index in found.certified,
        )
        for one in keysetup.read(found.setup).custodians
    ]


async def _ceremony_page(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    ceremony_id: UUID,
    template: str = "custody/ceremony.html",
    *,
    form: Form | None = None,
) -> Response[bytes]:
    found = await ceremony.find(session, actor, ceremony_id)
    seen = f"{found.state}.{len(found.dealt)}.{len(found.certified)}"
    if same := unchanged(request, seen):
        return same
    index = await custody.index_in(session, actor, ceremony_id)
    names = await parties.names(session, {found.purchaser})
    return page(
        request,
        template,
        form=form,
        ceremony=found,
        seen=seen,
        setup=keysetup.read(found.setup),
        people=people(found),
        index=index,
        going=found.state in OPEN,
        purchaser=names.get(found.purchaser, found.purchaser),
        site=(await sites.names(session)).get(found.site, found.site),
        may_abort=found.state in OPEN and (index is not None or actor.holds(Role.WITNESS)),
        tags=TAGS,
    )


async def _begin_page(request: Page, session: AsyncSession, actor: Actor, form: Form) -> Response[bytes]:
    """Show the form: site and purchaser first, people when these are known."""
    own = await sites.held(session, actor, Role.WITNESS)
    site = form["site"] or (own[0].code if own else "")
    permit(making.may_appoint(actor, site))
    names = await parties.names(session, {form["purchaser"]})
    if form["purchaser"] and not names:
        form.refuse(GgzyError("party.unknown", uscc=form["purchaser"]), "purchaser")
    asked = bool(names)
    found: Sequence[Candidate] = ()
    if asked:
        found = await custodians.candidates(session, actor, site, form["purchaser"])
    return page(
        request,
        "custody/begin.html",
        form=form,
        sites=own,
        site=site,
        needs=await _needs(session, actor, site),
        asked=asked,
        site_name=next((one.name for one in own if one.code == site), site),
        purchaser_name=names.get(form["purchaser"], ""),
        people=[(one, one.device_key and keysetup.fingerprint(one.device_key)) for one in found],
        limits={"keys": MAX_KEYS, "hours": MAX_HOURS, "usual": DEFAULT_HOURS},
    )


async def _needs(session: AsyncSession, actor: Actor, site: str) -> list[Need]:
    """Return the purchasers whose lots at the site wait for keys."""
    waiting: dict[str, int] = {}
    for tender in await tenders.page(session, actor, sites=[site], states=NEEDING):
        count = sum(lot.opening_key_hash is None and lot.state in NEEDING for lot in tender.lots)
        waiting[tender.purchaser] = waiting.get(tender.purchaser, 0) + count
    free: dict[str, int] = {}
    for one in await custody.stock(session, site):
        free[one.purchaser] = free.get(one.purchaser, 0) + one.free
    names = await parties.names(session, set(waiting) | set(free))
    listed = sorted(set(waiting) | set(free))
    return [Need(one, names.get(one, one), waiting.get(one, 0), free.get(one, 0)) for one in listed]


async def _terms(session: AsyncSession, form: Form) -> Terms:
    """Return what the form asks for; people are named as ``<role>:<user id>``."""
    chosen = []
    for text in form.all("people"):
        role, _, user = text.partition(":")
        try:
            person = await accounts.actor(session, UUID(user), proven=True)
            chosen.append((person, Role(role)))
        except (ValueError, NoResultFound) as error:
            raise not_found("user") from error
    await parties.require(session, form["purchaser"])
    # what is no number is too small for every rule
    threshold, count, hours = (values.whole(form[name]) or 0 for name in ("threshold", "count", "hours"))
    return Terms(form["site"], form["purchaser"], threshold, count, tuple(chosen), hours)
