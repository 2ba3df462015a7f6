"""Handing in bids: whole, in time, for this lot, by this device; or not at all."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import receipt
from archive.timestamp import verify
from bidding import bidfile, statement, submissions, uploads, withdrawal
from bidding.bidfile import BidFile
from bidding.segments import part_root
from bidding.submissions import Bid, Desk, Submission
from bidding.tables import CONFIRMATION, WITHDRAWAL, BidRow
from kernel.database import now
from kernel.errors import GgzyError, Kind
from tests.bidding import stage
from trading import lots
from trading.tables import LotRow


@dataclass
class Scene:
    """A lot, a bidder, and everything it takes to hand in a bid."""

    session: AsyncSession
    store: Any
    folder: Path
    lot_id: UUID
    who: stage.Person
    desk: Desk

    async def target(self) -> Any:
        """What the lot publishes now."""
        return stage.target(await lots.facts(self.session, self.lot_id), stage.custodians().key)

    async def sealed(self, who: stage.Person | None = None, **how: Any) -> BidFile:
        """A bid sealed for the lot as it is now."""
        return stage.seal(who or self.who, await self.target(), self.folder / "bid.sealed", **how)

    async def uploaded(self, bid: BidFile, who: stage.Person | None = None) -> Submission:
        """What finalises it after a whole upload."""
        opened = await stage.upload(self.session, self.store, who or self.who, self.lot_id, bid)
        return stage.submission(opened, bid)

    async def hand_in(self, submission: Submission, who: stage.Person | None = None) -> Bid:
        """Finalise."""
        actor = (who or self.who).actor
        return await submissions.receive(self.session, actor, self.lot_id, submission, desk=self.desk)

    async def bid(self, who: stage.Person | None = None, **how: Any) -> Bid:
        """Seal, upload, finalise."""
        return await self.hand_in(await self.uploaded(await self.sealed(who, **how), who), who)

    def says(self, kind: str, bid: Bid, deadline: datetime) -> bytes:
        """The bidder's signed statement about a bid."""
        return statement.write(
            kind, self.who.device, lot=self.lot_id, bid=bid.id, receipt=bid.receipt.digest, deadline=deadline
        )


@pytest.fixture
async def scene(session: AsyncSession, store: Any, tmp_path: Path) -> Scene:
    """A lot with an hour to go."""
    lot_id = await stage.lot(session, key_hash=stage.custodians().key.key_hash)
    return Scene(session, store, tmp_path, lot_id, stage.bidder(), stage.desk(tmp_path / "tsa"))


async def test_a_whole_bid_gets_a_receipt_that_anybody_can_check(scene: Scene) -> None:
    """The receipt opens the log entry of this very manifest, and its token stamps the receipt's very bytes."""
    sealed = await scene.sealed()
    bid = await scene.hand_in(await scene.uploaded(sealed))
    claim = receipt.decode(bid.receipt.content)
    assert claim.commitment == bid.receipt.commitment
    assert claim.event.kind == "bid.received"
    assert claim.event.data["manifest"] == hashlib.sha256(sealed.encoded).hexdigest()
    assert claim.event.data["signer"] == bytes(scene.who.device.verify_key).hex()
    assert claim.event.data["bid"] == str(bid.id)
    digest = hashlib.sha256(bid.receipt.content).digest()
    assert digest == bid.receipt.digest
    chain = (scene.folder / "tsa" / "chain.pem").read_bytes()
    assert abs(verify(bid.receipt.token, digest, chain) - bid.received_at) <= timedelta(seconds=2)
    assert bid.received_at < bid.deadline


async def test_parts_missing_are_listed(scene: Scene) -> None:
    """Finalising with holes names the envelopes and numbers that are missing and keeps the session open."""
    sealed = await scene.sealed()
    submission = await scene.uploaded(sealed)
    fresh = await uploads.begin(
        scene.session,
        scene.who.actor,
        scene.lot_id,
        stage.USCCS[0],
        {envelope.kind.value: envelope.length for envelope in sealed.manifest.envelopes},
        entropy=scene.desk.entropy,
    )
    with pytest.raises(GgzyError) as refused:
        await scene.hand_in(replace(submission, upload_id=fresh.id))
    assert refused.value.code == "bid.parts_missing"
    assert refused.value.params["missing"] == "price/0, technical/0"
    assert (await scene.hand_in(submission)).state == "live"


async def test_other_parts_than_the_manifest_says_are_refused(scene: Scene) -> None:
    """The roots of the stored parts must give the roots that were signed."""
    sealed = await scene.sealed()
    other = stage.seal(scene.who, await scene.target(), scene.folder / "other.sealed", price="1.00")
    submission = await scene.uploaded(other)
    with pytest.raises(GgzyError, match=r"bid\.wrong_root"):
        await scene.hand_in(replace(submission, manifest=sealed.encoded, signature=sealed.signature))


