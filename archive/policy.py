"""Who may read which events of the trail. Pure: facts in, a refusal or None out.

Tiles, checkpoints and proofs are everybody's: they show commitments only. What is decided here is the openings.
"""

from collections.abc import Collection

from kernel.actor import Actor, Role
from kernel.errors import GgzyError, not_found

READERS = (Role.SUPERVISOR, Role.AUDIT_ADMIN)

# From which stage of its trade on the public may open an event, by the kind's noun. What is not named stays closed.
# 法22, 37: who took documents and who sits on the committee is secret until the result. 条例36, 办法32: delivery and
# opening are public at the opening. 条例54: candidates are publicized.
DISCLOSURE = {
    "notice": "announced",
    "deadline": "announced",
    "document": "announced",
    "key_ceremony": "announced",
    "opening_key": "announced",
    "bid": "opened",
    "opening": "opened",
    "candidates": "publicized",
    "lot": "awarded",
    "draw": "awarded",
    "committee": "awarded",
    "award": "awarded",
    "contract": "contracted",
}


def may_search(actor: Actor) -> GgzyError | None:
    """Let supervisors and the audit administrator read the trail with its openings; hide it from everybody else."""
    return None if any(actor.holds(role) for role in READERS) else not_found("trail")


def may_open(actor: Actor, kind: str, *, disclosed: Collection[str]) -> GgzyError | None:
    """Decide on one event's opening: `disclosed` holds the stages that its trade has reached for the public."""
    if may_search(actor) is None or DISCLOSURE.get(kind.partition(".")[0]) in disclosed:
        return None
    return not_found("entry")
