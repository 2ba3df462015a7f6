"""Documents: versions of stored files, read by whom they are meant for, taken in secret."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from archive import trail
from archive.note import Signer
from archive.store import FolderStore
from archive.tables import EventRow
from kernel import database
from kernel.actor import ANONYMOUS, SYSTEM
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.trading.conftest import BIDDERS, PEOPLE, Stage
from trading import amendments, documents, file_parts, files, lots, notices
from trading.amendments import ClarificationDraft
from trading.documents import DocumentDraft
from trading.tables import IncomingRow, LotRow


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Stream parts."""
    for part in parts:
        yield part


async def test_a_file_is_kept_by_its_content(store: FolderStore) -> None:
    """What was absorbed lies under its digest, byte for byte; absorbing it again changes nothing."""
    content = b"a" * 100 + b"b" * 50
    digest = hashlib.sha256(content).digest()
    for _ in range(2):
        assert await files.absorb(store, PEOPLE.agency, digest, chunks(b"a" * 100, b"b" * 50)) == 150
    key = files.key(digest)
    assert key == f"sha256/{digest.hex()[:2]}/{digest.hex()}"
    assert b"".join([chunk async for chunk in store.get(key)]) == content


@pytest.mark.parametrize(
    ("parts", "refusal"), [((b"other",), "file.wrong_digest"), ((), "file.empty"), ((b"x" * 11,), "file.too_large")]
)
async def test_nothing_is_kept_of_a_wrong_file(store: FolderStore, parts: tuple[bytes, ...], refusal: str) -> None:
    """A wrong digest, an empty body and one over the limit leave no object, not even a part of one."""
    digest = hashlib.sha256(b"right").digest()
    with pytest.raises(GgzyError) as caught:
        await files.absorb(store, PEOPLE.agency, digest, chunks(*parts), limit=10)
    assert caught.value.code == refusal
    assert [key async for key in store.keys("")] == []


async def test_a_broken_line_keeps_nothing(store: FolderStore) -> None:
    """A body that breaks off leaves nothing and the upload can be repeated."""

    async def breaking() -> AsyncIterator[bytes]:
        yield b"ri"
        raise ConnectionError

    digest = hashlib.sha256(b"right").digest()
    with pytest.raises(ConnectionError):
        await files.absorb(store, PEOPLE.agency, digest, breaking())
    assert [key async for key in store.keys("")] == []
    assert await files.absorb(store, PEOPLE.agency, digest, chunks(b"right")) == 5


async def test_a_known_file_is_checked_all_the_same(store: FolderStore) -> None:
    """Nobody learns that a file is known by naming its digest: the bytes must come and be right."""
    digest = hashlib.sha256(b"right").digest()
    await files.absorb(store, PEOPLE.agency, digest, chunks(b"right"))
    with pytest.raises(GgzyError, match=r"file\.wrong_digest"):
        await files.absorb(store, PEOPLE.witness, digest, chunks(b"wrong"))


async def test_the_public_stores_nothing(store: FolderStore) -> None:
    """Nobody brings files but those who run the trade: no public, no bidder, who could fill the store."""
    for actor in (ANONYMOUS, PEOPLE.bidders[0]):
        with pytest.raises(GgzyError, match=r"file\.not_yours"):
            await files.absorb(store, actor, b"0" * 32, chunks(b"x"))


async def test_attaching_again_makes_the_next_version(stage: Stage) -> None:
    """The same kind and title give version 2 beside version 1; tender and lots count apart."""
    tender = await stage.register()
    first, second = await stage.attach(tender), await stage.attach(tender)
    other = await stage.attach(tender, lot=2)
    assert [one.version for one in (first, second, other)] == [1, 2, 1]
    assert other.lot_id == tender.lots[1].id
    assert len(await documents.every(stage.session, tender.id)) == 3


