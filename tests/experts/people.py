"""A committee on a real installation: accounts and devices for the people of a panel, and files in their bids."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from nacl.signing import SigningKey
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.tables import Account, AccountGrant, DeviceKey
from api.wiring import Installation
from bidding.tables import OpenedFileRow
from experts.rounds import Draw
from kernel.actor import Actor
from kernel.database import now
from kernel.entropy import new_id
from tests.conftest import Someone
from tests.experts import opened, scene
from tests.experts.opened import Panel
from tests.experts.scene import Scene
from trading import files

OFFICERS = {actor.user_id: device for actor, device in scene.PEOPLE.values()}


async def panel(installation: Installation, *, ready: bool = True, **scheme: object) -> Panel:
    """Commit a committee over three opened bids, declared and at work if `ready`; its people can sign in."""
    async with installation.sessions.begin() as session:
        made = await (opened.panel if ready else opened.assembled)(session, installation.signer, **scheme)
        await enrol(session, installation, [*made.members, *(actor for actor, _ in scene.PEOPLE.values())])
    return made


async def drawn(installation: Installation) -> tuple[Scene, Draw]:
    """Commit a draw whose experts are called, with accounts for all who have a part in it."""
    async with installation.sessions.begin() as session:
        made = await scene.build(session, signer=installation.signer)
        draw = await made.drawn()
        await enrol(session, installation, [*(await made.called(draw)), *(one for one, _ in scene.PEOPLE.values())])
    return made, draw


async def enrol(session: AsyncSession, installation: Installation, people: Iterable[Actor]) -> None:
    """Give people accounts, roles and device keys under the very ids that they have."""
    moment = await now(session) - timedelta(days=1)
    for actor in people:
        login = f"p{actor.user_id.hex[-12:]}"
        row = {"id": actor.user_id, "login": login, "name": actor.name, "password": "!", "made_at": moment}
        await session.execute(insert(Account).values(**row))
        for grant in actor.grants:
            given = {"id": new_id(installation.entropy), "user_id": actor.user_id, "role": grant.role.value}
            await session.execute(insert(AccountGrant).values(**given, scope=grant.scope, granted_at=moment))
        key = {"public_key": actor.device_key, "user_id": actor.user_id, "enrolled_at": moment}
        await session.execute(insert(DeviceKey).values(**key))


def someone(actor: Actor) -> Someone:
    """Return a person of the panel as tests sign them in."""
    return Someone(actor, {}, device_of(actor.user_id))


def device_of(user: UUID) -> SigningKey:
    """Return the device key of a member or an officer."""
    return OFFICERS.get(user) or scene.device_of(user)


async def attach(installation: Installation, bid: UUID, name: str, content: bytes, *, kind: str, position: int) -> None:
    """Put a file into an opened bid, as extraction leaves it."""
    digest = hashlib.sha256(content).digest()

    async def chunks() -> object:
        yield content

    await installation.store.put(files.key(digest), chunks(), len(content))  # type: ignore[arg-type]
    async with installation.sessions.begin() as session:
        # the panel's openings are a record alone, without the envelopes behind it: the foreign keys rest
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        session.add(
            OpenedFileRow(bid_id=bid, kind=kind, position=position, name=name, size=len(content), sha256=digest)
        )
