"""What somebody can do in an opening room right now: the policies and the state machine asked beforehand, for pages.

Pages show what is offered here and nothing else; the services ask again.
"""

from dataclasses import dataclass
from uuid import UUID

from bidding import policy, room, room_policy
from bidding.hearing import Room
from bidding.room import Phase
from bidding.room_tables import CONFIRMED, OBJECTED, PAUSE, RESUME
from kernel.actor import Actor, Role


@dataclass(frozen=True, slots=True)
class Rights:
    """What is offered: `speaks` are the bidders one may speak for, `confirms` those who have not confirmed yet.

    `order` is ``pause`` or ``resume``, unless one waits already; `consents` to that one.
    `gives`: one's device owes shares that are waited for.
    """

    begins: bool = False
    closes: bool = False
    order: str | None = None
    consents: UUID | None = None
    notes: bool = False
    answers: tuple[UUID, ...] = ()
    speaks: tuple[str, ...] = ()
    confirms: tuple[str, ...] = ()
    gives: bool = False


def of(actor: Actor, seen: Room) -> Rights:
    """Return what the person can do now."""
    lot, standing = seen.lot, seen.standing
    leads = policy.may_lead(actor, lot) is None
    orders = room_policy.may_order(actor, lot) is None
    waiting = seen.waiting_order if standing.running else None
    own = _own(actor, seen)
    speaks = own if room.may_speak(standing, OBJECTED) is None else ()
    heard = {offer.party for offer in seen.offers if offer.confirmed}
    return Rights(
        begins=_begins(actor, seen),
        closes=leads and room.may_close(standing, seen.at) is None,
        order=_order(seen) if orders else None,
        consents=waiting.id if waiting and room_policy.may_consent(actor, lot, waiting.ordered_by) is None else None,
        notes=room_policy.may_note(actor, lot) is None,
        answers=_unanswered(actor, seen),
        speaks=speaks,
        confirms=tuple(one for one in speaks if one not in heard and room.may_speak(standing, CONFIRMED) is None),
        gives=_owes(actor, seen) and not seen.enough and seen.phase in (Phase.LIST, Phase.DECRYPTION),
    )


def _begins(actor: Actor, seen: Room) -> bool:
    waits = seen.phase is Phase.WAITING and seen.awaits == "witness"
    return waits and policy.may_begin(actor, seen.lot, seen.stage, seen.at) is None


def _owes(actor: Actor, seen: Room) -> bool:
    return any(one.device_key == actor.device_key and one.given_at is None for one in seen.helpers)


def _own(actor: Actor, seen: Room) -> tuple[str, ...]:
    parties = actor.parties(Role.BIDDER)
    return tuple(sorted({offer.party for offer in seen.offers if offer.party in parties}))


def _order(seen: Room) -> str | None:
    if seen.waiting_order is not None:
        return None
    return next((kind for kind in (PAUSE, RESUME) if room.may_order(seen.standing, kind) is None), None)


def _unanswered(actor: Actor, seen: Room) -> tuple[UUID, ...]:
    if room_policy.may_answer(actor, seen.lot) is not None or room.may_speak(seen.standing, OBJECTED) is not None:
        return ()
    return tuple(one.id for one in seen.remarks if one.kind == OBJECTED and one.answer is None)
