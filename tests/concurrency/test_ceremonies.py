"""Custodians and lots at once, with real commits: nothing is lost, nothing happens twice."""

import asyncio
from typing import Any

from bidding import ceremony, keymaking, rounds, transcript
from kernel.actor import ANONYMOUS
from kernel.database import Sessions
from kernel.entropy import SeededEntropy, SystemEntropy
from kernel.errors import GgzyError
from tests.bidding.ceremonies import begin, draft_lot, finish, kinds


async def commit(sessions: Sessions, call: Any, *arguments: Any) -> Any:
    """Run a service in a transaction of its own."""
    async with sessions() as own, own.begin():
        return await call(own, *arguments, entropy=SystemEntropy())


async def test_custodians_post_at_once(sessions: Sessions) -> None:
    """Whoever is last in real concurrency advances the round: nothing is lost, and exactly one transcript is made."""
    async with sessions() as own, own.begin():
        cast = await begin(own)
    table, identity = cast.table, cast.ceremony.id
    deals = table.deals()
    posts = [(one.actor, identity, data) for one, data in zip(cast.people, deals, strict=True)]
    await asyncio.gather(*(commit(sessions, rounds.deal, *post) for post in posts * 2))
    async with sessions() as own:
        given = await rounds.deals(own, cast.people[0].actor, identity)
    assert given == deals
    received = [keymaking.receive(table.setup, device, given) for device in table.devices]
    certified = [
        (one.actor, identity, transcript.certify(table.setup, got, one.device))
        for one, got in zip(cast.people, received, strict=True)
    ]
    await asyncio.gather(*(commit(sessions, rounds.certify, *post) for post in certified * 2))
    async with sessions() as own:
        assert (await ceremony.find(own, ANONYMOUS, identity)).state == "finished"
        happened = await kinds(own)
    assert [happened.count(kind) for kind in ("key_ceremony.dealt", "opening_key.made")] == [3, 1]


async def test_one_custodian_posts_two_deals_at_once(sessions: Sessions) -> None:
    """Of two different deals of one device sent at once exactly one is stored."""
    async with sessions() as own, own.begin():
        cast = await begin(own)
    one = cast.people[0]
    deals = [keymaking.deal(cast.table.setup, one.device, SeededEntropy(seed)) for seed in (b"1", b"2")]
    posting = [commit(sessions, rounds.deal, one.actor, cast.ceremony.id, data) for data in deals]
    outcomes = await asyncio.gather(*posting, return_exceptions=True)
    lost = [outcome for outcome in outcomes if isinstance(outcome, GgzyError)]
    assert [error.code for error in lost] == ["ceremony.already_posted"]


async def test_lots_take_keys_at_once(sessions: Sessions) -> None:
    """Three lots and two keys at the same moment: two lots get one each, the third is told that none is free."""
    async with sessions() as own, own.begin():
        cast = await begin(own)
        await finish(own, cast)
        lots = [await draft_lot(own) for _ in range(3)]
    taking = [commit(sessions, ceremony.assign, cast.people[0].actor, lot) for lot in lots]
    outcomes = await asyncio.gather(*taking, return_exceptions=True)
    keys = {outcome.key_hash for outcome in outcomes if not isinstance(outcome, BaseException)}
    errors = [outcome.code for outcome in outcomes if isinstance(outcome, GgzyError)]
    assert (len(keys), errors) == (2, ["opening_key.none_free"])
