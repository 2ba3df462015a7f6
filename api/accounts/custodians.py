"""Who could be a custodian: people with one of the three roles for a site or a purchaser, for whoever appoints them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import Account, AccountGrant, DeviceKey
from bidding import keymaking_policy as policy
from kernel.actor import EVERYWHERE, Actor, Role, party, site
from kernel.errors import permit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person with the role in which they would take part; without a device key (None) they cannot."""

    user_id: UUID
    name: str
    role: Role
    device_key: bytes | None


async def candidates(session: AsyncSession, actor: Actor, place: str, purchaser: str) -> list[Candidate]:
    """Return the people whom the witness staff of a site may appoint for a purchaser's keys, by role and name.

    Raises ``ceremony.not_the_witness``.
    """
    permit(policy.may_appoint(actor, place))
    scopes = {Role.WITNESS: site(place), Role.SUPERVISOR: site(place), Role.PURCHASER: party(purchaser)}
    wanted = [(str(role), scope) for role, own in scopes.items() for scope in (own, EVERYWHERE)]
    query = (
        select(Account.id, Account.name, AccountGrant.role, DeviceKey.public_key)
        .join(AccountGrant, AccountGrant.user_id == Account.id)
        .outerjoin(DeviceKey, (DeviceKey.user_id == Account.id) & DeviceKey.revoked_at.is_(None))
        .where(
            AccountGrant.revoked_at.is_(None),
            Account.disabled_at.is_(None),
            tuple_(AccountGrant.role, AccountGrant.scope).in_(wanted),
        )
        .distinct()
        .order_by(Account.name, Account.id)
    )
    order = list(policy.ROLES)
    found = [Candidate(one.id, one.name, Role(one.role), one.public_key) for one in await session.execute(query)]
    return sorted(found, key=lambda one: order.index(one.role))