async def test_a_replaced_bid_names_the_receipt_before_it(scene: Scene) -> None:
    """A second bid must name the first one's receipt; then it alone is live, and the first one's state says so."""
    first = await scene.bid()
    with pytest.raises(GgzyError, match=r"bid\.replaces_other"):
        await scene.bid()
    second = await scene.bid(previous=first.receipt.digest)
    states = {bid.id: bid.state for bid in await submissions.list_own(scene.session, scene.who.actor, scene.lot_id)}
    assert states == {first.id: "replaced", second.id: "live"}
    claim = receipt.decode(second.receipt.content)
    assert claim.event.data["replaces"] == first.receipt.digest.hex()


async def test_a_first_bid_replaces_nothing(scene: Scene) -> None:
    """A bid that names a receipt is refused where none stands."""
    with pytest.raises(GgzyError, match=r"bid\.replaces_other"):
        await scene.bid(previous=b"\1" * 32)


async def test_late_is_late_by_the_database(scene: Scene) -> None:
    """A bid that is whole at or after the deadline is refused, both times named, and nothing of it stays."""
    submission = await scene.uploaded(await scene.sealed())
    facts = await lots.facts(scene.session, scene.lot_id)
    with pytest.raises(GgzyError) as refused:
        await submissions.receive(
            scene.session, scene.who.actor, scene.lot_id, submission, desk=await _moved_past(scene)
        )
    assert refused.value.code == "bid.late"
    assert set(refused.value.params) == {"arrived", "deadline"}
    assert facts.deadline is not None
    assert await submissions.list_own(scene.session, scene.who.actor, scene.lot_id) == []


async def _moved_past(scene: Scene) -> Desk:
    await stage.set_deadline(scene.session, scene.lot_id, await now(scene.session))
    return scene.desk


async def test_suspended_lots_take_nothing(scene: Scene) -> None:
    """While a lot is suspended no bid comes in and none goes out."""
    bid = await scene.bid()
    await scene.session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(suspended=True))
    with pytest.raises(GgzyError, match=r"lot\.suspended"):
        await withdrawal.withdraw(
            scene.session, scene.who.actor, bid.id, scene.says(WITHDRAWAL, bid, bid.deadline), desk=scene.desk
        )


async def test_sealed_for_an_earlier_deadline_is_refused(scene: Scene) -> None:
    """A bid whose header names another deadline than the lot's is not for this lot as it stands."""
    submission = await scene.uploaded(await scene.sealed())
    facts = await lots.facts(scene.session, scene.lot_id)
    assert facts.deadline is not None
    await stage.set_deadline(scene.session, scene.lot_id, facts.deadline + timedelta(hours=1))
    with pytest.raises(GgzyError, match=r"bid\.other_deadline"):
        await scene.hand_in(submission)


async def test_signed_by_another_device_is_refused(scene: Scene) -> None:
    """The signing device must be the one that the person has enrolled."""
    submission = await scene.uploaded(await scene.sealed())
    other = replace(scene.who.actor, device_key=b"\2" * 32)
    with pytest.raises(GgzyError, match=r"bid\.other_signer"):
        await submissions.receive(scene.session, other, scene.lot_id, submission, desk=scene.desk)
    none = replace(scene.who.actor, device_key=None)
    with pytest.raises(GgzyError, match=r"device\.not_enrolled"):
        await submissions.receive(scene.session, none, scene.lot_id, submission, desk=scene.desk)


async def test_one_bit_of_the_manifest_is_refused(scene: Scene) -> None:
    """Any changed byte of the manifest or the signature is a refusal with a code, never an accident."""
    submission = await scene.uploaded(await scene.sealed())
    for place in range(0, len(submission.manifest), 97):
        data = bytearray(submission.manifest)
        data[place] ^= 1
        with pytest.raises(GgzyError):
            await scene.hand_in(replace(submission, manifest=bytes(data)))
    with pytest.raises(GgzyError, match=r"bid\.bad_signature"):
        await scene.hand_in(replace(submission, signature=bytes(64)))


async def test_without_the_authority_nothing_is_accepted(scene: Scene) -> None:
    """When no time stamp is to be had, the bid is refused; the same upload is accepted once it works again."""

    class Down:
        async def stamp(self, _digest: bytes, **_at: datetime) -> bytes:
            raise GgzyError("timestamp.unavailable", Kind.UNAVAILABLE)

    submission = await scene.uploaded(await scene.sealed())
    with pytest.raises(GgzyError, match=r"timestamp\.unavailable"):
        async with scene.session.begin_nested():
            await submissions.receive(
                scene.session,
                scene.who.actor,
                scene.lot_id,
                submission,
                desk=replace(scene.desk, authority=Down()),
            )
    assert await submissions.list_own(scene.session, scene.who.actor, scene.lot_id) == []
    assert (await scene.hand_in(submission)).state == "live"


async def test_a_used_session_takes_no_second_bid(scene: Scene) -> None:
    """An upload is finalised once."""
    submission = await scene.uploaded(await scene.sealed())
    await scene.hand_in(submission)
    with pytest.raises(GgzyError, match=r"upload\.closed"):
        await scene.hand_in(submission)


