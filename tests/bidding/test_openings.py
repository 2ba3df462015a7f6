"""Openings: after the deadline, by k of n, one verdict per envelope, nothing twice, whatever breaks in between."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from api import openings as work
from api.wiring import Installation
from archive import timestamp
from bidding import extraction, openings, quorum, record
from bidding.payload import FilePlan
from bidding.tables import BidRow, EntryRow, OpenedFileRow, PartRow, VerdictRow
from bidding.uploads import part_key
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError, Kind
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from trading import lots
from trading.lot import State
from trading.tables import LotRow

TWO_STAGES = [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 2}]


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """A lot that is announced."""
    return await scenes.prepare(installation, tmp_path)


async def state(scene: Scene) -> str:
    """The lot's state."""
    async with scene.installation.sessions() as session:
        return (await lots.facts(session, scene.lot_id)).state


async def test_two_of_three_open_all_bids(scene: Scene) -> None:
    """With two of three custodians every form is read, the record is stamped, and the lot is opened."""
    for number in range(3):
        await scene.hand_in(number, f"98000{number}.00")
    await scene.pass_deadline()
    begun = await scene.begin()
    assert (begun.state, begun.envelopes, begun.decided, begun.custodians) == ("began", 6, 0, ())
    await scene.quorum()
    done = await scene.proceed()
    assert (done.state, done.decided, done.custodians) == ("finished", 6, (1, 3))
    said = await scene.record()
    prices = [one["form"]["price"] for bid in said["bids"] for one in bid["envelopes"] if one["kind"] == "price"]
    assert prices == ["980000.00", "980001.00", "980002.00"]
    assert [one["index"] for one in said["custodians"]] == [1, 3]
    assert await state(scene) == "opened"
    async with scene.installation.sessions() as session:
        stamped = await record.find(session, scene.lot_id, 1)
    timestamp.verify(stamped.token, hashlib.sha256(stamped.content).digest(), scene.installation.chain_pem)


async def test_fewer_than_three_bids_are_not_opened(scene: Scene) -> None:
    """With two bids the lot fails, nothing is opened, nothing is asked (招标投标法 第二十八条)."""
    await scene.hand_in(0)
    await scene.hand_in(1)
    await scene.pass_deadline()
    assert (await scene.begin()).state == "failed"
    assert await state(scene) == "failed"
    with pytest.raises(GgzyError, match=r"opening\.not_found"):
        await scene.request()


async def test_not_before_the_deadline_and_not_by_others(scene: Scene) -> None:
    """Nobody begins early; bidders, custodians and staff of other sites never; and early shares are refused."""
    for number in range(3):
        await scene.hand_in(number)
    with pytest.raises(GgzyError, match=r"opening\.too_early"):
        await scene.begin()
    with pytest.raises(GgzyError, match=r"shares\.too_early"):
        await scene.give(b"{}", 1)
    await scene.pass_deadline()
    async with scene.installation.sessions() as session:
        for who in (stage.bidder(0).actor, stage.person("witness", "site:152525", "other").actor):  # type: ignore[arg-type]
            with pytest.raises(GgzyError, match=r"opening\.not_the_witness"):
                await openings.begin(session, who, scene.lot_id, 1, entropy=SystemEntropy())


async def test_a_lot_that_is_not_announced_tells_nobody_its_deadline(scene: Scene) -> None:
    """Whoever has a device and a draft's id learns nothing, not even that there is a deadline."""
    async with scene.installation.sessions() as session:
        with pytest.MonkeyPatch.context() as unannounced:
            found = replace(await lots.facts(session, scene.lot_id), state=State.ACCEPTED)
            unannounced.setattr(lots, "facts", AsyncMock(return_value=found))
            with pytest.raises(GgzyError, match=r"opening\.not_found"):
                await quorum.take(session, stage.bidder(0).actor, scene.lot_id, 1, b"{}")


async def test_one_custodian_is_not_enough(scene: Scene) -> None:
    """With one custodian's shares nothing opens; the second one's open everything."""
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    stamped = await scene.request()
    await scene.give(scene.answer(stamped, 2), 2)
    assert (await scene.proceed()).decided == 0
    await scene.give(scene.answer(stamped, 2), 2)
    assert (await scene.proceed()).decided == 0
    await scene.give(scene.answer(stamped, 3), 3)
    assert (await scene.proceed()).state == "finished"


