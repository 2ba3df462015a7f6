"""Every refusal of a person is an event, in a transaction of its own; floods are counted and cut."""

import re
from datetime import timedelta

import structlog
from litestar.types import HTTPScope

from api import counting
from api.wiring import Installation
from archive import trail
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError

log = structlog.get_logger(__name__)

WINDOW = timedelta(minutes=1)
PER_PERSON = 120
ANONYMOUS_ALL = 60
# Who is refused at a bid or a question is a bidder: such events are sealed as bids are (archive.policy).
BIDDING = "bid.request_refused"
BIDS = re.compile(r"/(bid|bids|uploads|issues|questions)(/|$)")
# And who is refused at a call or in an evaluation may be an expert of it.
NAMING = "committee.request_refused"
COMMITTEES = re.compile(r"/(invitations|committee|evaluation)(/|$)")
# Not refusals of what somebody wanted: an unknown address, our own failures, a request to be sent again.
UNRECORDED = frozenset(
    {
        "request.unknown_path",
        "request.cut_off",
        "request.too_many",
        "live.too_many",
        "server.failed",
        "server.not_ready",
        "database.unavailable",
        "idempotency.in_flight",
    }
)


async def record(installation: Installation, scope: HTTPScope) -> None:
    """Record the refusal in the request's state: its code, method and path template, and who was refused.

    Nothing of the request's content goes in, and nothing of routes that refuse nobody (`PUBLIC`): what readers of the
    log ask for too early would swell it. A failure to record is logged; the answer is a refusal anyway.
    """
    refusal: GgzyError = scope["state"]["refusal"]
    actor: Actor = scope["state"]["actor"]
    if refusal.code in UNRECORDED or scope["route_handler"].opt.get("public"):
        return
    path = scope.get("path_template", "")
    kind = BIDDING if BIDS.search(path) else NAMING if COMMITTEES.search(path) else "request.refused"
    limit = ANONYMOUS_ALL if actor == ANONYMOUS else PER_PERSON
    data = {"code": refusal.code, "method": scope["method"], "path": path}
    try:
        async with installation.sessions.begin() as session:
            if await counting.count(session, f"refused/{actor.user_id}", WINDOW) <= limit:
                await trail.record(session, actor, kind, data, entropy=installation.entropy)
    except Exception:  # the refusal stands whether it could be recorded or not
        log.exception("refusal.unrecorded", code=refusal.code)
