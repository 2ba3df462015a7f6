"""The readers of a package's parts and its tar: any input is read or refused by GgzyError, nothing lands outside."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies

from archive import receipt
from archive.checkpoint import Checkpoint, sign
from archive.package import bag, entries, index, tar
from archive.package.index import File, Index
from kernel import canonical
from kernel.errors import GgzyError
from tests.archive.filing import FACTS, SIGNER, TRADE

INDEX = Index(TRADE, True, (File("a/b.txt", "notice", "公告", 3, "0" * 64), File("c.pdf", "x", "图", 0, "f" * 64)))
NOTE = sign(Checkpoint(SIGNER.name, 1, bytes(32)), SIGNER).encode()
JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers(-5, 2**40) | strategies.text(max_size=20),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=8), inner),
    max_leaves=12,
)

READERS: dict[str, Callable[[bytes], object]] = {
    "manifest": bag.read_manifest,
    "info": bag.read_info,
    "index": index.decode,
    "metadata": index.read_metadata,
    "receipt": receipt.decode,
    "entries": lambda data: entries.verify(data, NOTE, SIGNER.key, TRADE),
    "checkpoint": lambda data: entries.verify(b"", data, SIGNER.key, TRADE),
}


@pytest.mark.parametrize("name", READERS)
@given(data=strategies.binary(max_size=200) | strategies.text(max_size=100).map(str.encode))
@settings(deadline=None, max_examples=100)
def test_readers_raise_nothing_else_for_bytes(name: str, data: bytes) -> None:
    """Bytes of any sort are read or refused by a stable code."""
    read_or_refuse(READERS[name], data)


@pytest.mark.parametrize("name", ["index", "metadata", "receipt", "entries"])
@given(value=JSON, key=strategies.sampled_from(["files", "trade", "format", "event", "salt", "path", "index", "log"]))
@settings(deadline=None, max_examples=150)
def test_readers_raise_nothing_else_for_json(name: str, value: object, key: str) -> None:
    """Well-formed JSON of the wrong shape, and right shapes with one wrong member, as well."""
    right = {
        "index": json.loads(index.encode(INDEX)),
        "metadata": json.loads(index.describe(FACTS, INDEX.files, log="log")),
        "receipt": {"event": {}, "format": receipt.FORMAT, "log": "log", "salt": "00" * 32},
        "entries": {"event": {}, "index": 0, "path": [], "salt": "00" * 32},
    }[name]
    ending = b"\n" if name == "entries" else b""
    for whole in (value, {**right, key: value}):
        read_or_refuse(READERS[name], canonical.encode(whole) + ending)


def read_or_refuse(read: Callable[[bytes], object], data: bytes) -> None:
    """Read; a GgzyError is an answer, everything else fails the test."""
    try:
        read(data)
    except GgzyError as error:
        assert error.code


def test_what_is_written_is_read() -> None:
    """Index, metadata, manifest and bag-info come back as they were."""
    assert index.decode(index.encode(INDEX)) == INDEX
    assert index.read_metadata(index.describe(FACTS, INDEX.files, log="log"))["件数"] == 2
    digests = {"data/a": "0" * 64, "data/b": "f" * 64}
    assert bag.read_manifest(bag.write_manifest(digests)) == digests
    values = dict.fromkeys(bag.LABELS, "值: x")
    assert bag.read_info(bag.write_info(values)) == values


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../x"},
        {"path": "A.txt"},
        {"size": True},
        {"size": -1},
        {"size": "3"},
        {"role": None},
        {"role": "Not A Role"},
        {"sha256": "0" * 63},
        {"sha256": "G" * 64},
        {"title": ""},
        {"more": 1},
    ],
)
def test_a_wrong_line_of_the_index_is_refused(change: dict[str, object]) -> None:
    """Each member of a file's line has one form."""
    value = json.loads(index.encode(INDEX))
    value["files"][0] |= change
    with pytest.raises(GgzyError, match=r"package\.bad_index"):
        index.decode(canonical.encode(value))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return the header of one member of three bytes."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, 3 if kind == tarfile.REGTYPE else 0
    return info


TARS = {
    "traversal": [member("bag/../../escaped")],
    "an absolute path": [member("/tmp/escaped")],  # noqa: S108 - it must not be written
    "a link": [member("bag/a", tarfile.SYMTYPE, "/etc/passwd")],
    "a hard link": [member("bag/a"), member("bag/b", tarfile.LNKTYPE, "bag/a")],
    "a device": [member("bag/a", tarfile.CHRTYPE)],
    "a name twice": [member("bag/a"), member("bag/a")],
    "two folders": [member("one/a"), member("two/a")],
    "a file at the top": [member("a")],
    "nothing": [],
}


@pytest.mark.parametrize("what", TARS)
def test_a_malicious_tar_is_refused(what: str, tmp_path: Path) -> None:
    """Links, devices, names that lead out and second tops are refused, and nothing lands outside."""
    source = tmp_path / "in" / "bad.tar"
    source.parent.mkdir()
    with tarfile.open(source, "w") as archive:
        for info in TARS[what]:
            archive.addfile(info, io.BytesIO(b"abc") if info.size else None)
    with pytest.raises(GgzyError, match=r"package\.bad_tar"):
        tar.unpack(source, tmp_path / "in" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert {path.name for path in (tmp_path / "in").iterdir()} <= {"bad.tar", "out"}


def test_a_sparse_bomb_is_refused(tmp_path: Path) -> None:
    """A tar of a few blocks that would unpack to a terabyte is refused before anything of it is written."""
    sparse = tarfile.TarInfo("bag/a")
    told = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "bag/a"}
    sparse.pax_headers = {**told, "GNU.sparse.realsize": str(1 << 40)}
    content = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
    sparse.size = len(content)
    source = tmp_path / "bomb.tar"
    with tarfile.open(source, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(sparse, io.BytesIO(content))
    with pytest.raises(GgzyError, match=r"package\.bad_tar"):
        tar.unpack(source, tmp_path / "out")
    assert not (tmp_path / "out" / "bag" / "a").exists()


@given(data=strategies.binary(max_size=600))
@settings(deadline=None, max_examples=50)
def test_any_file_is_unpacked_or_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is no tar at all is refused by the same code."""
    folder = tmp_path_factory.mktemp("tar")
    (folder / "x.tar").write_bytes(data)
    with pytest.raises(GgzyError, match=r"package\.bad_tar"):
        tar.unpack(folder / "x.tar", folder / "out")


def test_a_trades_id_is_a_uuid() -> None:
    """An index of another trade is another trade's: the id is compared as written, in one form."""
    value = json.loads(index.encode(INDEX))
    for wrong in (str(TRADE).upper(), "{" + str(TRADE) + "}", TRADE.hex):
        with pytest.raises(GgzyError, match=r"package\.bad_index"):
            index.decode(canonical.encode({**value, "trade": wrong}))
    assert UUID(value["trade"]) == TRADE