async def test_a_bad_share_names_its_custodian_and_keeps_nothing(scene: Scene) -> None:
    """A share that does not fit is refused with its custodian's number; the good ones go on."""
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    stamped = await scene.request()
    lying = replace(scene.made, shares={**scene.made.shares, 2: scene.made.shares[1]})
    bad = replace(scene, made=lying).answer(stamped, 2)
    with pytest.raises(GgzyError) as refused:
        await scene.give(bad, 2)
    assert refused.value.code == "shares.bad_share"
    assert refused.value.params["custodian"] == 2
    await scene.give(scene.answer(stamped, 1), 1)
    await scene.give(scene.answer(stamped, 3), 3)
    assert (await scene.proceed()).custodians == (1, 3)


async def test_outsiders_take_no_part(scene: Scene) -> None:
    """Who holds no share of this key neither gets the request nor gives shares; the record is not there yet."""
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    stamped = await scene.request()
    outsider = stage.bidder(5).actor
    async with scene.installation.sessions() as session:
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await quorum.request(session, outsider, scene.lot_id, 1, authority=scene.installation.authority)
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await quorum.take(session, outsider, scene.lot_id, 1, scene.answer(stamped, 1))
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await openings.find(session, outsider, scene.lot_id, 1, taking_part=True)
        assert (await openings.find(session, outsider, scene.lot_id, 1)).state == "began"  # it is held openly
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await record.find(session, scene.lot_id, 1)


async def test_one_bad_bid_stops_nobody(scene: Scene) -> None:
    """An envelope whose stored bytes were changed is rejected with a code; the other bids are opened."""
    bids = [await scene.hand_in(number) for number in range(4)]
    await spoil(scene, bids[1], "price")
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    assert (await scene.proceed()).state == "finished"
    outcomes = {
        (UUID(bid["bid"]), one["kind"]): (one["outcome"], one["code"])
        for bid in (await scene.record())["bids"]
        for one in bid["envelopes"]
    }
    assert outcomes.pop((bids[1], "price")) == ("rejected", "bid.bad_record")
    assert set(outcomes.values()) == {("opened", None)}


async def spoil(scene: Scene, bid_id: UUID, kind: str, at: int = 100) -> None:
    """Change one byte of a bid's stored envelope behind the platform's back."""
    async with scene.installation.sessions() as session:
        upload_id = await session.scalar(select(BidRow.upload_id).where(BidRow.id == bid_id))
        assert upload_id is not None
        query = select(PartRow.root).where(PartRow.upload_id == upload_id, PartRow.kind == kind)
        root = (await session.scalars(query)).one()
    store, key = scene.installation.store, part_key(upload_id, root)
    data = bytearray(b"".join([piece async for piece in store.get(key)]))
    data[at] ^= 1
    await store.put(key, stage.chunks(bytes(data)))


