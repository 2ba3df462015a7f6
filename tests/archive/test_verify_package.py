"""A package that was touched: any byte, any file, any name, with or without its manifests made to fit again."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from archive.note import Signer
from archive.package import bag, verify
from archive.package.builder import build
from archive.recipe import Pins
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.archive.filing import FACTS, REQUIRED, SIGNER, give, make, play, whole


@pytest.fixture
async def package(session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Path:
    """A whole package."""
    return (await make(session, store, authority, tmp_path / "bag")).path


@pytest.fixture
def pins(authority: LocalAuthority) -> Pins:
    """The keys that the verifier trusts."""
    return Pins(SIGNER.vkey, authority.chain_pem)


def refused(folder: Path, pins: Pins) -> str:
    """Verify and return the code of the refusal; a package that is accepted fails the test."""
    with pytest.raises(GgzyError) as caught:
        verify(folder, pins)
    return caught.value.code


def positions(path: Path, size: int) -> Iterator[int]:
    """All positions of a small tag file, a dozen of any other, its ends among them."""
    every = "data" not in path.parts and size <= 1200
    yield from range(0, size, 1 if every else -(-size // 12))
    yield size - 1


def test_any_flipped_byte_is_found(package: Path, pins: Pins) -> None:
    """Tag files byte by byte, payload files at many places: nothing can change."""
    for path in sorted(path for path in package.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for position in positions(path.relative_to(package), len(content)):
            changed = bytearray(content)
            changed[position] ^= 0x20 if position % 2 else 0x01
            path.write_bytes(changed)
            assert refused(package, pins)
        path.write_bytes(content)
    verify(package, pins)


def fit(package: Path) -> None:
    """Make manifests and bag-info fit what is there, as a forger without the log's key would."""
    files = sorted(path for path in (package / "data").rglob("*") if path.is_file())
    digests = {p.relative_to(package).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    (package / bag.MANIFEST).write_bytes(bag.write_manifest(digests))
    info = bag.read_info((package / "bag-info.txt").read_bytes())
    info["Payload-Oxum"] = f"{sum(p.stat().st_size for p in files)}.{len(files)}"
    (package / "bag-info.txt").write_bytes(bag.write_info(info))
    tags = {name: hashlib.sha256((package / name).read_bytes()).hexdigest() for name in bag.TAGS}
    (package / bag.TAG_MANIFEST).write_bytes(bag.write_manifest(tags))


def test_a_forger_without_the_key_is_found(package: Path, pins: Pins) -> None:
    """A changed document with manifests and index made to fit fails at the signature."""
    path, index = package / "data/documents/quantities.csv", package / "data/index.json"
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes().replace(b"100", b"999"))
    fit(package)
    assert refused(package, pins) == "package.wrong_index"
    index.write_bytes(index.read_bytes().replace(old.encode(), hashlib.sha256(path.read_bytes()).hexdigest().encode()))
    fit(package)
    assert refused(package, pins) == "package.wrong_signature"


async def test_anothers_package_passes_only_unpinned(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path, pins: Pins
) -> None:
    """A package signed by a key of somebody's own proves only itself: pinned keys refuse it."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"x")), authority)
    forger = Signer(SIGNER.name, bytes(32))
    with pytest.raises(GgzyError, match=r"package\.check_failed"):
        await build(give(items), tmp_path / "bag", FACTS, store=store, signer=forger, required=REQUIRED)
    built = await build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)
    verify(built.path, Pins())
    assert refused(built.path, Pins(vkey=forger.key.vkey)) == "note.wrong_signature"
    assert refused(built.path, Pins(SIGNER.vkey, b"")) == "timestamp.bad_chain"


def test_a_line_taken_out_of_the_entries_is_found(package: Path, pins: Pins) -> None:
    """Dropping, repeating or reordering entries, and editing one, fails even with manifests that fit."""
    path = package / "data/log/entries.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    for lines in (
        first,
        second,
        first + first + second,
        second + first,
        first + second[:-1],
        b"",
        first + b"\n" + second,
    ):
        path.write_bytes(lines)
        fit(package)
        assert refused(package, pins)


def link(path: Path) -> None:
    """Put a link to its own content in a file's place."""
    path.rename(path.parent.parent / "moved")
    path.symlink_to(path.parent.parent / "moved")


