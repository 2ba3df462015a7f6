"""Races with real commits: two draws at once, two last reveals at once, two answers at once; one wins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from experts import draws, invitations, nonce, reveals
from experts.draws import Conditions
from kernel.database import Sessions
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.experts import scene as scenes
from tests.experts.scene import PEOPLE, QUOTAS, WITNESS

Work = Callable[[AsyncSession], Awaitable[object]]


async def attempt(sessions: Sessions, work: Work) -> str:
    """Do the work in a transaction of its own and return what came of it."""
    try:
        async with sessions.begin() as session:
            await work(session)
    except GgzyError as error:
        return error.code
    return "done"


async def test_two_draws_at_once(sessions: Sessions) -> None:
    """Of twenty who prepare a draw for one lot at the same time, one does."""
    async with sessions.begin() as session:
        scene = await scenes.build(session)
    entropy = SystemEntropy()

    async def prepare(session: AsyncSession) -> object:
        return await draws.prepare(session, WITNESS, scene.lot_id, Conditions(QUOTAS), entropy=entropy)

    results = await asyncio.gather(*(attempt(sessions, prepare) for _ in range(20)))
    assert sorted(results) == ["done", *["draw.already_open"] * 19]
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM draw")) == 1


async def test_the_last_reveals_at_once_draw_once(sessions: Sessions) -> None:
    """All three reveal at the same time, each several times: every nonce is taken once and the draw is made once."""
    async with sessions.begin() as session:
        scene = await scenes.build(session)
        draw = await scene.prepare()
        await scene.commit(draw)
        await scene.sequence()
        draw = await draws.fix(session, WITNESS, draw.id, entropy=scene.entropy)
    entropy = SystemEntropy()

    def reveal(role: str) -> Work:
        actor, device = PEOPLE[role]
        message = nonce.reveal(draw.id, scene.nonces[role], draw.seed(), device)
        return lambda session: reveals.reveal(session, actor, draw.id, message, entropy=entropy)

    results = await asyncio.gather(*(attempt(sessions, reveal(role)) for role in PEOPLE for _ in range(4)))
    assert results.count("done") == 3
    assert set(results) <= {"done", "draw.revealed", "draw.wrong_step"}
    async with sessions() as session:
        kinds = "SELECT count(*) FROM event WHERE kind = 'draw.drawn'"
        assert await session.scalar(text(kinds)) == 1
        assert await session.scalar(text("SELECT count(*) FROM draw_call")) == 5


async def test_answers_and_timeouts_at_once(sessions: Sessions) -> None:
    """Five decline while time-outs run: each call is settled once, and five others are called, nobody twice."""
    async with sessions.begin() as session:
        scene = await scenes.build(session)
        draw = await scene.drawn(answer_minutes=2)
        called = await scene.called(draw)
    entropy = SystemEntropy()

    def decline(number: int) -> Work:
        told = {"accept": False, "reason": "出差", "entropy": entropy}
        return lambda session: invitations.answer(session, called[number], draw.id, **told)  # type: ignore[arg-type]

    work = [decline(number) for number in range(5) for _ in range(3)]
    results = await asyncio.gather(*(attempt(sessions, one) for one in work))
    assert results.count("done") == 5
    assert set(results) == {"done", "draw.answered"}
    async with sessions.begin() as session:
        await scenes.pass_time(session, timedelta(minutes=5))
    expire: Work = lambda session: invitations.expire(session, draw.id, entropy=entropy)  # noqa: E731 - a value
    await asyncio.gather(*(attempt(sessions, expire) for _ in range(4)))
    async with sessions() as session:
        states = await session.execute(text("SELECT state, count(*) FROM draw_call GROUP BY state"))
        assert dict(states.all()) == {"declined": 5, "timed_out": 5, "invited": 5}
