"""Taking experts in and keeping them."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from experts import pool
from experts.tables import ExpertRow
from kernel.actor import ANONYMOUS, SYSTEM
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.experts import cast
from trading import sites

PEPPER = b"p" * 32


@pytest.fixture
async def ready(session: AsyncSession, entropy: SeededEntropy) -> AsyncSession:
    """A session with the platform's sites."""
    await sites.seed(session, SYSTEM, sites.shipped(), entropy=entropy)
    return session


async def test_every_row_becomes_an_expert(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """A good file is taken in whole; the 身份证号 is nowhere in the table."""
    data = cast.table([cast.row(n) for n in range(30)])
    done = await pool.import_file(ready, cast.SUPERVISOR, data, pepper=PEPPER, entropy=entropy)
    assert done.count == 30
    assert await pool.size(ready) == 30
    dump = "".join(str(r) for r in (await ready.execute(text("SELECT expert::text FROM expert"))).scalars())
    assert cast.resident(3) not in dump
    assert "专家3" in dump


async def test_a_file_with_a_mistake_leaves_nothing(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """Duplicates within the file and against the pool are told by row, and nobody is taken in."""
    await pool.import_file(ready, cast.SUPERVISOR, cast.table([cast.row(1)]), pepper=PEPPER, entropy=entropy)
    data = cast.table([cast.row(2), cast.row(1)])
    with pytest.raises(GgzyError, match=r"pool\.bad_file") as caught:
        await pool.import_file(ready, cast.SUPERVISOR, data, pepper=PEPPER, entropy=entropy)
    assert caught.value.params["problems"] == [{"row": 3, "column": "身份证号", "problem": "already_in_pool"}]
    assert await pool.size(ready) == 1


async def test_only_supervisors_see_the_pool(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """To those who draw, the pool does not exist."""
    for actor in (ANONYMOUS, cast.WITNESS):
        with pytest.raises(GgzyError, match=r"pool\.not_found"):
            await pool.page(ready, actor)
        with pytest.raises(GgzyError, match=r"pool\.not_found"):
            await pool.import_file(ready, actor, b"", pepper=PEPPER, entropy=entropy)


async def test_changes_have_reasons_and_stay(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """Training, suspension, penalty and clear-out need a reason, and their history cannot be rewritten."""
    await pool.import_file(ready, cast.SUPERVISOR, cast.table([cast.row(1)]), pepper=PEPPER, entropy=entropy)
    expert = (await pool.page(ready, cast.SUPERVISOR))[0]
    told: dict[str, Any] = {"entropy": entropy}
    with pytest.raises(GgzyError, match=r"pool\.no_reason"):
        await pool.suspend(ready, cast.SUPERVISOR, expert.id, " ", **told)
    await pool.suspend(ready, cast.SUPERVISOR, expert.id, "未按时参加评标", **told)
    assert await pool.size(ready) == 0
    await pool.reinstate(ready, cast.SUPERVISOR, expert.id, "申诉成立", **told)
    await pool.train(ready, cast.SUPERVISOR, expert.id, date(2031, 1, 1), "年度培训", **told)
    await pool.penalize(ready, cast.SUPERVISOR, expert.id, "违规打分", **told)
    ready.expire_all()
    after = await pool.get(ready, cast.SUPERVISOR, expert.id)
    assert (after.state, after.penalized, after.trained_until) == ("active", True, date(2031, 1, 1))
    with pytest.raises(IntegrityError):
        await ready.execute(text("UPDATE expert_state SET reason = ''"))


async def test_an_account_belongs_to_one_expert(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """Two experts cannot answer through one account."""
    await pool.import_file(
        ready, cast.SUPERVISOR, cast.table([cast.row(n) for n in (1, 2)]), pepper=PEPPER, entropy=entropy
    )
    first, second = await pool.page(ready, cast.SUPERVISOR)
    await pool.link(ready, cast.SUPERVISOR, first.id, cast.WITNESS.user_id, entropy=entropy)
    with pytest.raises(GgzyError, match=r"pool\.account_taken"):
        await pool.link(ready, cast.SUPERVISOR, second.id, cast.WITNESS.user_id, entropy=entropy)


async def test_a_large_file_is_taken_whole(ready: AsyncSession, entropy: SeededEntropy) -> None:
    """Twenty thousand rows go in by COPY and every one arrives."""
    data = cast.table([cast.row(n) for n in range(20_000)])
    await pool.import_file(ready, cast.SUPERVISOR, data, pepper=PEPPER, entropy=entropy)
    count = await ready.scalar(select(func.count()).select_from(ExpertRow))
    assert count == 20_000
