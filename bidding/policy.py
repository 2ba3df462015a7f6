"""Who may do and see what with bids, and when. Pure: facts in, a refusal or None out.

Before the opening nobody but its bidder learns that a bid exists: staff, supervisors and custodians get the same
answer as for a lot without bids (招标投标法 第二十二条; 电子招标投标办法 第二十七条). After it the opening record is
public (第三十二条).
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from kernel.actor import Actor, Role, party, site
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind, not_found
from trading.lot import UNANNOUNCED, LotFacts, OpeningPolicy, State

MAX_BODY = 16 << 30
MAX_BID = 32 << 30
MAX_OPEN_UPLOADS = 4
UPLOAD_HOURS = 72

_READING = (State.OPENED, State.EVALUATING, State.EVALUATED, State.PUBLICIZED, State.AWARDED, State.CONTRACTED)


def may_bid(actor: Actor, uscc: str) -> GgzyError | None:
    """Only a bidder's own people act for it; to everybody else its bids do not exist."""
    return None if actor.holds(Role.BIDDER, party(uscc)) else not_found("bid")


def may_upload(actor: Actor, uscc: str, lot: LotFacts, bodies: dict[str, int], open_uploads: int) -> GgzyError | None:
    """Allow a session for exactly the envelopes that the documents ask for, within the quota; lengths in bytes."""
    if not actor.holds(Role.BIDDER, party(uscc)):
        return not_found("lot") if lot.state in UNANNOUNCED else GgzyError("bid.not_a_bidder", Kind.FORBIDDEN)
    if refusal := is_biddable(lot):
        return refusal
    if set(bodies) != {rule.kind for rule in lot.envelopes}:
        return GgzyError("bid.wrong_envelopes", expected=sorted(rule.kind for rule in lot.envelopes))
    if any(not 0 < length <= MAX_BODY for length in bodies.values()) or sum(bodies.values()) > MAX_BID:
        return GgzyError("upload.too_large", Kind.TOO_LARGE, limit=MAX_BODY)
    if open_uploads >= MAX_OPEN_UPLOADS:
        return GgzyError("upload.too_many", Kind.TOO_MANY, limit=MAX_OPEN_UPLOADS)
    return None


def is_biddable(lot: LotFacts) -> GgzyError | None:
    """Tell whether the lot takes bids at all, apart from the time.

    Lots that want the bidder's secret at the opening take none: nobody collects these secrets yet.
    """
    if lot.suspended:
        return GgzyError("lot.suspended", Kind.CONFLICT)
    if lot.opening_policy == OpeningPolicy.QUORUM_AND_BIDDER:  # no bid is taken that could not be opened
        return GgzyError("bid.policy_not_offered", Kind.CONFLICT, policy=str(lot.opening_policy))
    if lot.state != State.ANNOUNCED or lot.deadline is None or lot.opening_key_hash is None:
        return GgzyError("bid.not_open", Kind.CONFLICT, state=str(lot.state))
    return None


def is_in_time(lot: LotFacts, at: datetime) -> GgzyError | None:
    """Before the deadline, strictly: `at` is the database's time under the lock of the lot (实施条例 第三十六条)."""
    if lot.deadline is None:
        return GgzyError("bid.not_open", Kind.CONFLICT, state=str(lot.state))
    if at >= lot.deadline:
        return GgzyError("bid.late", Kind.CONFLICT, arrived=isoformat(at), deadline=isoformat(lot.deadline))
    return None


def may_receive(actor: Actor, uscc: str, lot: LotFacts, at: datetime) -> GgzyError | None:
    """Decide a bid, a replacement, a withdrawal or a confirmation that has wholly arrived at `at`."""
    return may_bid(actor, uscc) or is_biddable(lot) or is_in_time(lot, at)


def may_lead(actor: Actor, lot: LotFacts) -> GgzyError | None:
    """Only the witness of the lot's site leads its openings (见证)."""
    if actor.holds(Role.WITNESS, site(lot.site)):
        return None
    return not_found("lot") if lot.state in UNANNOUNCED else GgzyError("opening.not_the_witness", Kind.FORBIDDEN)


def may_begin(actor: Actor, lot: LotFacts, stage: int, at: datetime) -> GgzyError | None:
    """The witness of the lot's site opens: stage 1 after the deadline, stage 2 during the evaluation."""
    if refusal := may_lead(actor, lot):
        return refusal
    if lot.suspended:
        return GgzyError("lot.suspended", Kind.CONFLICT)
    if stage not in {rule.stage for rule in lot.envelopes}:
        return GgzyError("opening.no_such_stage", stage=stage)
    expected = (State.ANNOUNCED, State.OPENING) if stage == 1 else (State.EVALUATING,)
    if lot.state not in expected:
        return GgzyError("opening.wrong_state", Kind.CONFLICT, state=str(lot.state))
    if lot.deadline is None or at < lot.deadline:
        return GgzyError("opening.too_early", Kind.CONFLICT, at=isoformat(at), deadline=_iso(lot.deadline))
    return None


def may_take_part(actor: Actor, lot: LotFacts, devices: Collection[bytes]) -> GgzyError | None:
    """Those take part in an opening who oversee the lot or hold a share of its key (`devices` of the custodians)."""
    return None if _oversees(actor, lot) or actor.device_key in devices else not_found("opening")


def may_read_files(actor: Actor, lot: LotFacts, uscc: str, committee: Collection[UUID]) -> GgzyError | None:
    """Opened files: their own bidder always, the committee and those who oversee the lot from the opening on."""
    if actor.holds(Role.BIDDER, party(uscc)):
        return None
    if lot.state in _READING and (actor.user_id in committee or _oversees(actor, lot)):
        return None
    return not_found("bid")


def _oversees(actor: Actor, lot: LotFacts) -> bool:
    return (
        actor.holds(Role.WITNESS, site(lot.site))
        or actor.holds(Role.SUPERVISOR, site(lot.site))
        or actor.holds(Role.PURCHASER, party(lot.purchaser))
        or (lot.agency is not None and actor.holds(Role.AGENCY, party(lot.agency)))
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else isoformat(moment)