def deepen(folder: Path) -> None:
    """Put a file forty folders down."""
    for _ in range(40):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "f").write_text("x")


MALICIOUS: dict[str, Callable[[Path], object]] = {
    "a file more": lambda p: (p / "data/extra.txt").write_text("x"),
    "a tag file more": lambda p: (p / "readme.txt").write_text("x"),
    "a hidden file": lambda p: (p / "data/.hidden").write_text("x"),
    "a file less": lambda p: (p / "data/notices/notice.pdf").unlink(),
    "no manifest": lambda p: (p / bag.MANIFEST).unlink(),
    "no signature": lambda p: (p / bag.SIGNED).unlink(),
    "a symbolic link": lambda p: (p / "data/link.txt").symlink_to("/etc/hostname"),
    "a linked folder": lambda p: (p / "data/away").symlink_to("/etc"),
    "a linked manifest": lambda p: link(p / bag.MANIFEST),
    "a Chinese name": lambda p: (p / "data/文件.txt").write_text("x"),
    "a name in capitals": lambda p: (p / "data/Notice.pdf").write_text("x"),
    "a huge name": lambda p: (p / "data" / ("x" * 250)).write_text("x"),
    "a deep folder": lambda p: deepen(p / "data"),
}


@pytest.mark.parametrize("what", MALICIOUS)
def test_what_does_not_belong_is_found(what: str, package: Path, pins: Pins) -> None:
    """Extra, missing, linked and oddly named files are refused, manifests fitting or not."""
    MALICIOUS[what](package)
    assert refused(package, pins).startswith("package.")


def lines_of(package: Path) -> list[str]:
    """Return the payload manifest's lines."""
    return (package / bag.MANIFEST).read_text().splitlines(keepends=True)


MANIFESTS: dict[str, Callable[[list[str]], list[str]]] = {
    "traversal": lambda lines: [f"{'0' * 64}  ../../etc/passwd\n", *lines],
    "an absolute path": lambda lines: [f"{'0' * 64}  /etc/passwd\n", *lines],
    "a line twice": lambda lines: [lines[0], *lines],
    "a path twice": lambda lines: [lines[0], f"{'0' * 64}{lines[0][64:]}", *lines[1:]],
    "capitals": lambda lines: [lines[0][:64].upper() + lines[0][64:], *lines[1:]],
    "another order": lambda lines: lines[::-1],
    "one space": lambda lines: [lines[0].replace("  ", " "), *lines[1:]],
    "an empty line": lambda lines: [*lines, "\n"],
    "no last newline": lambda lines: [*lines[:-1], lines[-1].rstrip("\n")],
    "a huge name": lambda lines: [*lines, f"{'0' * 64}  data/{'x' * 100_000}\n"],
    "nothing": lambda lines: lines[:0],
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_malformed_manifests_are_refused(what: str, package: Path, pins: Pins) -> None:
    """A payload manifest has exactly one form, whatever the tag manifest says of it."""
    (package / bag.MANIFEST).write_text("".join(MANIFESTS[what](lines_of(package))))
    tags = {name: hashlib.sha256((package / name).read_bytes()).hexdigest() for name in bag.TAGS}
    (package / bag.TAG_MANIFEST).write_bytes(bag.write_manifest(tags))
    assert refused(package, pins) in {"package.bad_manifest", "package.missing_file", "package.extra_file"}


def test_an_empty_folder_is_no_package(tmp_path: Path, pins: Pins) -> None:
    """Nothing at all, and a bag cut short at any file, are refused."""
    assert refused(tmp_path, pins) == "package.missing_file"
    assert refused(tmp_path / "none", pins) == "package.missing_file"


def test_progress_tells_every_byte(package: Path, pins: Pins, tmp_path: Path) -> None:
    """The sum of what progress is told is the payload's size; a copy of a package verifies like the original."""
    told: list[int] = []
    shutil.copytree(package, tmp_path / "copy")
    _, steps = verify(tmp_path / "copy", pins, progress=told.append)
    assert sum(told) == int(steps[3].detail)
