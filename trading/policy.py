"""Who may do and see what with tenders, lots and parties. Pure: an actor and facts in, a refusal or None out.

What nobody has announced does not exist for others (404). Who took the documents stays secret (招标投标法 第二十二条).
"""

from datetime import datetime, timedelta
from typing import Protocol

from kernel.actor import STAFF, SYSTEM, Actor, Role, party, site
from kernel.errors import GgzyError, Kind, not_found
from trading.lifecycle import By
from trading.lot import ENDED


class Held(Protocol):
    """A tender or a lot, as far as rights go."""

    @property
    def site(self) -> str:
        """6-digit code of the site that handles it."""

    @property
    def purchaser(self) -> str:
        """统一社会信用代码 of the purchaser."""

    @property
    def agency(self) -> str | None:
        """统一社会信用代码 of the agency, if there is one."""


class HallFacts(Protocol):
    """A hall, as far as rights go."""

    @property
    def site(self) -> str:
        """6-digit code of the site where it is."""

    @property
    def kind(self) -> str:
        """``opening`` or ``evaluation``."""


BRINGERS = STAFF | {Role.PURCHASER, Role.AGENCY, Role.SUPERVISOR}
AT_SITE = {
    By.ACCEPTANCE: Role.ACCEPTANCE,
    By.WITNESS: Role.WITNESS,
    By.ARCHIVIST: Role.ARCHIVIST,
    By.SUPERVISOR: Role.SUPERVISOR,
}


def qualities(actor: Actor, held: Held) -> frozenset[By]:
    """Return in what qualities somebody may act on this tender or lot."""
    found = {by for by, role in AT_SITE.items() if actor.holds(role, site(held.site))}
    if is_tenderer(actor, held):
        found.add(By.TENDERER)
    if actor.holds(Role.EXPERT):
        found.add(By.EXPERT)
    if actor.user_id == SYSTEM.user_id:
        found.add(By.SYSTEM)
    return frozenset(found)


def is_tenderer(actor: Actor, held: Held) -> bool:
    """Tell whether somebody acts for the purchaser or its agency."""
    return actor.holds(Role.PURCHASER, party(held.purchaser)) or (
        held.agency is not None and actor.holds(Role.AGENCY, party(held.agency))
    )


def is_insider(actor: Actor, held: Held) -> bool:
    """Tell whether somebody works on this tender: its tenderer, or staff and supervisors of its site."""
    return bool(qualities(actor, held) - {By.EXPERT})


def may_see(
    actor: Actor, held: Held, *, announced: bool, invitees: tuple[str, ...] = (), judge: bool = False
) -> GgzyError | None:
    """What is announced is public; before that, and of an invited tender, only insiders and the invited see it.

    `judge`: somebody sits on the committee of one of its lots; an expert of no committee sees no more than everybody.
    """
    if is_insider(actor, held) or (announced and not invitees):
        return None
    if announced and (actor.parties(Role.BIDDER) & set(invitees) or judge):
        return None
    return not_found("tender")


def may_register(actor: Actor, held: Held) -> GgzyError | None:
    """A tender is brought in by its purchaser or the agency it commissioned."""
    return None if is_tenderer(actor, held) else GgzyError("tender.not_the_tenderer", Kind.FORBIDDEN)


def may_act(actor: Actor, held: Held, by: frozenset[By], *, seen: GgzyError | None) -> GgzyError | None:
    """Allow what one of these qualities may do; to whom the tender is unseen, it does not exist."""
    if qualities(actor, held) & by:
        return None
    return seen or GgzyError("step.not_yours", Kind.FORBIDDEN)


def may_take(actor: Actor, bidder: str, invitees: tuple[str, ...]) -> GgzyError | None:
    """Documents are taken by a bidder's own people; of an invited tender only by the invited."""
    if not actor.holds(Role.BIDDER, party(bidder)):
        return GgzyError("issue.not_the_bidder", Kind.FORBIDDEN)
    return may_enter(bidder, invitees)


def may_enter(bidder: str, invitees: tuple[str, ...]) -> GgzyError | None:
    """An invited tender takes the invited alone; to every other bidder it does not exist (招标投标法 第十七条)."""
    return not_found("lot") if invitees and bidder not in invitees else None


def may_see_issues(actor: Actor, held: Held, *, open_to_read: bool, unopened: bool = False) -> GgzyError | None:
    """Nobody learns before the opening who took the documents; afterwards tenderer, supervisor and archivist do.

    Of a lot that failed `unopened` the tenderer does not: the same parties may come to the tender that follows (法22).
    """
    allowed = {By.SUPERVISOR, By.ARCHIVIST, By.SYSTEM} | (set() if unopened else {By.TENDERER})
    return None if open_to_read and qualities(actor, held) & allowed else not_found("issue")


def may_keep_party(actor: Actor, uscc: str) -> GgzyError | None:
    """A party's data are given by its own people, or taken in by acceptance staff on their behalf."""
    own = any(actor.holds(role, party(uscc)) for role in (Role.PURCHASER, Role.AGENCY, Role.BIDDER))
    return None if own or actor.holds(Role.ACCEPTANCE) else GgzyError("party.not_yours", Kind.FORBIDDEN)