async def test_nobody_else_sees_a_bid(scene: Scene) -> None:
    """To rivals, staff and supervisors a bid does not exist, and the list is empty."""
    bid = await scene.bid()
    for other in (stage.bidder(1), stage.witness()):
        assert await submissions.list_own(scene.session, other.actor, scene.lot_id) == []
        with pytest.raises(GgzyError, match=r"bid\.not_found"):
            await submissions.find(scene.session, other.actor, bid.id)


async def test_withdrawn_before_the_deadline(scene: Scene) -> None:
    """A signed withdrawal is acknowledged by a receipt, and the bidder may hand in again from nothing."""
    bid = await scene.bid()
    said = scene.says(WITHDRAWAL, bid, bid.deadline)
    issued = await withdrawal.withdraw(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)
    claim = receipt.decode(issued.content)
    assert claim.event.kind == "bid.withdrawn"
    assert claim.event.data["statement"] == hashlib.sha256(said).hexdigest()
    assert await withdrawal.acknowledgment(scene.session, scene.who.actor, bid.id, WITHDRAWAL) == issued
    assert (await submissions.find(scene.session, scene.who.actor, bid.id)).state == "withdrawn"
    with pytest.raises(GgzyError, match=r"bid\.not_live"):
        await withdrawal.withdraw(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)
    assert (await scene.bid()).state == "live"


async def test_a_statement_counts_for_its_bid_only(scene: Scene) -> None:
    """A withdrawal signed for another bid, another deadline or by another device is refused."""
    bid = await scene.bid()
    wrong = replace(bid, id=UUID(int=9))
    cases = {
        scene.says(WITHDRAWAL, wrong, bid.deadline): "statement.not_this",
        scene.says(WITHDRAWAL, bid, bid.deadline + timedelta(seconds=1)): "statement.not_this",
        scene.says(CONFIRMATION, bid, bid.deadline): "signed.malformed",
    }
    for said, code in cases.items():
        with pytest.raises(GgzyError) as refused:
            await withdrawal.withdraw(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)
        assert refused.value.code == code
    other = replace(scene.who.actor, device_key=bytes(stage.bidder(1).device.verify_key))
    said = scene.says(WITHDRAWAL, bid, bid.deadline)
    with pytest.raises(GgzyError, match=r"signed\.bad_signature"):
        await withdrawal.withdraw(scene.session, other, bid.id, said, desk=scene.desk)


async def test_no_withdrawal_after_the_deadline(scene: Scene) -> None:
    """After the deadline a bid stays (招标投标法 第二十九条)."""
    bid = await scene.bid()
    said = scene.says(WITHDRAWAL, bid, bid.deadline)
    past = await now(scene.session)
    await stage.set_deadline(scene.session, scene.lot_id, past)
    with pytest.raises(GgzyError, match=r"bid\.late"):
        await withdrawal.withdraw(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)


async def test_a_moved_deadline_is_confirmed_by_signature(scene: Scene) -> None:
    """A bid from before the move stands only after its bidder has signed for the new deadline; no new upload."""
    bid = await scene.bid()
    said = scene.says(CONFIRMATION, bid, bid.deadline)
    with pytest.raises(GgzyError, match=r"bid\.nothing_to_confirm"):
        await withdrawal.confirm(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)
    moved = bid.deadline + timedelta(days=1)
    await stage.set_deadline(scene.session, scene.lot_id, moved)
    facts = await lots.facts(scene.session, scene.lot_id)
    assert await submissions.standing(scene.session, facts) == []
    said = scene.says(CONFIRMATION, bid, moved)
    issued = await withdrawal.confirm(scene.session, scene.who.actor, bid.id, said, desk=scene.desk)
    assert receipt.decode(issued.content).event.kind == "bid.confirmed"
    assert [row.id for row in await submissions.standing(scene.session, facts)] == [bid.id]
    assert (await submissions.find(scene.session, scene.who.actor, bid.id)).stands_until == moved


async def test_received_bids_are_final(scene: Scene) -> None:
    """The database itself refuses to change what was received, or to make a withdrawn bid live again."""
    await scene.bid()
    row = (await scene.session.execute(select(BidRow))).scalar_one()
    with pytest.raises(DBAPIError, match="a received bid is final"):
        async with scene.session.begin_nested():
            await scene.session.execute(update(BidRow).values(manifest=b"{}"))
    with pytest.raises(DBAPIError, match="rows are final"):
        await scene.session.execute(delete(BidRow).where(BidRow.id == row.id))


async def test_the_file_on_disk_is_what_is_stored(scene: Scene) -> None:
    """Each stored part has the root that the file's own parts have."""
    sealed = await scene.sealed()
    submission = await scene.uploaded(sealed)
    for part in bidfile.parts(sealed, sealed.manifest.envelopes[0].kind):
        data = sealed.path.read_bytes()[part.offset : part.offset + part.size]
        key = uploads.part_key(submission.upload_id, part_root(data))
        assert await scene.store.size(key) == part.size
