"""The browser's checks and `ggzy verify` give one verdict: the same steps on what is sound, else the same refusal."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api import artefacts
from api.verifier import Verifier
from archive import receipt as receipts
from archive import receipt_code, receipt_zip, trail
from archive.feed import export_log
from archive.package import tar
from archive.recipe import Pins
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from kernel.errors import GgzyError
from tests.archive.filing import SIGNER, TRADE, make
from tests.js.browser import verdicts


@pytest.fixture
async def sound(session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Path:
    """A package, a receipt with its proof and its sealed bid, the same from paper, the log."""
    out = tmp_path / "sound"
    out.mkdir()
    bag = (await make(session, store, authority, out / "archive")).path
    shutil.copytree(bag / "data/bids/1", out / "bids/1")
    told = receipts.decode((out / "bids/1/receipt.json").read_bytes())
    (out / "bids/1/receipt.proof").write_text(await trail.proof(session, told.commitment))
    (out / "paper").mkdir()
    given = receipts.Files.read(out / "bids/1")
    (out / "paper/scanned.txt").write_text(f"{receipt_code.write(given.content, given.token)}\r\n")
    await export_log(session, out / "log", SIGNER.vkey)
    return out


@pytest.fixture
def pins(authority: LocalAuthority) -> Pins:
    """The keys that the verifier trusts."""
    return Pins(SIGNER.vkey, authority.chain_pem)


def python(pins: Pins, path: Path) -> str | None:
    """Return the first refusal of `ggzy verify`, None when everything holds."""
    verifier = Verifier(pins)
    try:
        for artefact in artefacts.find(path):
            verifier.verify(artefact)
    except GgzyError as error:
        return error.code
    return None


async def test_both_tell_the_same_steps(sound: Path, pins: Pins) -> None:
    """On sound artefacts the browser shows the numbers, names and figures that the command prints."""
    (told,) = await verdicts(pins, sound)
    found = {(one["sort"], one["path"].split("/")[0]): one for one in told}
    sorts = [("package", "archive"), ("receipt", "bids"), ("log", "log"), ("receipt", "paper")]
    assert {place: one["code"] for place, one in found.items()} == dict.fromkeys(sorts)
    verifier = Verifier(pins)
    for artefact in artefacts.find(sound):
        steps = [{"number": s.number, "name": s.name, "detail": s.detail} for s in verifier.verify(artefact)]
        place = artefact.path.relative_to(sound).parts[0]
        shown = sorted(found[artefact.sort, place]["steps"], key=lambda step: step["number"])
        assert shown[-1:] == steps if artefact.sort == "log" else shown == steps
        assert artefact.sort != "receipt" or steps[-1]["name"] == "filed"


async def test_a_tar_and_its_folder_are_one_package(sound: Path, pins: Pins, tmp_path: Path) -> None:
    """The tar as it is served is read without unpacking it, and cut short it is refused."""
    packed = tmp_path / "package.tar"
    packed.write_bytes(b"".join([chunk async for chunk in tar.stream(sound / "archive", str(TRADE))]))
    (tmp_path / "cut.tar").write_bytes(packed.read_bytes()[:2000])
    (whole,), (cut,) = await verdicts(pins, packed, tmp_path / "cut.tar")
    assert (whole["code"], len(whole["steps"])) == (None, 10)
    assert cut["code"] == "package.bad_tar"


async def test_what_people_have_is_found(sound: Path, pins: Pins, tmp_path: Path) -> None:
    """Receipts under other names, zipped by people or by us, a zip in a folder; two are two; cut zips are refused."""
    names = ("receipt.json", "receipt.digest", "receipt.tsr", "receipt.proof", "bid.sealed")
    loose, folder, packed = tmp_path / "loose", tmp_path / "folder", tmp_path / "mine.zip"
    loose.mkdir()
    folder.mkdir()
    for stem in ("receipt (1)", "withdrawal-receipt"):
        for name in names[:-1]:
            shutil.copy(sound / "bids/1" / name, loose / f"{stem}{Path(name).suffix}")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.mkdir("回执")
        for name in names:
            made.write(sound / "bids/1" / name, f"回执/{name}")
    shutil.copy(packed, folder / "inner.zip")
    (tmp_path / "cut.zip").write_bytes(packed.read_bytes()[:-30])
    served = tmp_path / "receipt.zip"
    served.write_bytes(receipt_zip.pack({name: (sound / "bids/1" / name).read_bytes() for name in names[:-1]}))
    (artefact,) = artefacts.find(served)
    assert [step.number for step in Verifier(pins).verify(artefact)] == [1, 2, 3, 4, 5, 7]
    two, one, inner, cut, given = await verdicts(pins, loose, packed, folder, tmp_path / "cut.zip", served)
    assert [(found["code"], len(found["steps"])) for found in given] == [(None, 6)]
    assert [(found["code"], len(found["steps"])) for found in two] == [(None, 6), (None, 6)]
    assert [(found["code"], len(found["steps"])) for found in one + inner] == [(None, 7), (None, 7)]
    assert [found["code"] for found in cut] == ["verify.bad_zip"]


def replaced(path: str, old: bytes, new: bytes) -> Callable[[Path], object]:
    """Return a change of a file's first bytes of one kind into others."""
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes().replace(old, new, 1))


