"""The supervisors' pages: whose trades they see, searches that can be sent, what is taken out and how it is proven."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import python_calamine
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import artefacts, jobs
from api.artefacts import Artefact, Sort
from api.pages import opening_agenda
from api.trail_files import guarded
from api.verifier import Verifier
from api.wiring import Installation
from archive import bundle, trail
from archive import event as events
from archive.package import Item, service
from archive.package.service import Desk
from archive.recipe import Pins, Step
from kernel.actor import EVERYWHERE, SYSTEM, Grant, Role, site
from kernel.database import now
from kernel.errors import GgzyError
from tests.archive.filing import FACTS, give, without
from tests.bidding import stage
from tests.js.browser import verdicts
from tests.pages.conftest import Maker, SignIn, Visitor, text_of
from trading.lots import facts, of_tenders
from trading.tables import LotRow, SiteRow, TenderRow

FORMULA = '=HYPERLINK("http://example.test")'


@dataclass(frozen=True, slots=True)
class Played:
    """Two trades in the trail, one of another site, and one entry of no trade."""

    here: UUID
    there: UUID
    code: str
    size: int


@pytest.fixture
async def played(installation: Installation) -> Played:
    """Events of both trades, sequenced and stamped."""
    async with installation.sessions.begin() as session:
        lots = [await facts(session, await stage.lot(session, key_hash=bytes([n]) * 32)) for n in (1, 2)]
        here, there = (lot.tender_id for lot in lots)
        await session.execute(update(TenderRow).where(TenderRow.id == there).values(site=await other_site(session)))
        await session.execute(update(LotRow).where(LotRow.tender_id == here).values(state="awarded"))
        for lot in lots:
            await stage.announce(session, lot)
            for number in range(3):
                data = {"number": number, "title": FORMULA}
                await trail.record(
                    session, SYSTEM, "notice.published", data, trade=lot.tender_id, entropy=installation.entropy
                )
            await trail.record(
                session, SYSTEM, "lot.suspended", {"reason": "查"}, trade=lot.tender_id, entropy=installation.entropy
            )
        await trail.record(session, SYSTEM, "grant.given", {"role": "bidder"}, entropy=installation.entropy)
    await jobs.sequence(installation)
    await jobs.stamp(installation)
    return Played(here, there, lots[0].tender_code, 9)


async def other_site(session: AsyncSession) -> str:
    """Establish a branch."""
    values = {"code": "152527", "name": "南", "kind": "branch", "address": "", "established_at": await now(session)}
    await session.execute(insert(SiteRow).values(values).on_conflict_do_nothing())
    return "152527"


@pytest.fixture
async def local(someone: Maker, signed_in: SignIn) -> Visitor:
    """A supervisor of the main site."""
    return await signed_in(await someone(Grant(Role.SUPERVISOR, site("152502")), name="监督员"))


@pytest.fixture
async def everywhere(someone: Maker, signed_in: SignIn) -> Visitor:
    """A supervisor of all sites."""
    return await signed_in(await someone(Grant(Role.SUPERVISOR, EVERYWHERE), name="总监督"))


def indexes(page: str) -> list[int]:
    """Return the entries that a timeline shows."""
    return [int(found) for found in re.findall(r'href="/supervision/trail/(\d+)"', page)]


async def test_the_pages_are_for_supervisors_and_auditors(someone: Maker, signed_in: SignIn, visitor: Visitor) -> None:
    """To others they do not exist; who is not signed in is led to sign in."""
    for path in ("/supervision", "/supervision/trail", "/supervision/trail/0", "/supervision/alerts"):
        assert (await visitor.get(path)).status_code == 303
        staff = await signed_in(await someone(Grant(Role.WITNESS, EVERYWHERE)))
        assert (await staff.get(path)).status_code == 404
    auditor = await signed_in(await someone(Grant(Role.AUDIT_ADMIN, EVERYWHERE)))
    for path in ("/supervision", "/supervision/trail", "/supervision/alerts"):
        assert (await auditor.get(path)).status_code == 200


async def test_a_supervisor_of_a_site_sees_its_trades_alone(
    local: Visitor, everywhere: Visitor, played: Played
) -> None:
    """In the timeline, by an entry's address and through the API: another site's trade is 404."""
    whole = indexes((await everywhere.get("/supervision/trail")).text)
    own = indexes((await local.get("/supervision/trail")).text)
    assert set(own) < set(whole)
    page = (await local.get(f"/supervision/trail?trade={played.there}")).text
    assert indexes(page) == []
    theirs = indexes((await everywhere.get(f"/supervision/trail?trade={played.there}")).text)
    assert len(theirs) == 5
    # What the public may open of an announced trade, its notices, a supervisor of another site may open too.
    hidden = indexes((await everywhere.get(f"/supervision/trail?trade={played.there}&kind=lot")).text)
    hidden += indexes((await everywhere.get("/supervision/trail?kind=grant.given")).text)
    assert len(hidden) >= 2
    for index in hidden:
        assert (await local.get(f"/supervision/trail/{index}")).status_code == 404
        assert (await everywhere.get(f"/supervision/trail/{index}")).status_code == 200
    for index in own:
        assert (await local.get(f"/supervision/trail/{index}")).status_code == 200
    overview = await local.get("/supervision")
    assert overview.status_code == 200
    assert "今天没有要开标的标段" in text_of(overview) or "开标室" in text_of(overview)


async def test_a_search_stands_in_its_address(everywhere: Visitor, played: Played) -> None:
    """Kind, trade by code, site, range and days narrow; a wrong value is told at its field; pages go by index alone."""
    found = indexes((await everywhere.get(f"/supervision/trail?trade={played.code}&kind=notice")).text)
    assert len(found) == 3
    assert found == sorted(found, reverse=True)
    page = await everywhere.get(f"/supervision/trail?kind=notice.published&first={found[1]}&last={found[0]}")
    assert indexes(page.text) == found[:2]
    assert len(indexes((await everywhere.get("/supervision/trail?kind=notice&site=152527")).text)) == 3
    assert indexes((await everywhere.get("/supervision/trail?since=2099-01-01")).text) == []
    before = indexes((await everywhere.get(f"/supervision/trail?trade={played.code}&before={found[1]}")).text)
    assert before[0] < found[1]
    wrong = await everywhere.get("/supervision/trail?trade=none&since=yesterday&first=x&person=nobody&kind=%27")
    assert wrong.status_code == 422
    for field in ("trade", "since", "first", "person", "kind"):
        assert f'href="#{field}"' in wrong.text
    for asked, place in ((str(found[0]), f"/supervision/trail/{found[0]}"), (played.code, "/supervision/trail?trade=")):
        answer = await everywhere.get("/supervision/find", params={"q": asked})
        assert answer.headers["location"].startswith(place)


async def test_an_entry_shows_what_proves_it(everywhere: Visitor, played: Played) -> None:
    """Event, commitment, salt, audit path and checkpoint stand on its page; its commitment finds it again."""
    index = indexes((await everywhere.get(f"/supervision/trail?trade={played.here}&kind=notice")).text)[0]
    page = await everywhere.get(f"/supervision/trail/{index}")
    commitment = re.search(r'承诺值</dt><dd class="hash">([0-9a-f]{64})', page.text)
    assert commitment is not None
    assert "ggzy/event/v1" in page.text
    assert "已加盖时间戳" in page.text
    answer = await everywhere.get("/supervision/find", params={"q": commitment[1]})
    assert answer.headers["location"] == f"/supervision/trail/{index}"


async def taken_out(visitor: Visitor, form: str, **fields: str) -> bytes:
    """Take out what a search finds, and return the file."""
    answer = await visitor.send_form("/supervision/exports", form=form, **fields)
    assert answer.status_code == 303, answer.text
    file = await visitor.get(answer.headers["location"])
    assert file.status_code == 200, file.text
    assert "attachment" in file.headers["content-disposition"]
    return file.content


async def test_tables_open_in_excel_and_run_nothing(everywhere: Visitor, played: Played) -> None:
    """CSV has a byte order mark and no cell that begins a formula; XLSX holds the same rows as text."""
    data = await taken_out(everywhere, "csv", trade=str(played.here), kind="notice")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert (rows[0][0], len(rows)) == ("序号", 4)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    sheet = await taken_out(everywhere, "xlsx", trade=str(played.here), kind="notice")
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sheet))
    assert book.get_sheet_by_index(0).to_python() == rows
    assert [guarded(cell) for cell in (FORMULA, "-1", "标题", "")] == [f"'{FORMULA}", "'-1", "标题", ""]


async def test_a_bundle_is_proven_without_us(
    everywhere: Visitor, played: Played, installation: Installation, tmp_path: Path
) -> None:
    """A bundle passes `ggzy verify` and the browser's check with the same steps; a changed line fails in both."""
    packed = tmp_path / "trail.zip"
    packed.write_bytes(await taken_out(everywhere, "bundle", trade=str(played.here)))
    pins = Pins(installation.signer.vkey, installation.chain_pem)
    (found,) = artefacts.find(packed)
    steps = [(step.number, step.name, step.detail) for step in Verifier(pins).verify(found)]
    folder = bundle.unpack(packed, tmp_path / "folder")
    broken = bundle.unpack(packed, tmp_path / "broken")
    lines = (broken / bundle.ENTRIES).read_bytes()
    (broken / bundle.ENTRIES).write_bytes(lines.replace(b"notice.published", b"notice.publishes", 1))
    (shown,), (again,), (wrong,) = await verdicts(pins, packed, folder, broken)
    for one in (shown, again):
        assert [(step["number"], step["name"], step["detail"]) for step in one["steps"]] == steps
    with pytest.raises(GgzyError) as caught:
        bundle.verify(broken, pins)
    assert caught.value.code == wrong["code"] == "bundle.wrong_digest"
    told = [line for line in (folder / bundle.ENTRIES).read_bytes().splitlines() if line]
    assert len(told) == 5


