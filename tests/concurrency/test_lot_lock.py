"""Bidders hold a lot together; what opens, suspends or moves it has the lot for itself, and is never kept waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from api.routes.bidding import desk
from api.wiring import Installation
from archive.timestamp import Authority
from bidding import statement, submissions, withdrawal
from bidding.submissions import Bid, Submission
from bidding.tables import WITHDRAWAL
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.concurrency.test_deadline_race import PRICE_ONLY, upload_all
from trading import lots

BIDDERS = 6


class SlowAuthority:
    """An authority that stamps nobody before so many stand at its counter at once."""

    def __init__(self, authority: Authority, together: int) -> None:
        """Wrap a real authority."""
        self.authority, self.barrier = authority, asyncio.Barrier(together)

    async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
        """Wait for the others, then stamp."""
        async with asyncio.timeout(20):
            await self.barrier.wait()
        return await self.authority.stamp(digest, at=at)


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """A lot that is announced and wants one envelope."""
    return await scenes.prepare(installation, tmp_path, envelopes=PRICE_ONLY)


async def hand_in(scene: Scene, who: stage.Person, given: Submission, authority: Authority) -> Bid | str:
    """Finalise with this authority; return the bid or the code of its refusal."""
    counter = replace(desk(scene.installation), authority=authority)
    try:
        async with scene.installation.sessions.begin() as session:
            return await submissions.receive(session, who.actor, scene.lot_id, given, desk=counter)
    except GgzyError as refusal:
        return refusal.code


async def test_bidders_do_not_wait_for_each_others_receipts(scene: Scene) -> None:
    """A slow authority stamps nobody before all bidders stand at its counter at once, and all are taken."""
    people = [stage.bidder(number) for number in range(BIDDERS)]
    ready = await upload_all(scene, people)
    slow = SlowAuthority(scene.installation.authority, BIDDERS)
    taken = await asyncio.gather(*(hand_in(scene, who, one, slow) for who, one in zip(people, ready, strict=True)))
    assert all(isinstance(one, Bid) for one in taken)


async def test_one_bidder_has_one_live_bid_however_many_hands_send_it(scene: Scene) -> None:
    """Two first bids of one bidder at once: one is taken, the other is told that there is one already."""
    who = stage.bidder(0)
    ready = [*await upload_all(scene, [who]), *await upload_all(scene, [who])]
    taken = await asyncio.gather(*(hand_in(scene, who, one, scene.installation.authority) for one in ready))
    assert [one for one in taken if isinstance(one, str)] == ["bid.replaces_other"]


async def test_whoever_changes_the_lot_waits_for_bids_in_hand_and_not_for_later_ones(scene: Scene) -> None:
    """A change waits for a bid in hand; a bid that comes meanwhile waits behind the change and sees what it did."""
    order: list[str] = []
    first, second = asyncio.Event(), asyncio.Event()
    bidder = stage.bidder(0)

    async def bid(name: str, until: asyncio.Event | None) -> None:
        async with scene.installation.sessions.begin() as session:
            lot = await submissions.hold(session, scene.lot_id, name)
            order.append(f"{name} {'suspended' if lot.suspended else 'open'}")
            if until is not None:
                await until.wait()

    async def suspend() -> None:
        async with scene.installation.sessions.begin() as session:
            await lots.lock(session, scene.lot_id)
            await session.execute(text("UPDATE lot SET suspended = true WHERE id = :id"), {"id": scene.lot_id})
            order.append("change")

    tasks = [asyncio.create_task(bid(bidder.actor.name, first))]
    await waiting(lambda: has(order, 1))
    tasks.append(asyncio.create_task(suspend()))
    await waiting(lambda: queued(scene, 1))
    tasks.append(asyncio.create_task(bid("late", second)))
    await waiting(lambda: queued(scene, 2))
    first.set()
    second.set()
    await asyncio.gather(*tasks)
    assert order == [f"{bidder.actor.name} open", "change", "late suspended"]


async def test_a_withdrawal_and_another_bid_of_one_bidder_exclude_each_other(scene: Scene) -> None:
    """Another bid that names no predecessor is taken only once the first one is withdrawn, whenever it comes."""
    who, authority = stage.bidder(0), scene.installation.authority
    taken = await hand_in(scene, who, (await upload_all(scene, [who]))[0], authority)
    assert isinstance(taken, Bid)
    again = (await upload_all(scene, [who]))[0]
    said = withdrawal_of(who, taken)

    async def withdraw() -> str:
        try:
            async with scene.installation.sessions.begin() as session:
                await withdrawal.withdraw(session, who.actor, taken.id, said, desk=desk(scene.installation))
        except GgzyError as refusal:
            return refusal.code
        return "withdrawn"

    first, second = await asyncio.gather(withdraw(), hand_in(scene, who, again, authority))
    assert first == "withdrawn"
    assert second == "bid.replaces_other" or isinstance(second, Bid)


def withdrawal_of(who: stage.Person, bid: Bid) -> bytes:
    """What the bidder signs to withdraw."""
    return statement.write(
        WITHDRAWAL, who.device, lot=bid.lot_id, bid=bid.id, receipt=bid.receipt.digest, deadline=bid.deadline
    )


async def has(order: list[str], number: int) -> bool:
    """Tell whether so much has happened."""
    return len(order) == number


async def queued(scene: Scene, number: int) -> bool:
    """Tell whether so many wait at a gate."""
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with scene.installation.sessions() as session:
        return bool((await session.execute(query)).scalar_one() == number)


async def waiting(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in PostgreSQL
            await asyncio.sleep(0.01)