async def test_bad_documents_are_refused(stage: Stage) -> None:
    """An unknown kind, file or lot is named; others' drafts do not exist."""
    tender = await stage.register()
    await stage.attach(tender)
    known = (await documents.every(stage.session, tender.id))[0].sha256.hex()
    for kind, digest, lot, actor, refusal in (
        ("poem", known, None, PEOPLE.agency, r"document\.unknown_kind"),
        ("drawings", "00" * 32, None, PEOPLE.agency, r"file\.not_found"),
        ("drawings", known, 9, PEOPLE.agency, r"lot\.not_found"),
        ("drawings", known, None, PEOPLE.bidders[0], r"tender\.not_found"),
    ):
        draft = DocumentDraft(kind, "图", digest, "application/pdf", lot)
        with pytest.raises(GgzyError, match=refusal):
            await documents.attach(stage.session, actor, tender.id, draft, entropy=stage.entropy)


async def test_the_invitation_is_fixed_once_announced(stage: Stage) -> None:
    """After the announcement new versions of the tender documents come by clarification only; contracts may come."""
    tender = await stage.announce()
    with pytest.raises(GgzyError, match=r"document\.fixed"):
        await stage.attach(tender)
    await stage.attach(tender, "contract")


async def test_a_clarification_brings_new_versions_and_keeps_the_days(stage: Stage) -> None:
    """In time it is published with its documents; too late it must move the deadline (法23, 条例21)."""
    tender = await stage.announce()
    lot = tender.lots[0]
    known = (await documents.every(stage.session, tender.id))[0]
    draft = DocumentDraft("tender_documents", known.title, known.sha256.hex(), "application/pdf")
    clear = ClarificationDraft("澄清一", "第三章更改", (1, 2), (draft,))
    told = await amendments.clarify(stage.session, PEOPLE.agency, tender.id, clear, entropy=stage.entropy)
    newest = (await documents.every(stage.session, tender.id))[1]
    assert newest.version == 2
    assert [(one.kind, one.data) for one in told] == [("clarification", {"documents": [str(newest.id)]})] * 2
    await _leave_days(stage, lot.id, 14)
    late = ClarificationDraft("澄清二", "再改", (1,))
    with pytest.raises(GgzyError) as caught:
        await amendments.clarify(stage.session, PEOPLE.agency, tender.id, late, entropy=stage.entropy)
    assert caught.value.code == "deadline.must_move"
    assert "第二十三条" in str(caught.value.params["article"])
    deadline = await database.now(stage.session) + timedelta(days=15, minutes=1)
    moving = ClarificationDraft("澄清二", "再改", (1,), deadline=deadline)
    told = await amendments.clarify(stage.session, PEOPLE.agency, tender.id, moving, entropy=stage.entropy)
    assert told[0].data["new_deadline"] > told[0].data["old_deadline"]
    minor = ClarificationDraft("勘误", "错别字", (1,), material=False)
    await _leave_days(stage, lot.id, 2)
    await amendments.clarify(stage.session, PEOPLE.agency, tender.id, minor, entropy=stage.entropy)
    numbers = [notice.number for notice in await notices.of_tender(stage.session, tender.id)]
    assert numbers == [1, 2, 3, 4, 5]


async def test_strangers_do_not_clarify(stage: Stage) -> None:
    """Only the tenderer clarifies, and only lots that are announced."""
    tender = await stage.register()
    draft = ClarificationDraft("澄清", "x", (1,))
    for actor, refusal in ((PEOPLE.bidders[0], r"tender\.not_found"), (PEOPLE.agency, r"clarification\.not_open")):
        with pytest.raises(GgzyError, match=refusal):
            await amendments.clarify(stage.session, actor, tender.id, draft, entropy=stage.entropy)
    announced = await stage.announce()
    with pytest.raises(GgzyError, match=r"step\.not_yours"):
        await amendments.clarify(stage.session, PEOPLE.bidders[0], announced.id, draft, entropy=stage.entropy)


async def test_documents_open_to_who_took_them(stage: Stage) -> None:
    """A bidder reads the documents of the lots that they took, of no other lot, and never the internal ones."""
    tender = await stage.accept()
    for kind, lot in (("drawings", 1), ("drawings", 2), ("approval", None)):
        await stage.attach(tender, kind, lot=lot)
    for number, lot in enumerate(tender.lots):
        await _key(stage, lot.id, number)
    await stage.step(PEOPLE.agency, tender, "announce", text="公告")
    bidder = PEOPLE.bidders[0]
    assert await documents.of_tender(stage.session, bidder, tender.id) == []
    await documents.take(stage.session, bidder, tender.lots[0].id, BIDDERS[0], entropy=stage.entropy)
    seen = await documents.of_tender(stage.session, bidder, tender.id)
    assert {(one.kind, one.lot_id) for one in seen} == {("tender_documents", None), ("drawings", tender.lots[0].id)}
    assert await documents.of_tender(stage.session, PEOPLE.bidders[1], tender.id) == []
    assert len(await documents.of_tender(stage.session, PEOPLE.supervisor, tender.id)) == 4


