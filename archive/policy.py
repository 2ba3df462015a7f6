"""Who may read which events of the trail. Pure: facts in, a refusal or None out.

Tiles, checkpoints and proofs are everybody's: they show commitments only. What is decided here is the openings.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from archive.event import HEARTBEAT
from kernel.actor import Actor, Role
from kernel.errors import GgzyError, not_found

READERS = (Role.SUPERVISOR, Role.AUDIT_ADMIN)

# Who took documents, asks about them and bids, and how many, nobody but themselves learns before the opening,
# supervisors included (法22, 28): these nouns are closed to all as long as a lot of the trade takes bids, and always
# without a trade. A draw is among them because it counts who is kept out for the sake of those who bid.
SEALED = ("bid", "documents", "question", "draw")

# Whose hands made them names a member of a committee: closed to all until the candidates are public (法37), and always
# without a trade (refusals at calls, committees and evaluations).
NAMING = ("committee", "evaluation")

# From which stage of its trade on the public may open an event, by the kind or its noun. What is not named stays
# closed. 法22, 37: who took documents and who sits on the committee is secret until the result. 条例36, 办法32:
# delivery and opening are public at the opening. 条例54: candidates are publicized.
DISCLOSURE = {
    "tender.announced": "announced",
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

# Of no trade and everybody's at once: that a transcript was in the log before a notice names one of its keys, and
# what runs in browsers.
PUBLIC = frozenset({"opening_key.made", "client.published"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader's rights come to at this moment, as ids of trades: facts that the packages above know.

    `within` are the trades of the reader's sites; None: all of them, and what belongs to no trade. `sealed` are the
    trades of which a lot still takes bids, `unnamed` those of which one has no public result yet.
    """

    sealed: Collection[UUID] = frozenset()
    unnamed: Collection[UUID] = frozenset()
    within: Collection[UUID] | None = None


def sites(actor: Actor) -> frozenset[str] | None:
    """Return the codes of the sites whose trades an actor reads about in the trail; None for everywhere."""
    return actor.sites(*READERS)


def may_search(actor: Actor) -> GgzyError | None:
    """Let supervisors and the audit administrator read the trail with its openings; hide it from everybody else.

    What they find there is of their sites' trades alone, unless they hold the role everywhere (`Reading.within`).
    """
    return None if any(actor.holds(role) for role in READERS) else not_found("trail")


def may_open(
    actor: Actor, kind: str, *, site: str | None, disclosed: Collection[str], sealed: bool, unnamed: bool = False
) -> GgzyError | None:
    """Decide on one event's opening.

    `site` is the code of the site of its trade, None without a trade; `disclosed` holds the stages that its trade has
    reached for the public; `sealed` tells that a lot of its trade still takes bids, `unnamed` that one has no public
    result yet; both also that it has no trade. Heartbeats are never opened: what is left between them would be counted.
    """
    noun = kind.partition(".")[0]
    if kind == HEARTBEAT or (sealed and noun in SEALED) or (unnamed and noun in NAMING):
        return not_found("entry")
    own = sites(actor)
    if kind in PUBLIC or own is None or site in own:
        return None
    return None if DISCLOSURE.get(kind, DISCLOSURE.get(noun)) in disclosed else not_found("entry")