async def test_a_supervisor_finds_what_was_left_out_when_a_trade_was_filed(
    everywhere: Visitor, local: Visitor, played: Played, installation: Installation, tmp_path: Path
) -> None:
    """One of two packages lacks an entry: its page tells so, and so do `ggzy verify` and a bundle of the trail."""
    await file(installation, played.here, tmp_path)
    await file(installation, played.there, tmp_path, leaving_out=b"lot.suspended")
    await jobs.sequence(installation)
    for trade, said in ((played.here, "没有遗漏"), (played.there, "与留痕不一致")):
        page = f"/supervision/packages/{trade}"
        assert f'href="{page}"' in (await everywhere.get(f"/supervision/trail?trade={trade}")).text
        assert said in text_of(await everywhere.get(page))
        told = (await everywhere.get(f"/api/v1/tenders/{trade}/archive/completeness")).json()
        assert (told["complete"], told["found"]["entries"]) == (trade == played.here, 5)
        (tmp_path / f"{trade}.zip").write_bytes(await taken_out(everywhere, "bundle", trade=str(trade)))
        packed = await everywhere.get(f"/api/v1/tenders/{trade}/archive/package.tar")
        (tmp_path / f"{trade}.tar").write_bytes(packed.content)
    assert (await local.get(f"/supervision/packages/{played.there}")).status_code == 404
    verifier = Verifier(Pins(installation.signer.vkey, installation.chain_pem))
    for trade in (played.here, played.there):
        verifier.verify(Artefact(Sort.PACKAGE, tmp_path / f"{trade}.tar"))
    assert verifier.verify(Artefact(Sort.BUNDLE, tmp_path / f"{played.here}.zip"))[-1] == Step(8, "filed", "6")
    with pytest.raises(GgzyError, match=r"bundle\.not_filed"):
        verifier.verify(Artefact(Sort.BUNDLE, tmp_path / f"{played.there}.zip"))