async def test_who_took_documents_is_secret_until_the_opening(stage: Stage) -> None:
    """Before the opening the list exists for nobody, not even the tenderer; afterwards for those concerned (法22)."""
    lot = (await stage.announce()).lots[0]
    for actor, bidder in zip(PEOPLE.bidders[:3], BIDDERS, strict=False):
        await documents.take(stage.session, actor, lot.id, bidder, entropy=stage.entropy)
    everybody = (ANONYMOUS, SYSTEM, *(one for one in vars(PEOPLE).values() if not isinstance(one, list)))
    for actor in everybody:
        with pytest.raises(GgzyError, match=r"issue\.not_found"):
            await documents.issues(stage.session, actor, lot.id)
    await _leave_days(stage, lot.id, -1)
    await stage.move(PEOPLE.witness, lot.id, "begin_opening", bids=3)
    for actor in (PEOPLE.agency, PEOPLE.supervisor, PEOPLE.archivist):
        found = await documents.issues(stage.session, actor, lot.id)
        assert {one.bidder for one in found} == set(BIDDERS[:3])
    for actor in (ANONYMOUS, PEOPLE.bidders[0], PEOPLE.witness, PEOPLE.expert):
        with pytest.raises(GgzyError, match=r"issue\.not_found"):
            await documents.issues(stage.session, actor, lot.id)


async def test_who_took_documents_of_a_failed_lot_stays_secret(stage: Stage) -> None:
    """A tenderer whose lot failed unopened will tender again, with the same bidders; oversight reads it."""
    tender = await stage.announce()
    unopened, opened = tender.lots[0], tender.lots[1]
    for lot in (unopened, opened):
        await documents.take(stage.session, PEOPLE.bidders[0], lot.id, BIDDERS[0], entropy=stage.entropy)
        await _leave_days(stage, lot.id, -1)
    await stage.move(PEOPLE.witness, unopened.id, "fail", bids=1, reason="不足三家")
    await stage.move(PEOPLE.witness, opened.id, "begin_opening", bids=3)
    await stage.move(PEOPLE.agency, opened.id, "fail", reason="全部否决")
    for lot in (unopened, opened):  # not in the log yet
        with pytest.raises(GgzyError, match=r"issue\.not_found"):
            await documents.issues(stage.session, PEOPLE.agency, lot.id)
    await trail.sequence(stage.session, Signer("log.example/sandbox", bytes(32)), entropy=stage.entropy)
    await stage.session.execute(update(LotRow).where(LotRow.id == unopened.id).values(state="archived"))
    with pytest.raises(GgzyError, match=r"issue\.not_found"):
        await documents.issues(stage.session, PEOPLE.agency, unopened.id)
    assert await documents.issues(stage.session, PEOPLE.supervisor, unopened.id)
    assert await documents.issues(stage.session, PEOPLE.agency, opened.id)


async def test_taking_twice_is_once(stage: Stage) -> None:
    """The first time counts and is one event; after the deadline nothing is issued."""
    lot, bidder = (await stage.announce()).lots[0], PEOPLE.bidders[0]
    first = await documents.take(stage.session, bidder, lot.id, BIDDERS[0], entropy=stage.entropy)
    assert await documents.take(stage.session, bidder, lot.id, BIDDERS[0], entropy=stage.entropy) == first
    count = select(func.count()).where(EventRow.kind == "documents.issued", EventRow.trade == lot.tender_id)
    assert await stage.session.scalar(count) == 1
    with pytest.raises(GgzyError, match=r"issue\.not_the_bidder"):
        await documents.take(stage.session, bidder, lot.id, BIDDERS[1], entropy=stage.entropy)
    await _leave_days(stage, lot.id, 0)
    with pytest.raises(GgzyError, match=r"issue\.not_open"):
        await documents.take(stage.session, bidder, lot.id, BIDDERS[0], entropy=stage.entropy)