async def test_a_store_that_does_not_answer_is_no_verdict(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store fails, the opening waits; later it goes on where it was, and nothing was opened twice."""
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    store, calls = type(scene.installation.store), 0
    real = store.get

    def failing(self: Any, key: str, offset: int = 0, length: int | None = None) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise GgzyError("store.unavailable", Kind.UNAVAILABLE)
        return real(self, key, offset, length)

    with monkeypatch.context() as patch:
        patch.setattr(store, "get", failing)
        with pytest.raises(GgzyError, match=r"store\.unavailable"):
            await scene.proceed()
    async with scene.installation.sessions() as session:
        before = {row.bid_id: row.made_at for row in await session.scalars(select(VerdictRow))}
        assert len(before) > 0
    await work.resume(scene.installation)
    async with scene.installation.sessions() as session:
        after = {(row.bid_id, row.kind): row for row in await session.scalars(select(VerdictRow))}
    assert len(after) == 6
    assert all(row.outcome == "opened" for row in after.values())
    assert await state(scene) == "opened"


async def test_two_who_open_do_the_work_of_one(scene: Scene) -> None:
    """Two openings at once, with real commits: one list, one verdict per envelope, one record."""
    for number in range(4):
        await scene.hand_in(number)
    await scene.pass_deadline()
    first, second = await asyncio.gather(scene.begin(), scene.begin())
    assert first.id == second.id
    await scene.quorum()
    await asyncio.gather(*(scene.proceed() for _ in range(4)))
    assert (await scene.proceed()).state == "finished"
    async with scene.installation.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(EntryRow)) == 8
        assert await session.scalar(select(func.count()).select_from(VerdictRow)) == 8


async def test_files_come_out_whole_and_once(scene: Scene) -> None:
    """Every file of an opened envelope lies in the store under its SHA-256; doing it again changes nothing."""
    drawing = scene.folder / "图纸.bin"
    drawing.write_bytes(bytes(range(256)) * 40_000)
    empty = scene.folder / "空.txt"
    empty.write_bytes(b"")
    plans = (FilePlan(drawing, "图纸.bin", "application/octet-stream"), FilePlan(empty, "空.txt", "text/plain"))
    bids = [await scene.hand_in(number, files={"technical": plans} if number == 0 else None) for number in range(3)]
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    await scene.proceed()
    assert await work.extract(scene.installation, scene.lot_id, 1) == 6
    assert await work.extract(scene.installation, scene.lot_id, 1) == 0
    async with scene.installation.sessions() as session:
        found = await extraction.list_files(session, stage.witness().actor, bids[0])
        assert [(file.name, file.size) for file in found] == [("图纸.bin", 10_240_000), ("空.txt", 0)]
        assert found[0].sha256 == hashlib.sha256(drawing.read_bytes()).digest()
        content = b"".join([piece async for piece in extraction.content(scene.installation.store, found[0])])
        assert content == drawing.read_bytes()
        for other in (stage.bidder(1).actor, stage.person("expert", "*", "expert").actor):  # type: ignore[arg-type]
            with pytest.raises(GgzyError, match=r"bid\.not_found"):
                await extraction.list_files(session, other, bids[0])
        expert = stage.person("expert", "*", "member").actor  # type: ignore[arg-type]
        assert await extraction.list_files(session, expert, bids[0], frozenset({expert.user_id})) == found
        assert await extraction.list_files(session, stage.bidder(0).actor, bids[0]) == found


async def test_a_tampered_body_gives_no_files(scene: Scene) -> None:
    """An envelope whose form is authentic but whose later bytes are not gives a code and no file at all."""
    drawing = scene.folder / "a.bin"
    drawing.write_bytes(b"a" * 3_000_000)
    plans = (FilePlan(drawing, "a.bin", "application/octet-stream"),)
    bids = [await scene.hand_in(number, files={"technical": plans}) for number in range(3)]
    await spoil(scene, bids[2], "technical", at=2_500_000)
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    assert (await scene.proceed()).state == "finished"
    await work.extract(scene.installation, scene.lot_id, 1)
    async with scene.installation.sessions() as session:
        witness = stage.witness().actor
        assert await extraction.list_files(session, witness, bids[2]) == []
        assert len(await extraction.list_files(session, witness, bids[1])) == 1
        code = select(extraction.ExtractionRow.code).where(
            extraction.ExtractionRow.bid_id == bids[2], extraction.ExtractionRow.kind == "technical"
        )
        assert await session.scalar(code) == "bid.bad_record"


async def test_the_second_stage_waits_for_the_technical_scores(installation: Installation, tmp_path: Path) -> None:
    """Prices of stage 2 stay shut until the log says that the technical scores are finished; then they open."""
    scene = await scenes.prepare(installation, tmp_path, envelopes=TWO_STAGES)
    bids = [await scene.hand_in(number) for number in range(4)]
    await spoil(scene, bids[3], "technical")
    await scene.pass_deadline()
    assert (await scene.begin()).envelopes == 4
    await scene.quorum()
    await scene.proceed()
    assert "price" not in str([bid["envelopes"] for bid in (await scene.record())["bids"]])
    with pytest.raises(GgzyError, match=r"opening\.wrong_state"):
        await scene.begin(2)
    async with installation.sessions.begin() as session:
        await session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(state="evaluating"))
    with pytest.raises(GgzyError, match=r"opening\.stage_not_reached"):
        await scene.begin(2)
    await scene.log("evaluation.technical_finished", {"lot": str(scene.lot_id)})
    assert (await scene.begin(2)).envelopes == 3
    await scene.quorum(2)
    assert (await scene.proceed(2)).state == "finished"
    assert await state(scene) == "evaluating"
    said = await scene.record(2)
    assert [bid["bid"] for bid in said["bids"]] == [str(bid) for bid in bids[:3]]


async def test_verdicts_are_final(scene: Scene) -> None:
    """The database itself refuses to change a verdict or to write a second one."""
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    await scene.proceed()
    async with scene.installation.sessions() as session:
        with pytest.raises(DBAPIError, match="rows are final"):
            await session.execute(update(VerdictRow).values(outcome="rejected", code="x"))
        await session.rollback()
        assert await session.scalar(select(func.count()).select_from(OpenedFileRow)) == 0
