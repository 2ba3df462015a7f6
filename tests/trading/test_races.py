"""Races with real commits: codes without doubles or gaps, one acceptance, one party, one main site, one key per lot."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.tables import EventRow
from kernel import database
from kernel.actor import SYSTEM
from kernel.database import Sessions
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.trading.conftest import COMMITMENT, PEOPLE, Stage, code, lot_draft, profile, tender_draft
from trading import amendments, lots, notices, parties, registration, sites
from trading.lot import State
from trading.sites import Plan

ENTROPY = SystemEntropy()


@pytest.fixture
async def ready(sessions: Sessions) -> Sessions:
    """A database of the test's own where sites and parties are committed."""
    async with sessions.begin() as session:
        await Stage(session, ENTROPY).prepare()
    return sessions


async def race(sessions: Sessions, works: list[Callable[[AsyncSession], Awaitable[Any]]]) -> list[Any]:
    """Run each work in a transaction of its own, all at once; refusals come back as values."""

    async def run(work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        try:
            async with sessions.begin() as session:
                return await work(session)
        except GgzyError as error:
            return error

    return await asyncio.gather(*(run(work) for work in works))


def refusals(answers: list[Any]) -> list[str]:
    """Return the codes of those refused."""
    return [answer.code for answer in answers if isinstance(answer, GgzyError)]


async def test_codes_have_neither_doubles_nor_gaps(ready: Sessions) -> None:
    """Twenty registrations at once get the numbers 1 to 20; one that rolls back leaves no gap."""

    async def abandoned(session: AsyncSession) -> None:
        await Stage(session, ENTROPY).register()
        raise GgzyError("test.abandoned")

    works = [lambda session: Stage(session, ENTROPY).register() for _ in range(20)]
    answers = await race(ready, [*works[:10], abandoned, *works[10:]])
    assert refusals(answers) == ["test.abandoned"]
    codes = sorted(answer.code for answer in answers if not isinstance(answer, GgzyError))
    assert [one[-4:] for one in codes] == [f"{number:04d}" for number in range(1, 21)]


async def test_two_acceptances_are_one(ready: Sessions) -> None:
    """Of many who accept at once one does; the others learn that it is done, and one event is written."""
    async with ready.begin() as session:
        stage = Stage(session, ENTROPY)
        tender = await stage.register()
        await stage.attach(tender)
        await stage.step(PEOPLE.agency, tender, "enter")
    works = [lambda session: Stage(session, ENTROPY).step(PEOPLE.acceptance, tender, "accept") for _ in range(8)]
    assert refusals(await race(ready, works)) == ["lot.wrong_state"] * 7
    async with ready() as session:
        assert {lot.state for lot in await lots.lock_all(session, tender.id)} == {State.ACCEPTED}
        events = await session.scalars(select(EventRow.kind).where(EventRow.kind == "tender.accepted"))
        assert len(events.all()) == 1


async def test_acceptance_and_return_exclude_each_other(ready: Sessions) -> None:
    """Accepting and returning at once end in one of the two for all lots alike."""
    async with ready.begin() as session:
        stage = Stage(session, ENTROPY)
        tender = await stage.register()
        await stage.attach(tender)
        await stage.step(PEOPLE.agency, tender, "enter")
    answers = await race(
        ready,
        [
            lambda session: Stage(session, ENTROPY).step(PEOPLE.acceptance, tender, "accept"),
            lambda session: Stage(session, ENTROPY).step(PEOPLE.acceptance, tender, "return", missing=["x"]),
        ],
    )
    assert refusals(answers) == ["lot.wrong_state"]
    async with ready() as session:
        assert len({lot.state for lot in await lots.lock_all(session, tender.id)}) == 1


async def test_lots_move_together_even_if_one_is_being_added(ready: Sessions) -> None:
    """Entering while a lot is added ends with all lots entered: none is left behind a draft."""
    draft = tender_draft(lots=(lot_draft(1), lot_draft(2), lot_draft(3)))
    for _ in range(5):
        async with ready.begin() as session:
            tender = await Stage(session, ENTROPY).register()
        await race(
            ready,
            [
                lambda session, one=tender: registration.amend(session, PEOPLE.agency, one.id, draft, entropy=ENTROPY),
                lambda session, one=tender: Stage(session, ENTROPY).step(PEOPLE.agency, one, "enter"),
            ],
        )
        async with ready() as session:
            assert {lot.state for lot in await lots.lock_all(session, tender.id)} == {State.ENTERED}


async def test_a_party_is_registered_once(ready: Sessions) -> None:
    """Of equal registrations at once one succeeds."""
    new = code(777)
    works = [
        lambda session: parties.register(session, PEOPLE.acceptance, new, profile(), COMMITMENT, entropy=ENTROPY)
        for _ in range(8)
    ]
    assert refusals(await race(ready, works)) == ["party.known"] * 7


async def test_amendments_of_a_party_follow_one_another(ready: Sessions) -> None:
    """Amendments at once give one revision each, none lost."""
    new = code(778)
    async with ready.begin() as session:
        await parties.register(session, PEOPLE.acceptance, new, profile(), COMMITMENT, entropy=ENTROPY)
    works = [
        lambda session, n=n: parties.amend(
            session, PEOPLE.acceptance, new, profile(f"名{n}"), COMMITMENT, entropy=ENTROPY
        )
        for n in range(6)
    ]
    answers = await race(ready, works)
    assert sorted(answer.revision for answer in answers) == [2, 3, 4, 5, 6, 7]


async def test_two_main_sites_cannot_be(ready: Sessions) -> None:
    """Established at once, a second main site is refused and equal branches are one."""
    plans = [Plan("110105", "朝阳", "main"), Plan("110106", "丰台", "branch"), Plan("110106", "丰台", "branch")]
    works = [lambda session, plan=plan: sites.establish(session, SYSTEM, plan, entropy=ENTROPY) for plan in plans]
    assert sorted(refusals(await race(ready, works))) == ["site.known", "site.second_main"]


async def test_a_key_goes_to_one_lot(ready: Sessions) -> None:
    """Two lots that are given one key at once: one gets it."""
    async with ready.begin() as session:
        tender = await Stage(session, ENTROPY).register()
    works = [lambda session, lot=lot: lots.assign_key(session, lot.id, b"k" * 32) for lot in tender.lots]
    assert refusals(await race(ready, works)) == ["lot.key_taken"]


async def test_numbers_of_notices_have_no_gaps(ready: Sessions) -> None:
    """Deadlines moved again and again at once: notices are numbered without gaps and the latest time stands."""
    async with ready.begin() as session:
        tender = await Stage(session, ENTROPY).announce()
        now = await database.now(session)
    works = [
        lambda session, lot=lot, days=days: amendments.move_deadline(
            session, PEOPLE.agency, lot.id, now + timedelta(days=days), "顺延", entropy=ENTROPY
        )
        for days in range(30, 36)
        for lot in tender.lots
    ]
    refused = refusals(await race(ready, works))
    assert set(refused) <= {"deadline.not_later"}
    async with ready() as session:
        told = await notices.of_tender(session, tender.id)
        assert [notice.number for notice in told] == list(range(1, len(works) - len(refused) + 2))
        assert {lot.deadline for lot in await lots.lock_all(session, tender.id)} == {now + timedelta(days=35)}


async def test_a_lot_read_under_its_lock_is_fresh(ready: Sessions) -> None:
    """Who waits for the lock sees what the other committed, even after having read the lot before."""
    async with ready.begin() as session:
        lot = (await Stage(session, ENTROPY).announce()).lots[0]
    async with ready.begin() as first, ready.begin() as second:
        assert not (await lots.facts(second, lot.id)).suspended
        await lots.move(first, PEOPLE.supervisor, lot.id, "suspend", reason="令", entropy=ENTROPY)
        waiting = asyncio.create_task(lots.lock(second, lot.id))
        await asyncio.sleep(0)
        await first.commit()
        assert (await waiting).suspended
