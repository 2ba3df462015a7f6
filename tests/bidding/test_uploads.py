"""Uploads: parts in any order, each whole and true or not kept at all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bidding import policy, segments, uploads
from bidding.segments import PART_SIZE, part_root
from bidding.tables import PartRow, UploadRow
from kernel.errors import GgzyError
from tests.bidding import stage
from trading.tables import TenderRow

LENGTHS = {"price": 70_000, "technical": PART_SIZE + 1234}


@pytest.fixture
async def upload(session: AsyncSession) -> Any:
    """A session of bidder 0 for a price envelope of one part and a technical one of two."""
    lot_id = await stage.lot(session)
    who = stage.bidder()
    return who.actor, await uploads.begin(session, who.actor, lot_id, stage.USCCS[0], LENGTHS, entropy=stage.entropy())


async def put(session: AsyncSession, store: Any, upload: Any, kind: str, number: int, *, data: bytes) -> None:
    """Send one part as the route does."""
    actor, opened = upload
    place = await uploads.place_part(session, actor, opened.id, kind=kind, number=number, root=part_root(data))
    await uploads.store_part(store, place, stage.chunks(data))
    await uploads.record_part(session, place)


async def listed(store: Any) -> list[str]:
    """All keys of the store."""
    return [key async for key in store.keys("")]


async def test_parts_in_any_order_are_kept_and_reported(session: AsyncSession, store: Any, upload: Any) -> None:
    """Parts may come in any order; the session tells which are there, and the body's root follows from theirs."""
    body = bytes(range(256)) * (PART_SIZE // 256) + b"x" * 1234
    await put(session, store, upload, "technical", 1, data=body[PART_SIZE:])
    actor, opened = upload
    assert (await uploads.find(session, actor, opened.id)).present == {"price": [], "technical": [1]}
    await put(session, store, upload, "technical", 0, data=body[:PART_SIZE])
    stored = await uploads.parts(session, opened.id)
    whole = segments.BodyHasher()
    whole.update(body)
    assert segments.body_root([(part.root, part.length) for part in stored]) == whole.root()
    for part in stored:
        assert await store.size(uploads.part_key(opened.id, part.root)) == part.length


async def test_repeating_a_part_changes_nothing(session: AsyncSession, store: Any, upload: Any) -> None:
    """A part sent twice is stored once; the second time its place says that it is there."""
    await put(session, store, upload, "price", 0, data=b"p" * 70_000)
    await put(session, store, upload, "price", 0, data=b"p" * 70_000)
    actor, opened = upload
    assert len(await uploads.parts(session, opened.id)) == 1
    assert (
        await uploads.place_part(session, actor, opened.id, kind="price", number=0, root=part_root(b"p" * 70_000))
    ).stored


async def test_another_part_at_the_same_number_is_refused(session: AsyncSession, store: Any, upload: Any) -> None:
    """What is stored under a number stays; other bytes need a new session."""
    await put(session, store, upload, "price", 0, data=b"p" * 70_000)
    with pytest.raises(GgzyError, match=r"part\.conflict"):
        await put(session, store, upload, "price", 0, data=b"q" * 70_000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"q" * 70_000, "part.wrong_digest"),
        (b"p" * 69_999, "part.wrong_length"),
        (b"p" * 70_001, "part.wrong_length"),
        (b"", "part.wrong_length"),
        (b"p" * (PART_SIZE + 1), "part.wrong_length"),
    ],
)
async def test_a_wrong_part_is_not_kept(session: AsyncSession, store: Any, upload: Any, data: bytes, code: str) -> None:
    """A part with another root or length than it must have leaves no object behind."""
    actor, opened = upload
    place = await uploads.place_part(session, actor, opened.id, kind="price", number=0, root=part_root(b"p" * 70_000))
    with pytest.raises(GgzyError) as refused:
        await uploads.store_part(store, place, stage.chunks(data))
    assert refused.value.code == code
    assert await listed(store) == []


@pytest.mark.parametrize(("kind", "number"), [("price", 1), ("technical", 2), ("price", -1), ("qualification", 0)])
async def test_a_part_beyond_the_announced_body_is_refused(
    session: AsyncSession, upload: Any, kind: str, number: int
) -> None:
    """A number past the announced length, and a kind that was not announced, have no place."""
    actor, opened = upload
    with pytest.raises(GgzyError, match=r"part\.out_of_range"):
        await uploads.place_part(session, actor, opened.id, kind=kind, number=number, root=bytes(32))


