"""Who may do what with accounts: 三员分立, nobody grants to himself, nobody does another administrator's work."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from kernel.actor import ADMINS, ANONYMOUS, EVERYWHERE, PARTY_ROLES, STAFF, Actor, Role
from kernel.errors import GgzyError, Kind, not_found

FACTOR_ROLES = STAFF | ADMINS | {Role.SUPERVISOR, Role.PURCHASER, Role.AGENCY}
CONFIRM = "accounts.proof_needed"
"""The code of the refusal that asks people to show once more who they are."""
_PARTY = re.compile(r"party:[0-9A-Z]{18}")
_SITE = re.compile(r"site:[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Assurance:
    """What a credential has been shown for: a second factor ever, and who its holder is within the last ten minutes."""

    factor: bool
    fresh: bool


NO_ASSURANCE = Assurance(factor=False, fresh=False)


def may_make_user(actor: Actor) -> GgzyError | None:
    """Users are made and closed by the system administrator."""
    return None if actor.holds(Role.SYSTEM_ADMIN) else _refusal(actor)


def may_grant(actor: Actor, user_id: UUID) -> GgzyError | None:
    """Roles are given and taken by the security administrator, never to or from himself."""
    if not actor.holds(Role.SECURITY_ADMIN):
        return _refusal(actor)
    return GgzyError("grant.to_oneself", Kind.FORBIDDEN) if actor.user_id == user_id else None


def may_hold(role: Role, scope: str, held: frozenset[Role]) -> GgzyError | None:
    """A role must fit its scope, and an administrator holds one role alone."""
    if not _fits(role, scope):
        return GgzyError("grant.bad_scope", role=role.value, scope=scope)
    if held and (role in ADMINS or held & ADMINS):
        return GgzyError("grant.duties_apart", Kind.CONFLICT)
    return None


def may_rise(role: Role, *, registered: bool) -> GgzyError | None:
    """Who registered himself acts for parties alone: one administrator's word must not make him staff or more."""
    return GgzyError("grant.self_registered", Kind.CONFLICT) if registered and role not in PARTY_ROLES else None


def may_close(held: frozenset[Role]) -> GgzyError | None:
    """No administrator is shut out by another alone: his role is first taken by the security administrator."""
    return GgzyError("account.administrator", Kind.CONFLICT) if held & ADMINS else None


def may_see_users(actor: Actor) -> GgzyError | None:
    """The list of users and grants is for the three administrators; to others it does not exist."""
    return None if any(actor.holds(role) for role in ADMINS) else not_found("account")


def may_move_clock(actor: Actor) -> GgzyError | None:
    """A sandbox's clock is moved by the system administrator."""
    return None if actor.holds(Role.SYSTEM_ADMIN) else _refusal(actor)


def must_prove(roles: AbstractSet[Role], *, enrolled: bool) -> bool:
    """Tell whether a password is not enough: for roles that touch others' affairs, and for whoever has a factor."""
    return enrolled or not FACTOR_ROLES.isdisjoint(roles)


def must_confirm(assurance: Assurance) -> GgzyError | None:
    """What would outlast a stolen session (keys, factors, codes, the mail address) needs a proof of minutes ago."""
    return None if assurance.fresh else GgzyError(CONFIRM, Kind.UNAUTHENTICATED)


def may_enrol(assurance: Assurance, *, enrolled: bool) -> GgzyError | None:
    """A password alone adds the first factor, never a second one beside it."""
    if enrolled and not assurance.factor:
        return GgzyError("factor.required", Kind.UNAUTHENTICATED)
    return must_confirm(assurance)


def may_end_factor(assurance: Assurance, *, last: bool, needed: bool) -> GgzyError | None:
    """A factor is ended by who shows one; the last one only by people whose roles need none."""
    refusal = may_enrol(assurance, enrolled=True)
    return refusal or (GgzyError("factor.last", Kind.CONFLICT) if last and needed else None)


def must_be_person(actor: Actor) -> GgzyError | None:
    """Some things need somebody who is signed in."""
    return GgzyError("account.sign_in", Kind.UNAUTHENTICATED) if actor == ANONYMOUS else None


def _fits(role: Role, scope: str) -> bool:
    if role in PARTY_ROLES:
        return _PARTY.fullmatch(scope) is not None
    if role in STAFF or role is Role.SUPERVISOR:
        return scope == EVERYWHERE or _SITE.fullmatch(scope) is not None
    return scope == EVERYWHERE


def _refusal(actor: Actor) -> GgzyError:
    return must_be_person(actor) or GgzyError("account.not_your_duty", Kind.FORBIDDEN)
