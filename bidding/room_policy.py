"""Who is in an opening room and what each may do there. Pure: facts in, a refusal or None out.

Openings are public for whoever takes part (招标投标法 第三十四至三十六条): staff of the site, the tenderer,
supervisors, custodians and the bidders of the lot; everybody reads the record afterwards (电子招标投标办法
第三十二条). In the hall hangs what is read out there anyway.
"""

from collections.abc import Collection

from bidding import policy
from kernel.actor import STAFF, Actor, Role, party, site
from kernel.errors import GgzyError, Kind, not_found
from trading.lot import UNANNOUNCED, LotFacts


def may_enter(
    actor: Actor, lot: LotFacts, stage: int, *, finished: bool, bidders: Collection[str], devices: Collection[bytes]
) -> GgzyError | None:
    """Let in who takes part, and everybody once it is finished; `bidders` by 统一社会信用代码."""
    if lot.state in UNANNOUNCED or stage not in {rule.stage for rule in lot.envelopes}:
        return not_found("opening")
    if finished or is_staff(actor, lot) or policy.may_take_part(actor, lot, devices) is None:
        return None
    return None if actor.parties(Role.BIDDER) & set(bidders) else not_found("opening")


def may_watch(lot: LotFacts, stage: int, *, seen: GgzyError | None) -> GgzyError | None:
    """The hall's display shows what is public there, of a lot that whoever asks may see."""
    known = lot.state not in UNANNOUNCED and stage in {rule.stage for rule in lot.envelopes}
    return None if known and seen is None else not_found("opening")


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
