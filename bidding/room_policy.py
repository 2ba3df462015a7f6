"""Who is in an opening room and what each may do there. Pure: facts in, a refusal or None out.

An opening is held in public (招标投标法 第三十四至三十六条), so the room of an openly announced lot is everybody's;
that of an invited one is for those who take part in it, until the record is published (电子招标投标办法 第三十二条).
Who speaks for a party is named to those who take part alone (docs/decisions/who-sees-an-opening-room.md).
"""

from collections.abc import Collection

from bidding import policy
from kernel.actor import STAFF, Actor, Role, party, site
from kernel.errors import GgzyError, Kind, not_found
from trading.lot import UNANNOUNCED, LotFacts


def takes_part(actor: Actor, lot: LotFacts, bidders: Collection[str], devices: Collection[bytes]) -> bool:
    """Tell whether somebody takes part: staff of the site, who oversees the lot, its custodians, its bidders.

    `bidders` by 统一社会信用代码, `devices` the custodians' keys.
    """
    oversees = is_staff(actor, lot) or policy.may_take_part(actor, lot, devices) is None
    return oversees or bool(actor.parties(Role.BIDDER) & set(bidders))


def may_enter(lot: LotFacts, stage: int, *, inside: bool, openly: bool, finished: bool) -> GgzyError | None:
    """Let in who takes part (`inside`), and everybody if it is held `openly` or its record is published.

    `openly`: the lot exists for everybody. Of an invited one nobody else learns that it is opened.
    """
    known = lot.state not in UNANNOUNCED and stage in {rule.stage for rule in lot.envelopes}
    return None if known and (inside or openly or finished) else not_found("opening")


def may_speak(actor: Actor, uscc: str, bidders: Collection[str]) -> GgzyError | None:
    """A bidder on the list speaks through its own people."""
    own = actor.holds(Role.BIDDER, party(uscc)) and uscc in bidders
    return None if own else not_found("opening")


def may_answer(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Objections are answered on the spot by the tenderer or its agency, or by the witness in their name."""
    answers = (
        actor.holds(Role.WITNESS, site(lot.site))
        or actor.holds(Role.PURCHASER, party(lot.purchaser))
        or (lot.agency is not None and actor.holds(Role.AGENCY, party(lot.agency)))
    )
    return None if answers else not_found("opening")


def answers_for(actor: Actor, lot: LotFacts) -> str | None:
    """Return the party in whose name somebody answers; None for the witness."""
    if actor.holds(Role.PURCHASER, party(lot.purchaser)):
        return lot.purchaser
    return lot.agency if lot.agency is not None and actor.holds(Role.AGENCY, party(lot.agency)) else None


def may_order(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """The witness pauses, resumes and closes; so may a supervisor of the site order a pause."""
    leads = actor.holds(Role.WITNESS, site(lot.site)) or actor.holds(Role.SUPERVISOR, site(lot.site))
    return None if leads else not_found("opening")


def may_consent(actor: Actor, lot: LotFacts, ordered_by: object) -> GgzyError | None:
    """Another person of the site's staff or a supervisor consents, never who gave the order."""
    if not (is_staff(actor, lot) or actor.holds(Role.SUPERVISOR, site(lot.site))):
        return not_found("opening")
    return GgzyError("opening.same_person", Kind.FORBIDDEN) if actor.user_id == ordered_by else None


def may_note(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """What failed is noted by the witness."""
    return None if actor.holds(Role.WITNESS, site(lot.site)) else not_found("opening")


def is_staff(actor: Actor, lot: LotFacts) -> bool:
    """Tell whether somebody works at the lot's site."""
    return any(actor.holds(role, site(lot.site)) for role in STAFF)