def without(path: str) -> Callable[[Path], object]:
    """Return the removal of a file."""
    return lambda folder: (folder / path).unlink()


def with_file(path: str, content: bytes = b"x") -> Callable[[Path], object]:
    """Return the addition of a file."""
    return lambda folder: (folder / path).write_bytes(content)


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a document": ("archive", replaced("data/documents/quantities.csv", b"100", b"999")),
    "a file too many": ("archive", with_file("data/more.txt")),
    "a name in capitals": ("archive", with_file("data/More.txt")),
    "a file too few": ("archive", without("data/documents/quantities.csv")),
    "no manifest": ("archive", without("manifest-sha256.txt")),
    "a manifest in capitals": ("archive", replaced("manifest-sha256.txt", b"a", b"A")),
    "another declaration": ("archive", replaced("bagit.txt", b"1.0", b"1.1")),
    "another sum": ("archive", replaced("bag-info.txt", b"Oxum: ", b"Oxum: 1")),
    "an entry": ("archive", replaced("data/log/entries.jsonl", b"bid.received", b"bid.receives")),
    "the package's note": ("archive", replaced("manifest.note", b"ggzy", b"gggy")),
    "a receipt's time": ("bids/1", replaced("receipt.json", b'"at":"2', b'"at":"3')),
    "a receipt's digest": ("bids/1", replaced("receipt.digest", b"\n", b"")),
    "a receipt's token": ("bids/1", replaced("receipt.tsr", b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x02")),
    "a token cut short": (
        "bids/1",
        lambda folder: with_file("receipt.tsr", (folder / "receipt.tsr").read_bytes()[:-1])(folder),
    ),
    "a code's last letter": (
        "paper",
        lambda folder: with_file("scanned.txt", (folder / "scanned.txt").read_bytes()[:-3])(folder),
    ),
    "a code in small letters": ("paper", replaced("scanned.txt", b"GGZY1:", b"GGZY1:a")),
    "no token": ("bids/1", without("receipt.tsr")),
    "a proof's index": ("bids/1", replaced("receipt.proof", b"index ", b"index 1")),
    "a proof's form": ("bids/1", replaced("receipt.proof", b"@v1", b"@v2")),
    "the sealed bid's last byte": (
        "bids/1",
        lambda folder: with_file("bid.sealed", (folder / "bid.sealed").read_bytes()[:-1] + b"\0")(folder),
    ),
    "the sealed bid's end": (
        "bids/1",
        lambda folder: with_file("bid.sealed", (folder / "bid.sealed").read_bytes()[:-1])(folder),
    ),
    "the sealed bid's manifest": ("bids/1", replaced("bid.sealed", b'"lot":"0', b'"lot":"1')),
    "no sealed bid at all": ("bids/1", with_file("bid.sealed", b"PK")),
    "a checkpoint": ("log", replaced("checkpoint", b"ggzy", b"gggy")),
    "a log's key": ("log", replaced("vkey", b"+", b"++")),
    "a log without a tile": ("log", lambda folder: next((folder / "tile/0").rglob("0*/*")).unlink()),
    "a log with a file too many": ("log", with_file("tile/more")),
}


async def test_both_refuse_the_same(sound: Path, pins: Pins, tmp_path: Path) -> None:
    """Whatever is changed, browser and command name the same first thing wrong."""
    folders = []
    for number, (what, (place, change)) in enumerate(CHANGES.items()):
        folder = tmp_path / f"{number}"
        shutil.copytree(sound / place, folder / place)
        change(folder / place)
        folders.append((what, folder, python(pins, folder)))
    told = await verdicts(pins, *(folder for _, folder, _ in folders))
    shown = {
        what: next((a["code"] for a in found if a["code"]), None)
        for (what, *_), found in zip(folders, told, strict=True)
    }
    assert shown == {what: code for what, _, code in folders}
    assert [what for what, code in shown.items() if code is None] == []


async def test_every_byte_of_a_package_counts_in_the_browser_too(sound: Path, pins: Pins, tmp_path: Path) -> None:
    """A flipped byte at a dozen places of each file of a small package is found."""
    folders = []
    for path in sorted(path for path in (sound / "archive").rglob("*") if path.is_file()):
        for position in {0, path.stat().st_size // 2, path.stat().st_size - 1}:
            folder = tmp_path / f"{len(folders)}" / "bag"
            shutil.copytree(sound / "archive", folder)
            content = bytearray(path.read_bytes())
            content[position] ^= 0x21
            (folder / path.relative_to(sound / "archive")).write_bytes(content)
            folders.append(folder)
    told = await verdicts(pins, *folders)
    assert [str(folder) for folder, found in zip(folders, told, strict=True) if not found[0]["code"]] == []