async def file(installation: Installation, trade: UUID, folder: Path, *, leaving_out: bytes = b"?") -> None:
    """File a trade, leaving out the log's lines that say this."""
    signer, entropy = installation.signer, installation.entropy
    desk = Desk(installation.store, installation.authority, installation.chain_pem, signer, entropy, folder / "scratch")
    notice = Item("notices/a.txt", "notice", "公告", b"x")
    async with installation.sessions.begin() as session:
        about = replace(FACTS, id=trade, site=(await of_tenders(session, [trade]))[trade][0].site)
        items = without(await service.gather(session, trade, give([notice]), desk), leaving_out)
        bag = await service.pack(about, items, required=(), desk=desk)
        await service.complete(session, SYSTEM, about, await service.stow(trade, bag, desk), desk)


async def test_every_part_of_a_bundle_counts(
    everywhere: Visitor, played: Played, installation: Installation, tmp_path: Path
) -> None:
    """Left out, added, exchanged or flipped: Python and the browser refuse it with one code."""
    packed = tmp_path / "trail.zip"
    packed.write_bytes(await taken_out(everywhere, "bundle", trade=str(played.here)))
    pins = Pins(installation.signer.vkey, installation.chain_pem)
    folders: list[Path] = []
    expected: list[str | None] = []
    for number, name in enumerate(name for name in bundle.NAMES if name != bundle.CHAIN):  # the chain is pinned
        for how in ("gone", "flipped"):
            folder = bundle.unpack(packed, tmp_path / f"{number}-{how}")
            content = bytearray((folder / name).read_bytes())
            content[len(content) // 2] ^= 1
            (folder / name).write_bytes(content)
            if how == "gone":
                (folder / name).unlink()
            folders.append(folder)
    extra = bundle.unpack(packed, tmp_path / "extra")
    (extra / "more").write_bytes(b"")
    folders.append(extra)
    for folder in folders:
        if not (folder / bundle.INDEX).exists():
            expected.append("verify.nothing")
            continue
        try:
            bundle.verify(folder, pins)
            expected.append(None)
        except GgzyError as error:
            expected.append(error.code)
    told = await verdicts(pins, *folders)
    assert [found[0]["code"] for found in told] == expected
    assert None not in expected


async def test_an_export_is_an_event_and_its_owners(
    everywhere: Visitor, local: Visitor, played: Played, installation: Installation
) -> None:
    """Who took out what is in the trail; nobody else fetches the file, and an unknown form is refused."""
    answer = await everywhere.send_form("/supervision/exports", form="csv", kind="notice")
    place = answer.headers["location"]
    assert (await local.get(place)).status_code == 404
    assert (await everywhere.get("/supervision/exports/zz")).status_code == 404
    await jobs.sequence(installation)
    page = await everywhere.get("/supervision/trail?kind=trail.exported")
    assert len(indexes(page.text)) == 1
    async with installation.sessions() as session:
        found = await trail.entry(session, indexes(page.text)[0])
    assert events.verify(found.opening).data["filter"] == {"kind": "notice"}
    assert (await everywhere.send_form("/supervision/exports", form="pdf")).status_code == 422


async def test_what_was_taken_out_is_what_its_reader_may_see(local: Visitor, played: Played) -> None:
    """A local supervisor's file holds their site's entries only, whatever they ask for."""
    rows = list(csv.reader(io.StringIO((await taken_out(local, "csv")).decode("utf-8-sig"))))
    assert {row[8] for row in rows[1:]} == {str(played.here)}


async def test_todays_openings_are_tasks(someone: Maker, played: Played, installation: Installation) -> None:
    """A supervisor's desk names the openings of the day at their sites, and of no other."""
    async with installation.sessions.begin() as session:
        lot_id = await stage.lot(session, key_hash=b"\5" * 32, after=timedelta(seconds=1))
        here = (await someone(Grant(Role.SUPERVISOR, site("152502")))).actor
        there = (await someone(Grant(Role.SUPERVISOR, site("152527")))).actor
        told = await opening_agenda.tasks(session, here)
        assert f"/openings/{lot_id}/1" in [task.path for task in told]
        assert f"/openings/{lot_id}/1" not in [task.path for task in await opening_agenda.tasks(session, there)]


def test_a_zip_of_anything_else_is_refused(tmp_path: Path) -> None:
    """What is no bundle is refused with a code, and nothing is written beside the folder."""
    (tmp_path / "no.zip").write_bytes(b"PK")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as packed:
        packed.writestr("../outside", b"x")
    for name, code in (("no.zip", "bundle.bad_zip"), ("out.zip", "bundle.extra_file")):
        with pytest.raises(GgzyError, match=code):
            bundle.unpack(tmp_path / name, tmp_path / "folder")
    assert not (tmp_path / "outside").exists()