async def test_an_invited_tender_is_for_the_invited(stage: Stage) -> None:
    """Of an invited tender others learn nothing; the invited do not learn who else is."""
    tender = await stage.announce(method="invited", invitees=tuple(BIDDERS[:3]))
    lot = tender.lots[0]
    await documents.take(stage.session, PEOPLE.bidders[0], lot.id, BIDDERS[0], entropy=stage.entropy)
    with pytest.raises(GgzyError, match=r"lot\.not_found"):
        await documents.take(stage.session, PEOPLE.bidders[4], lot.id, BIDDERS[4], entropy=stage.entropy)
    assert await notices.page(stage.session, tender_id=tender.id) == []


async def _leave_days(stage: Stage, lot_id: UUID, days: int) -> None:
    deadline = await database.now(stage.session) + timedelta(days=days)
    await stage.session.execute(update(LotRow).where(LotRow.id == lot_id).values(deadline=deadline))


async def _key(stage: Stage, lot_id: UUID, number: int) -> None:
    await lots.assign_key(stage.session, lot_id, SeededEntropy(b"%d" % number).token(32))


async def test_a_file_is_put_together_from_its_parts(stage: Stage, store: FolderStore) -> None:
    """In any order, one of them twice; what is missing is told, and a wrong file's parts are thrown away."""
    content = bytes(file_parts.PART_SIZE) + b"the rest"
    digest = hashlib.sha256(content).digest()
    await file_parts.expect(stage.session, PEOPLE.agency, digest)
    for number in (1, 1, 0):
        part = content[number * file_parts.PART_SIZE :][: file_parts.PART_SIZE]
        if number == 0:
            with pytest.raises(GgzyError, match=r"file\.parts_missing"):
                await file_parts.join(store, PEOPLE.agency, digest, 2)
        await file_parts.take(store, PEOPLE.agency, digest, number, chunks(part), size=len(part))
    assert await file_parts.present(store, PEOPLE.purchaser, digest) == []  # parts are one's own
    assert await file_parts.join(store, PEOPLE.agency, digest, 2) == len(content)
    assert await store.size(files.key(digest)) == len(content)
    with pytest.raises(GgzyError, match=r"store\.wrong_size"):
        await file_parts.take(store, PEOPLE.agency, digest, 2, chunks(b"cut"), size=5)
    with pytest.raises(GgzyError, match=r"file\.bad_part"):
        await file_parts.take(store, PEOPLE.agency, digest, file_parts.MOST_PARTS, chunks(b"x"), size=1)
    other = hashlib.sha256(b"other").digest()
    await file_parts.take(store, PEOPLE.agency, other, 0, chunks(b"wrong"), size=5)
    with pytest.raises(GgzyError, match=r"file\.wrong_digest"):
        await file_parts.join(store, PEOPLE.agency, other, 1)
    assert await file_parts.present(store, PEOPLE.agency, other) == []


async def test_parts_are_expected_of_few_files_for_a_day(stage: Stage) -> None:
    """Nobody fills the store with files that are never finished; bidders bring none at all."""
    for number in range(file_parts.MOST_FILES):
        await file_parts.expect(stage.session, PEOPLE.agency, hashlib.sha256(bytes([number])).digest())
    with pytest.raises(GgzyError, match=r"file\.too_many"):
        await file_parts.expect(stage.session, PEOPLE.agency, hashlib.sha256(b"one more").digest())
    with pytest.raises(GgzyError, match=r"file\.not_yours"):
        await file_parts.expect(stage.session, PEOPLE.bidders[0], bytes(32))
    assert await file_parts.overdue(stage.session) == []
    await stage.session.execute(update(IncomingRow).values(at=IncomingRow.at - file_parts.KEPT - timedelta(seconds=1)))
    assert len(await file_parts.overdue(stage.session)) == file_parts.MOST_FILES
    await file_parts.forget(stage.session, PEOPLE.agency.user_id, hashlib.sha256(bytes([0])).digest())
    assert len(await file_parts.overdue(stage.session)) == file_parts.MOST_FILES - 1
