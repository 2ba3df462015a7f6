"""Whose turn it is in a draw: each party's next step, and custodians asked only for what is withheld after its time."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import ceremony
from experts import participation
from kernel.actor import ANONYMOUS, Actor, Grant, Role, party
from kernel.errors import GgzyError
from tests.experts import scene as scenes
from tests.experts.scene import PURCHASER, SUPERVISOR, WITNESS


async def steps(session: AsyncSession, *people: Actor) -> list[tuple[str, tuple[str, ...]]]:
    """Return everybody's step and roles in the one draw under way."""
    parts = [(await participation.mine(session, one))[0] for one in people]
    return [(one.step, one.roles) for one in parts]


async def test_each_party_is_asked_for_its_own_next_step(session: AsyncSession) -> None:
    """Commit, wait for the others, reveal, wait: each for their own side; when it is drawn nobody is asked any more."""
    scene = await scenes.build(session)
    draw = await scene.prepare()
    assert await steps(session, WITNESS, PURCHASER) == [("commit", ("centre",)), ("commit", ("purchaser",))]
    await scene.commit(draw, "centre")
    assert await steps(session, WITNESS, SUPERVISOR) == [("wait", ("centre",)), ("commit", ("supervisor",))]
    await scene.commit(draw, "purchaser", "supervisor")
    await scene.sequence()
    await scenes.draws.fix(session, WITNESS, draw.id, entropy=scene.entropy)
    await scene.reveal(draw, "purchaser")
    assert await steps(session, WITNESS, PURCHASER) == [("reveal", ("centre",)), ("wait", ("purchaser",))]
    await scene.reveal(draw, "centre", "supervisor")
    assert await participation.mine(session, WITNESS) == []


async def test_custodians_are_asked_after_the_release_time(session: AsyncSession) -> None:
    """Who holds a share of the lot's key helps to open what is withheld, once its time has come and not before."""
    scene = await scenes.build(session)
    draw = await scene.fixed(release_minutes=1)
    await scene.reveal(draw, "centre", "purchaser")
    custodian = (await _custodians(session, scene))[0]
    assert (await participation.find(session, custodian, draw.id)).step == "wait"
    await scenes.pass_time(session, timedelta(minutes=2))
    part = await participation.find(session, custodian, draw.id)
    assert (part.step, part.withheld) == ("recover", ("supervisor",))


async def test_a_draw_does_not_exist_for_others(session: AsyncSession) -> None:
    """Strangers and other purchasers find no draw, by list or by id."""
    scene = await scenes.build(session)
    draw = await scene.prepare()
    other = Actor(ANONYMOUS.user_id, "别家", frozenset({Grant(Role.PURCHASER, party("91152502MA0N7E8T0X"))}))
    assert await participation.mine(session, other) == []
    with pytest.raises(GgzyError, match=r"draw\.not_found"):
        await participation.find(session, other, draw.id)


async def _custodians(session: AsyncSession, scene: scenes.Scene) -> list[Actor]:
    """Return the custodians of the lot's key as people without any role here."""
    key = await ceremony.of_lot(session, scene.lot_id)
    return [Actor(ANONYMOUS.user_id, one.name, frozenset(), bytes.fromhex(one.device_key)) for one in key.custodians]
