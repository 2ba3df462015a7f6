"""Who may make opening keys, take part, and give a key to a lot. Pure: facts in, a refusal or None out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bidding.keymaking_tables import FINISHED, CeremonyRow
from bidding.keysetup import MAX_CUSTODIANS, MAX_KEYS, MIN_THRESHOLD
from kernel.actor import SYSTEM, Actor, Role, party, site
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind, not_found
from trading.lot import UNANNOUNCED, LotFacts

ROLES = (Role.WITNESS, Role.PURCHASER, Role.SUPERVISOR)
MAX_HOURS = 14 * 24


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key making is to be: custodians with the role in which each takes part, in the order of their numbers."""

    site: str
    purchaser: str
    threshold: int
    count: int
    custodians: tuple[tuple[Actor, Role], ...]
    hours: int = 72


def may_begin(actor: Actor, terms: Terms) -> GgzyError | None:
    """The site's witness staff begins it; all three sides take part, and no side can open alone."""
    if refusal := may_appoint(actor, terms.site):
        return refusal
    size = len(terms.custodians)
    if not MIN_THRESHOLD <= terms.threshold < size <= MAX_CUSTODIANS or not 1 <= terms.count <= MAX_KEYS:
        return GgzyError("ceremony.bad_numbers", custodians=MAX_CUSTODIANS, keys=MAX_KEYS)
    if not 1 <= terms.hours <= MAX_HOURS:
        return GgzyError("ceremony.bad_hours", limit=MAX_HOURS)
    return _fit(terms.custodians, terms)


def may_appoint(actor: Actor, at: str) -> GgzyError | None:
    """The witness staff of a site appoints the custodians of its keys."""
    return None if actor.holds(Role.WITNESS, site(at)) else GgzyError("ceremony.not_the_witness", Kind.FORBIDDEN)


def may_see(actor: Actor, ceremony: CeremonyRow, custodians: frozenset[UUID]) -> GgzyError | None:
    """Custodians, the site's witness staff and supervisors see a key making; a finished one is public."""
    overseer = actor.holds(Role.WITNESS, site(ceremony.site)) or actor.holds(Role.SUPERVISOR, site(ceremony.site))
    if ceremony.state == FINISHED or overseer or actor.user_id in custodians:
        return None
    return not_found("ceremony")


def may_abort(actor: Actor, ceremony: CeremonyRow, custodians: frozenset[UUID]) -> GgzyError | None:
    """Witness staff of the site and every custodian may end it; nothing of it is used then."""
    if actor.holds(Role.WITNESS, site(ceremony.site)) or actor.user_id in custodians:
        return None
    return not_found("ceremony")


def is_open(ceremony: CeremonyRow, at: datetime, *states: str) -> GgzyError | None:
    """Tell whether the key making is in one of these states and not past its time."""
    if ceremony.state not in states:
        return GgzyError("ceremony.wrong_state", Kind.CONFLICT, state=ceremony.state)
    if at >= ceremony.expires_at:
        return GgzyError("ceremony.expired", Kind.CONFLICT, expired=isoformat(ceremony.expires_at))
    return None


def may_assign(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Acceptance or witness staff of the lot's site give it a key, or the system does as it accepts the lot."""
    at = site(lot.site)
    if actor.user_id == SYSTEM.user_id or actor.holds(Role.WITNESS, at) or actor.holds(Role.ACCEPTANCE, at):
        return None if lot.opening_key_hash is None else GgzyError("lot.has_key", Kind.CONFLICT)
    return not_found("lot") if lot.state in UNANNOUNCED else GgzyError("ceremony.not_the_staff", Kind.FORBIDDEN)


def _fit(custodians: Sequence[tuple[Actor, Role]], terms: Terms) -> GgzyError | None:
    scopes = {
        Role.WITNESS: site(terms.site),
        Role.SUPERVISOR: site(terms.site),
        Role.PURCHASER: party(terms.purchaser),
    }
    for number, (person, role) in enumerate(custodians, start=1):
        if role not in scopes or not person.holds(role, scopes[role]):
            return GgzyError("ceremony.wrong_role", Kind.FORBIDDEN, custodian=number)
        if person.device_key is None:
            return GgzyError("ceremony.no_device", Kind.CONFLICT, custodian=number)
    return _distinct(custodians) or _balanced(custodians, terms.threshold)


def _distinct(custodians: Sequence[tuple[Actor, Role]]) -> GgzyError | None:
    if len({person.user_id for person, _ in custodians}) != len(custodians):
        return GgzyError("ceremony.same_person", Kind.CONFLICT)
    if len({person.device_key for person, _ in custodians}) != len(custodians):
        return GgzyError("ceremony.same_device", Kind.CONFLICT)
    return None


def _balanced(custodians: Sequence[tuple[Actor, Role]], threshold: int) -> GgzyError | None:
    sides = Counter(role for _, role in custodians)
    if set(sides) != set(ROLES):
        return GgzyError("ceremony.side_missing", missing=[str(role) for role in ROLES if role not in sides])
    if max(sides.values()) >= threshold:
        return GgzyError("ceremony.one_side_could_open", side=str(sides.most_common(1)[0][0]))
    return None
