"""Packages: built whole or not at all, the same bytes from the same items, accepted by other people's tools."""

import asyncio
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import bagit
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import receipt as receipts
from archive import trail
from archive.package import Item, Stored, properties, service, verify
from archive.package import tar as tars
from archive.package.builder import build
from archive.package.item import check
from archive.package.service import Desk, Filed, filed
from archive.recipe import Pins, Step
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from kernel.actor import Actor, Grant, Role, site
from kernel.database import Sessions
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.archive.filing import ARCHIVIST, FACTS, REQUIRED, SIGNER, TRADE, file, give, make, pack, play, whole


@pytest.fixture
def desk(store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Desk:
    """What a filing works with, its scratch in the test's own folder."""
    return Desk(store, authority, authority.chain_pem, SIGNER, SeededEntropy(b"filing"), tmp_path / "scratch")


async def test_others_tools_accept_the_bag(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """`bagit` validates it, `sha256sum -c` checks both manifests, `ggzy`'s own recipe holds against pinned keys."""
    built = await make(session, store, authority, tmp_path / "bag")
    assert bagit.Bag(str(built.path)).validate()
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        await asyncio.to_thread(run, "sha256sum", "--strict", "--quiet", "-c", manifest, folder=built.path)
    holding, steps = verify(built.path, Pins(SIGNER.vkey, authority.chain_pem))
    assert [step.number for step in steps] == list(range(1, 10))
    assert steps[3].detail == str(built.size)
    assert steps[7].detail == "2"
    assert (holding.trade, holding.digest, holding.logged.entries) == (TRADE, built.digest, 2)


async def test_the_same_items_give_the_same_bytes(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Two builds of the same items differ in no byte, and what a killed build left is thrown away."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    (tmp_path / "second.partial" / "data").mkdir(parents=True)
    (tmp_path / "second.partial" / "data" / "left").write_text("half")
    trees = []
    for name in ("first", "second"):
        await build(give(items), tmp_path / name, FACTS, store=store, signer=SIGNER, required=REQUIRED)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        trees.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert trees[0] == trees[1]
    assert not left(tmp_path, "*.partial")


async def test_an_incomplete_trade_is_not_filed(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Every missing role is named, and nothing is left on disk."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    required = (*REQUIRED, "award_notice", "draw_transcript")
    with pytest.raises(GgzyError) as caught:
        await build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=required)
    assert (caught.value.code, caught.value.params["missing"]) == (
        "package.incomplete",
        "award_notice、draw_transcript",
    )
    assert left(tmp_path, "bag*") == []


WRONG = {
    "package.duplicate_path": Item("notices/notice.pdf", "notice", "again", b"x"),
    "package.wrong_content": Item("a.txt", "notice", "x", Stored((b"abc",), 3, "0" * 64)),
    "store.missing": Item("a.txt", "notice", "x", Stored(("no/such/part",))),
    "package.bad_item": Item("../a.txt", "notice", "x", b"x"),
}


@pytest.mark.parametrize("code", WRONG)
async def test_a_wrong_item_stops_the_build(
    code: str, session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """A path given twice, content that is not what was promised, a missing object, a path that leads out."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    with pytest.raises(GgzyError) as caught:
        await build(give([*items, WRONG[code]]), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)
    assert caught.value.code == code
    assert not (tmp_path / "bag").exists()


LEADING_OUT = ["", "/a", "a/", "a//b", "a/../b", "./a", ".a", "a\\b", "a\n", "a/" * 9 + "b", "x" * 181]
UNPORTABLE = ["A.pdf", "a b", "文件.pdf", "con.txt", "x/nul"]
TAKEN = ["index.json", "metadata.json", "report/x.pdf"]


@pytest.mark.parametrize("path", [*LEADING_OUT, *UNPORTABLE, *TAKEN])
def test_paths_are_plain(path: str) -> None:
    """Only lower-case ASCII paths that every file system can hold are taken, and none of the package's own."""
    with pytest.raises(GgzyError, match=r"package\.bad_item"):
        check(Item(path, "notice", "x", b""))


PDF = b"%PDF-1.7\n"
END = b"\nstartxref\n9\n%%EOF"
CONTENTS = {
    "encryption": ("a.pdf", PDF + b"trailer << /Encrypt 5 0 R >>" + END, "failed"),
    "malware": ("a.txt", b"MZ" + bytes(10), "failed"),
    "contents": ("a.txt", b"", "failed"),
    "formats": ("a.json", b"{", "warned"),
    "active": ("a.pdf", PDF + b"/S /JavaScript" + END, "warned"),
}


@pytest.mark.parametrize("check_name", CONTENTS)
async def test_the_four_properties_are_checked(
    check_name: str, session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Encrypted, executable and empty files are not filed; doubtful ones are, with a warning in the report."""
    path, content, outcome = CONTENTS[check_name]
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    items.append(Item(f"documents/{path}", "tender_documents", "附件", content))
    building = build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)
    if outcome == "failed":
        with pytest.raises(GgzyError) as caught:
            await building
        assert caught.value.params == {"check": check_name, "path": f"documents/{path}"}
        return
    report = json.loads(((await building).path / "data/report/four-properties.json").read_bytes())
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert (findings[check_name]["outcome"], findings[check_name]["path"]) == ("warned", f"documents/{path}")
    assert [f["name"] for f in report["findings"] if f["outcome"] != "passed"] == [check_name]


async def test_a_forged_receipt_is_not_filed(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """A receipt whose token is another's fails the check of authenticity."""
    items = await play(session, store, authority, SeededEntropy(b"x"))
    by_path = {item.path: item for item in items}
    forged = replace(by_path["bids/1/receipt.tsr"], source=by_path["bids/2/receipt.tsr"].source)
    items[items.index(by_path["bids/1/receipt.tsr"])] = forged
    items = await whole(session, items, authority)
    with pytest.raises(GgzyError, match=r"package\.check_failed"):
        await build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)


async def test_filing_records_and_stores(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk, tmp_path: Path
) -> None:
    """The tar in the store unpacks to a bag that verifies; its receipt opens `trade.archived`; twice is once."""
    items = await play(session, store, authority, desk.entropy)
    packed = await pack(session, items, desk)
    result = await service.complete(session, ARCHIVIST, FACTS, packed, desk)
    again = await service.complete(session, ARCHIVIST, FACTS, packed, desk)
    assert again == result == await filed(session, ARCHIVIST, TRADE)
    packed = tmp_path / "package.tar"
    packed.write_bytes(b"".join([chunk async for chunk in store.get(result.key)]))
    assert packed.stat().st_size == result.size
    with tarfile.open(packed) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {str(TRADE)}
    folder = tars.unpack(packed, tmp_path / "unpacked")
    holding, _ = verify(folder, Pins(SIGNER.vkey, authority.chain_pem))
    files = receipts.Files(result.receipt, f"{sha256(result.receipt).hexdigest()}\n".encode(), result.token)
    receipt, _ = receipts.verify(files, authority.chain_pem, None)
    assert (receipt.event.kind, receipt.event.data["package"]) == ("trade.archived", result.digest.hex())
    assert holding.check_receipt(receipt) == Step(8, "filed", "2")
    await service.clear(TRADE, desk)
    assert left(tmp_path / "scratch", "*") == []


async def test_two_filings_at_once_are_one(
    sessions: Sessions, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """With real commits, two archivists filing the same trade get the same package, and the trail has one event."""
    async with sessions.begin() as session:
        items = await play(session, store, authority, desk.entropy)
        packed = await pack(session, items, desk)

    async def complete() -> Filed:
        async with sessions.begin() as session:
            return await service.complete(session, ARCHIVIST, FACTS, packed, desk)

    results = await asyncio.gather(*(complete() for _ in range(4)))
    assert len(set(results)) == 1
    async with sessions.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM event WHERE kind = 'trade.archived'")) == 1
    assert [key async for key in store.keys("packages/")] == [results[0].key]


async def test_a_filed_package_is_final(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """The row of a package is evidence: the database refuses to change or remove it."""
    items = await play(session, store, authority, desk.entropy)
    await file(session, items, desk)
    with pytest.raises(IntegrityError, match="evidence"):
        await session.execute(text("DELETE FROM package"))


async def test_in_earnest_the_package_is_retained(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """Outside a sandbox the stored package can be neither deleted nor replaced for as long as the rules say."""
    items = await play(session, store, authority, desk.entropy, sandbox=False)
    earnest = replace(FACTS, sandbox=False)
    result = await file(session, items, desk, earnest)
    with pytest.raises(GgzyError, match=r"store\.retained"):
        await store.delete(result.key)


async def test_play_is_not_filed_as_real(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """A package that does not say that it is of a sandbox holds no entry of one: it is neither built nor verified."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"play")), authority)
    earnest = replace(FACTS, sandbox=False)
    with pytest.raises(GgzyError, match=r"package\.check_failed"):
        await build(give(items), tmp_path / "bag", earnest, store=store, signer=SIGNER, required=REQUIRED)
    with pytest.MonkeyPatch.context() as blind:
        blind.setattr(properties, "examine", lambda *_: properties.Report(()))
        bag = await build(give(items), tmp_path / "bag", earnest, store=store, signer=SIGNER, required=REQUIRED)
    with pytest.raises(GgzyError, match=r"package\.wrong_sandbox"):
        verify(bag.path, Pins(SIGNER.vkey, authority.chain_pem))


async def test_filing_waits_for_the_log(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """While an event of the trade is not in the log, the package would have a gap: it is not filed."""
    items = await play(session, store, authority, desk.entropy)
    await trail.record(session, ARCHIVIST, "award.decided", {}, trade=TRADE, entropy=desk.entropy)
    with pytest.raises(GgzyError, match=r"trail\.not_sequenced"):
        await file(session, items, desk)


async def test_a_killed_filing_is_taken_up(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """The whole bag that a killed filing left is filed as it is, without its items; a reading aside changes nothing."""
    first = await pack(session, await play(session, store, authority, desk.entropy), desk)
    await trail.record(session, ARCHIVIST, "trail.exported", {}, trade=TRADE, entropy=desk.entropy)
    second = await pack(session, [], desk)
    assert second == first
    assert (await service.complete(session, ARCHIVIST, FACTS, second, desk)).digest == first.bag.digest


async def test_a_trade_that_goes_on_is_not_filed(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """What is recorded after the bag was gathered stops its filing; the next one builds it anew with that entry."""
    items = await play(session, store, authority, desk.entropy)
    packed = await pack(session, items, desk)
    await trail.record(session, ARCHIVIST, "award.decided", {}, trade=TRADE, entropy=desk.entropy)
    with pytest.raises(GgzyError, match=r"package\.outdated"):
        await service.complete(session, ARCHIVIST, FACTS, packed, desk)
    await trail.sequence(session, SIGNER, entropy=desk.entropy)
    result = await file(session, items, desk)
    assert [key async for key in store.keys("packages/")] == [result.key] != [packed.key]
    assert receipts.decode(result.receipt).event.data["entries"] == packed.bag.logged.entries + 1


async def test_only_the_sites_archivist_files(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, desk: Desk
) -> None:
    """For everybody else, an archivist of another site among them, there is no package."""
    packed = await pack(session, await play(session, store, authority, desk.entropy), desk)
    for grants in ({Grant(Role.ARCHIVIST, site("152527"))}, {Grant(Role.SUPERVISOR, "*")}, set()):
        other = Actor(ARCHIVIST.user_id, "别人", frozenset(grants))
        with pytest.raises(GgzyError, match=r"package\.not_found"):
            await service.complete(session, other, FACTS, packed, desk)
        with pytest.raises(GgzyError, match=r"package\.not_found"):
            await filed(session, other, TRADE)


def test_a_killed_build_is_done_again(tmp_path: Path) -> None:
    """Kill -9 in the middle of a build leaves no bag under the final name."""
    script = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from archive.package import Item; from archive.package.builder import build\n"
        "from archive.store import FolderStore\n"
        "from tests.archive.filing import FACTS, SIGNER\n"
        "async def items():\n"
        "    yield Item('a.txt', 'notice', 'x', b'x')\n"
        "    os.kill(os.getpid(), 9)\n"
        "root = Path(sys.argv[1])\n"
        "asyncio.run(build(items(), root / 'bag', FACTS, store=FolderStore(root / 's'), signer=SIGNER, required=()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "bag").exists()
    assert (tmp_path / "bag.partial").exists()


def run(*command: str, folder: Path) -> None:
    """Run a command in a folder; a non-zero exit fails the test."""
    subprocess.run(command, cwd=folder, check=True)


def left(folder: Path, pattern: str) -> list[Path]:
    """Return what lies in a folder."""
    return list(folder.glob(pattern))
