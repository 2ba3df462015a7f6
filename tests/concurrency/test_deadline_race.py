"""Two hundred bidders finalise around the deadline: each is accepted exactly when its time is before it."""

import asyncio
import random
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from api import sandbox
from api.routes.bidding import desk
from api.wiring import Installation
from bidding import submissions
from bidding.submissions import Submission
from bidding.tables import BidRow
from kernel.actor import EVERYWHERE, Role
from kernel.clock import isoformat
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from trading import lots

BIDDERS = 200
BEFORE, SPREAD = timedelta(seconds=2), 4.0
PRICE_ONLY = [{"kind": "price", "stage": 1}]


async def upload_all(scene: Scene, people: list[stage.Person]) -> list[Submission]:
    """Seal and upload a bid for each bidder."""
    async with scene.installation.sessions.begin() as session:
        where = stage.target(await lots.facts(session, scene.lot_id), stage.custodians().key)
        ready = []
        for number, who in enumerate(people):
            sealed = stage.seal(who, where, scene.folder / f"{number}.sealed")
            opened = await stage.upload(session, scene.installation.store, who, scene.lot_id, sealed)
            ready.append(stage.submission(opened, sealed))
            sealed.path.unlink()
    return ready


async def finalise(scene: Scene, who: stage.Person, given: Submission, wait: float) -> datetime | str:
    """Return when the bid was received, or the time of arrival with which it was refused."""
    await asyncio.sleep(wait)
    try:
        async with scene.installation.sessions.begin() as session:
            taken = await submissions.receive(session, who.actor, scene.lot_id, given, desk=desk(scene.installation))
    except GgzyError as refusal:
        assert refusal.code == "bid.late"
        return str(refusal.params["arrived"])
    return taken.received_at


async def test_the_database_time_under_the_lock_decides(installation: Installation, tmp_path: Path) -> None:
    """Of 200 finalises around the deadline exactly those are bids whose database time is before it."""
    scene = await scenes.prepare(installation, tmp_path, envelopes=PRICE_ONLY)
    people = [stage.bidder(number) for number in range(BIDDERS)]
    ready = await upload_all(scene, people)
    async with installation.sessions.begin() as session:
        deadline = (await lots.facts(session, scene.lot_id)).deadline
        assert deadline is not None
        admin = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
        await sandbox.advance(session, admin, deadline - BEFORE, entropy=SystemEntropy())
    chance = random.Random(20261122)  # noqa: S311 - spreads requests, keeps no secret
    waits = [0.0, *(chance.uniform(0, SPREAD) for _ in range(BIDDERS - 2)), SPREAD]
    results = await asyncio.gather(
        *(finalise(scene, who, given, wait) for who, given, wait in zip(people, ready, waits, strict=True))
    )
    accepted = [one for one in results if isinstance(one, datetime)]
    late = [one for one in results if isinstance(one, str)]
    assert accepted
    assert late
    assert max(accepted) < deadline
    assert min(late) >= isoformat(deadline)
    async with installation.sessions() as session:
        rows = (await session.scalars(select(BidRow))).all()
    assert sorted(row.received_at for row in rows) == sorted(accepted)
    assert len({row.party for row in rows}) == len(accepted)
