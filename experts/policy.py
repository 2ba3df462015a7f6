"""Who may do and see what with experts, draws, committees and scores, and when. Pure: facts in, a refusal or None out.

The drawing staff sees coded requests only; the committee's names are secret until the result (招标投标法 第三十七条); a
member sees the bids of their own committee once they have declared that they need not avoid them.
"""

from experts.tables import ACCEPTED
from kernel.actor import Actor, Role, site
from kernel.errors import GgzyError, Kind, not_found
from trading.lot import LotFacts, State
from trading.policy import is_tenderer

NAMES_PUBLIC = frozenset({State.AWARDED, State.CONTRACTED, State.ARCHIVED})
RANKING_PUBLIC = NAMES_PUBLIC | {State.PUBLICIZED}
RESULT_KNOWN = RANKING_PUBLIC | {State.EVALUATED}
DRAWABLE = frozenset({State.ANNOUNCED, State.OPENING, State.OPENED, State.EVALUATING})


def may_keep_pool(actor: Actor) -> GgzyError | None:
    """The pool is kept by supervisors (综合监管), never by those who draw from it."""
    return None if actor.holds(Role.SUPERVISOR) else not_found("pool")


def may_conduct(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """A draw is conducted by the witness of the lot's site."""
    if not actor.holds(Role.WITNESS, site(lot.site)):
        return not_found("draw")
    return is_drawable(lot)


def is_drawable(lot: LotFacts) -> GgzyError | None:
    """Tell whether experts may be drawn for the lot now, apart from the hour."""
    if lot.suspended:
        return GgzyError("lot.suspended", Kind.CONFLICT)
    if lot.state not in DRAWABLE:
        return GgzyError("draw.wrong_state", Kind.CONFLICT, state=str(lot.state))
    return None


def participant_role(actor: Actor, lot: LotFacts) -> frozenset[str]:
    """Return for which of centre, purchaser and supervisor somebody may give a nonce."""
    held = {
        "centre": actor.holds(Role.WITNESS, site(lot.site)),
        "purchaser": is_tenderer(actor, lot),
        "supervisor": actor.holds(Role.SUPERVISOR, site(lot.site)),
    }
    return frozenset(role for role, holds in held.items() if holds)


def may_participate(actor: Actor, lot: LotFacts, role: str) -> GgzyError | None:
    """Each participant speaks for their own side, from an enrolled device."""
    roles = participant_role(actor, lot)
    if not roles:
        return not_found("draw")
    if role not in roles:
        return GgzyError("draw.not_your_role", Kind.FORBIDDEN, role=role)
    return None if actor.device_key is not None else GgzyError("draw.no_device", Kind.FORBIDDEN)


def may_see_draw(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Its participants see a draw's state; nobody sees names in it."""
    return None if participant_role(actor, lot) else not_found("draw")


def may_see_transcript(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """The supervisor replays a draw as soon as no bids are taken, everybody with the candidates; codes name nobody.

    Not before: who is excluded on the roster for an employer that bids would tell who bids (招标投标法 第二十二条).
    """
    supervises = actor.holds(Role.SUPERVISOR, site(lot.site)) and lot.state != State.ANNOUNCED
    if lot.state in RANKING_PUBLIC or supervises:
        return None
    return not_found("draw")


def may_name(lot: LotFacts) -> bool:
    """Tell whether the committee's names are public by now: not while candidates are public and the award is open."""
    return lot.state in NAMES_PUBLIC


def may_answer(actor: Actor, expert_user: object) -> GgzyError | None:
    """A call is answered by the expert who was called; to everybody else it does not exist."""
    called = actor.holds(Role.EXPERT) and expert_user == actor.user_id
    return None if called else not_found("invitation")


def may_know_lot(call_state: str) -> bool:
    """Tell whether who was called may know for which lot it is: while they have accepted, never before."""
    return call_state == ACCEPTED


def may_appoint(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """The purchaser or its agency nominates representatives, and experts where a draw has exhausted the pool."""
    return None if is_tenderer(actor, lot) else not_found("committee")


def may_see_members(actor: Actor, lot: LotFacts, members: frozenset[object]) -> GgzyError | None:
    """Members know each other; everybody knows them after the result, nobody else before."""
    return None if lot.state in NAMES_PUBLIC or actor.user_id in members else not_found("committee")


def may_judge(actor: Actor, lot: LotFacts, *, is_member: bool, declared: bool) -> GgzyError | None:
    """A member judges after the declaration, while the lot is evaluated; strangers learn nothing."""
    if not is_member:
        return not_found("committee")
    if not declared:
        return GgzyError("committee.not_declared", Kind.FORBIDDEN)
    if lot.suspended:
        return GgzyError("lot.suspended", Kind.CONFLICT)
    if lot.state != State.EVALUATING:
        return GgzyError("evaluation.wrong_state", Kind.CONFLICT, state=str(lot.state))
    return None if actor.device_key is not None else GgzyError("evaluation.no_device", Kind.FORBIDDEN)


def may_oversee(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Witness and supervisor of the site follow an evaluation's progress and note refusals."""
    place = site(lot.site)
    seen = actor.holds(Role.WITNESS, place) or actor.holds(Role.SUPERVISOR, place)
    return None if seen else not_found("committee")


def may_follow(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """How far a committee is, its tenderer sees as well as those who oversee."""
    return None if may_appoint(actor, lot) is None else may_oversee(actor, lot)


def may_read_report(actor: Actor, lot: LotFacts, members: frozenset[object]) -> GgzyError | None:
    """The finished report goes to the members, the tenderer, witness and supervisor."""
    insider = actor.user_id in members or may_follow(actor, lot) is None
    return None if insider and lot.state in RESULT_KNOWN else not_found("report")
