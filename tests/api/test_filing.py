"""A trade filed whole, in short transactions: who asks meanwhile is told, who asks again gets what was filed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text, update

from api import filing, jobs
from api.wiring import Installation
from archive import trail
from archive.package import Item, Trade, completeness
from kernel import database
from kernel.actor import SYSTEM
from kernel.errors import GgzyError
from tests.archive.filing import FACTS
from tests.bidding import stage
from trading import lots
from trading.lot import State
from trading.tables import LotRow


@pytest.fixture
async def terminated(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A trade that was broken off, in the log; nothing but its entries is asked of its file."""
    monkeypatch.setattr("trading.dossier.required", lambda *_: ())
    async with installation.sessions.begin() as session:
        lot = await lots.facts(session, await stage.lot(session))
        await session.execute(update(LotRow).where(LotRow.id == lot.id).values(state=str(State.TERMINATED)))
        await trail.record(session, SYSTEM, "lot.terminated", {}, trade=lot.tender_id, entropy=installation.entropy)
    await jobs.sequence(installation)

    async def describe(*_: object, **__: object) -> Trade:
        return replace(FACTS, id=lot.tender_id, site=lot.site)

    async def nothing(*_: object) -> AsyncIterator[Item]:
        return
        yield

    monkeypatch.setattr("trading.dossier.describe", describe)
    monkeypatch.setattr("bidding.dossier.items", nothing)  # the stage's opening key has no transcript
    return lot.tender_id


async def test_a_trade_is_filed_once(installation: Installation, terminated: UUID) -> None:
    """Its lots are archived with the package, which is complete against the trail; nothing is left on the disk."""
    first = await filing.file_trade(SYSTEM, terminated, installation)
    assert await filing.file_trade(SYSTEM, terminated, installation) == first
    await jobs.sequence(installation)
    async with installation.sessions() as session:
        assert {lot.state for lot in (await lots.of_tenders(session, [terminated]))[terminated]} == {State.ARCHIVED}
        assert (await completeness.compare(session, SYSTEM, terminated)).complete
        filed = text("SELECT count(*) FROM event WHERE kind = 'trade.archived' AND trade = :trade")
        assert await session.scalar(filed, {"trade": terminated}) == 1
    assert list((installation.settings.data_dir / "packages").iterdir()) == []


async def test_who_asks_meanwhile_is_told(installation: Installation, terminated: UUID) -> None:
    """One filing of a trade runs at a time, whatever worker it runs in."""
    async with database.alone(installation.engine, f"filing {terminated}"):
        with pytest.raises(GgzyError, match=r"package\.under_way"):
            await filing.file_trade(SYSTEM, terminated, installation)


async def test_a_filing_that_fails_late_is_taken_up(
    installation: Installation, terminated: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last transaction fails: nothing is filed, no lot has moved; the next one files the bag that was built."""
    with monkeypatch.context() as broken:
        broken.setattr("trading.dossier.close", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await filing.file_trade(SYSTEM, terminated, installation)
    async with installation.sessions() as session:
        assert {lot.state for lot in (await lots.of_tenders(session, [terminated]))[terminated]} == {State.TERMINATED}
        assert await session.scalar(text("SELECT count(*) FROM package WHERE trade = :t"), {"t": terminated}) == 0
    (key,) = [key async for key in installation.store.keys(f"packages/{terminated}/")]
    assert (await filing.file_trade(SYSTEM, terminated, installation)).key == key