async def test_sessions_are_for_the_bidders_own_people(session: AsyncSession, upload: Any) -> None:
    """To another bidder, and to staff, the session does not exist."""
    _, opened = upload
    for other in (stage.bidder(1), stage.witness()):
        with pytest.raises(GgzyError, match=r"upload\.not_found"):
            await uploads.find(session, other.actor, opened.id)
        with pytest.raises(GgzyError, match=r"upload\.not_found"):
            await uploads.place_part(session, other.actor, opened.id, kind="price", number=0, root=bytes(32))


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ({"price": 10}, "bid.wrong_envelopes"),
        ({"price": 10, "technical": 10, "other": 10}, "bid.wrong_envelopes"),
        ({"price": 0, "technical": 10}, "upload.too_large"),
        ({"price": policy.MAX_BODY + 1, "technical": 10}, "upload.too_large"),
    ],
)
async def test_a_session_is_for_the_envelopes_that_the_lot_asks_for(
    session: AsyncSession, bodies: dict[str, int], code: str
) -> None:
    """Other envelopes than the documents lay down, and sizes out of bounds, are refused before a byte is sent."""
    lot_id = await stage.lot(session)
    with pytest.raises(GgzyError) as refused:
        await uploads.begin(session, stage.bidder().actor, lot_id, stage.USCCS[0], bodies, entropy=stage.entropy())
    assert refused.value.code == code


async def test_sessions_are_few_at_a_time(session: AsyncSession) -> None:
    """A bidder has at most four open sessions on one lot."""
    lot_id, who, randomness = await stage.lot(session), stage.bidder().actor, stage.entropy()
    for _ in range(policy.MAX_OPEN_UPLOADS):
        await uploads.begin(session, who, lot_id, stage.USCCS[0], LENGTHS, entropy=randomness)
    with pytest.raises(GgzyError, match=r"upload\.too_many"):
        await uploads.begin(session, who, lot_id, stage.USCCS[0], LENGTHS, entropy=randomness)


async def test_no_session_after_the_deadline(session: AsyncSession) -> None:
    """A lot whose deadline has passed opens no session."""
    lot_id = await stage.lot(session, after=-timedelta(seconds=1))
    with pytest.raises(GgzyError, match=r"bid\.late"):
        await uploads.begin(session, stage.bidder().actor, lot_id, stage.USCCS[0], LENGTHS, entropy=stage.entropy())


async def test_sweeping_takes_expired_sessions_only(session: AsyncSession, store: Any, upload: Any) -> None:
    """An expired session takes no parts any more and its objects go; one that is open keeps them."""
    await put(session, store, upload, "price", 0, data=b"p" * 70_000)
    actor, opened = upload
    assert await uploads.expire(session) == []
    past = UploadRow.made_at - timedelta(seconds=1)
    await session.execute(update(UploadRow).where(UploadRow.id == opened.id).values(expires_at=past))
    assert await uploads.expire(session) == [opened.id]
    assert await uploads.sweep(store, opened.id) == 1
    assert await listed(store) == []
    with pytest.raises(GgzyError, match=r"upload\.closed"):
        await uploads.place_part(session, actor, opened.id, kind="price", number=0, root=bytes(32))


async def test_rows_of_parts_are_final(session: AsyncSession, store: Any, upload: Any) -> None:
    """The database itself refuses to change the row of a stored part."""
    await put(session, store, upload, "price", 0, data=b"p" * 70_000)
    row = (await session.execute(select(PartRow))).scalar_one()
    with pytest.raises(DBAPIError, match="rows are final"):
        await session.execute(update(PartRow).where(PartRow.upload_id == row.upload_id).values(length=1))


async def test_an_invited_tender_takes_the_invited_alone(session: AsyncSession) -> None:
    """To a bidder who is not invited the lot does not exist, though the tender is announced and the time is right."""
    lot_id = await stage.lot(session)
    invitees = list(stage.USCCS[1:4])
    await session.execute(update(TenderRow).values(method="invited", invitees=invitees))
    uninvited, invited = stage.bidder(0), stage.bidder(1)
    with pytest.raises(GgzyError) as refused:
        await uploads.begin(session, uninvited.actor, lot_id, stage.USCCS[0], LENGTHS, entropy=stage.entropy())
    assert refused.value.code == "lot.not_found"
    both = replace(invited.actor, grants=invited.actor.grants | uninvited.actor.grants)
    with pytest.raises(GgzyError) as refused:
        await uploads.begin(session, both, lot_id, stage.USCCS[0], LENGTHS, entropy=stage.entropy())
    assert refused.value.code == "lot.not_found"
    await uploads.begin(session, both, lot_id, stage.USCCS[1], LENGTHS, entropy=stage.entropy())
