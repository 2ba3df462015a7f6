"""Self-registration: one form makes a person's account, registers the party and grants the role for it.

Entry is by notification and commitment (告知承诺), so nobody approves it. Further people of a party that is registered
are granted by the security administrator.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api import counting
from api.accounts import services
from kernel.actor import ANONYMOUS, PARTY_ROLES, Actor, Role, party
from kernel.database import Sessions
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading import parties
from trading.party import Commitment, Profile, check_code

TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_ADDRESS = 200


@dataclass(frozen=True, slots=True)
class Form:
    """The one form: the person (with the hash of their password), the role, the party and its commitment."""

    login: str
    name: str
    password_hash: str
    role: Role
    uscc: str
    profile: Profile
    commitment: Commitment


async def admit(sessions: Sessions, address: str) -> None:
    """Count a try from this address before anything is done for it; ``registration.too_many``."""
    async with sessions.begin() as session:
        tries = await counting.count(session, f"registration/@{address}", TRY_WINDOW)
    if tries > TRIES_PER_ADDRESS:
        raise GgzyError("registration.too_many", Kind.TOO_MANY, minutes=int(TRY_WINDOW.total_seconds() // 60))


async def register(session: AsyncSession, form: Form, *, entropy: Entropy) -> Actor:
    """Make account, party and grant; raises what `parties.register` raises, ``registration.bad_role``.

    Records ``account.made``, ``grant.given``, ``party.registered``.
    """
    if form.role not in PARTY_ROLES:
        raise GgzyError("registration.bad_role", role=form.role.value)
    check_code(form.uscc)
    user = await services.add(session, ANONYMOUS, form.login, form.name, form.password_hash, entropy=entropy)
    person = Actor(user.id, user.name)
    await services.give(session, person, user.id, form.role, party(form.uscc), entropy=entropy)
    person = await services.actor(session, user.id, proven=True)  # the form itself is what lets them in, this once
    await parties.register(session, person, form.uscc, form.profile, form.commitment, entropy=entropy)
    return person