def may_see_party(actor: Actor, uscc: str) -> GgzyError | None:
    """Contacts and history of a party are for itself, acceptance staff and supervisors."""
    seen = may_keep_party(actor, uscc) is None or actor.holds(Role.SUPERVISOR)
    return None if seen else not_found("party")


def may_amend_calendar(actor: Actor) -> GgzyError | None:
    """Working days are decided upon by the system administrator."""
    return None if actor.holds(Role.SYSTEM_ADMIN) else GgzyError("calendar.not_yours", Kind.FORBIDDEN)


def may_seed_calendar(actor: Actor) -> GgzyError | None:
    """The years that the program knows are filled in by the installation itself."""
    return None if actor.user_id == SYSTEM.user_id else GgzyError("calendar.not_yours", Kind.FORBIDDEN)


def may_establish_site(actor: Actor) -> GgzyError | None:
    """Sites are set up by the system administrator, or by the installation itself at its first start."""
    allowed = actor.holds(Role.SYSTEM_ADMIN) or actor.user_id == SYSTEM.user_id
    return None if allowed else GgzyError("site.not_yours", Kind.FORBIDDEN)


def may_store_file(actor: Actor) -> GgzyError | None:
    """Documents are brought by tenderers, staff and supervisors; bids have their own way, sealed."""
    allowed = any(grant.role in BRINGERS for grant in actor.grants)
    return None if allowed else GgzyError("file.not_yours", Kind.FORBIDDEN)


def may_keep_halls(actor: Actor, at: str) -> GgzyError | None:
    """Halls are set up by the venue staff of their site, or by the installation itself at its first start."""
    allowed = actor.holds(Role.VENUE, site(at)) or actor.user_id == SYSTEM.user_id
    return None if allowed else GgzyError("hall.not_yours", Kind.FORBIDDEN)


def may_book(actor: Actor, held: Held, hall_site: str, *, announced: bool) -> GgzyError | None:
    """Venue staff book: those of the tender's site anywhere, those of the hall's site what is announced.

    Acceptance staff of the tender's site book too, as they take the trade in.
    """
    own = actor.holds(Role.VENUE, site(held.site)) or actor.holds(Role.ACCEPTANCE, site(held.site))
    if own or (announced and actor.holds(Role.VENUE, site(hall_site))):
        return None
    return GgzyError("venue.not_yours", Kind.FORBIDDEN) if announced else not_found("lot")


def may_book_somewhere(actor: Actor) -> GgzyError | None:
    """The form of a booking is for those who book at some site; `may_book` decides upon the lot."""
    booking = actor.holds(Role.VENUE) or actor.holds(Role.ACCEPTANCE)
    return None if booking else not_found("venue")


def may_see_venues(actor: Actor) -> GgzyError | None:
    """The calendar of halls is for staff and supervisors of every site: halls are booked across sites."""
    seen = any(actor.holds(role) for role in (*STAFF, Role.SUPERVISOR))
    return None if seen else not_found("venue")


def knows_rooms(actor: Actor, held: Held) -> bool:
    """Tell whether somebody learns where the committee sits: its site's staff and supervisors (法37)."""
    return any(actor.holds(role, site(held.site)) for role in (*STAFF, Role.SUPERVISOR))


def may_know_booking(
    actor: Actor, held: Held, hall: HallFacts, *, announced: bool, invitees: tuple[str, ...] = ()
) -> bool:
    """Tell whether somebody learns for which lot a hall is booked.

    Both sites' venue staff do; of opening rooms who sees the tender; of the committee's rooms its site's staff alone.
    """
    if actor.holds(Role.VENUE, site(held.site)) or (announced and actor.holds(Role.VENUE, site(hall.site))):
        return True
    if hall.kind == "opening":
        return may_see(actor, held, announced=announced, invitees=invitees) is None
    return knows_rooms(actor, held)


def is_bookable(
    state: str, begins_at: datetime, ends_at: datetime, now: datetime, *, longest: timedelta
) -> GgzyError | None:
    """A booking lies ahead, ends after it begins, is not longer than `longest`, and is for a lot that goes on."""
    if state in ENDED:
        return GgzyError("lot.ended", Kind.CONFLICT, state=str(state), step="book")
    if not begins_at < ends_at <= begins_at + longest:
        return GgzyError("venue.bad_time", days=longest.days)
    return GgzyError("venue.past", Kind.CONFLICT) if begins_at < now else None


def may_ask(actor: Actor, bidder: str, *, taken: bool) -> GgzyError | None:
    """Questions on the documents are asked by the people of a bidder that took them."""
    if not actor.holds(Role.BIDDER, party(bidder)):
        return GgzyError("issue.not_the_bidder", Kind.FORBIDDEN)
    return None if taken else GgzyError("question.not_taken", Kind.CONFLICT)


def may_read_questions(actor: Actor, held: Held) -> bool:
    """Tell whether somebody reads questions before they are answered: the tenderer, who answers them."""
    return is_tenderer(actor, held)


def may_sketch(actor: Actor) -> GgzyError | None:
    """Tenders are written by people of purchasers and agencies."""
    own = actor.parties(Role.PURCHASER) or actor.parties(Role.AGENCY)
    return None if own else GgzyError("sketch.not_yours", Kind.FORBIDDEN)
