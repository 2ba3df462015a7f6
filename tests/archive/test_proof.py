"""Proofs and whole logs, checked offline: everything true is accepted, every flipped byte is seen."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import checkpoint as checkpoints
from archive import merkle, note, proof, tiles
from archive.checkpoint import Checkpoint
from archive.note import Key, Signer
from archive.proof import Proof
from kernel.errors import GgzyError

SIGNER = Signer("log.example/ggzy", b"s" * 32)
ENTRIES = [merkle.sha256(n.to_bytes(4, "big")).digest() for n in range(70_000)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
GO = Path(__file__).parent / "golang" / "main.go"


def checkpoint(size: int) -> str:
    """Return the signed checkpoint of the first `size` test entries."""
    return checkpoints.sign(Checkpoint(SIGNER.name, size, merkle.root(LEAVES[:size])), SIGNER)


def prove(index: int, size: int) -> str:
    """Return the tlog-proof of one test entry."""
    path = merkle.prove(merkle.inclusion_spans(index, size), merkle.lookup_in(LEAVES[:size]))
    return proof.encode(Proof(index, tuple(path), checkpoint(size)))


def write_log(folder: Path, size: int) -> Path:
    """Write a log's folder from the definition of tiles alone: each hash is the root over its leaves."""
    (folder / "tile").mkdir(parents=True)
    (folder / "vkey").write_text(f"{SIGNER.vkey}\n")
    (folder / "checkpoint").write_text(checkpoint(size))
    for tile in tiles.tiles_of(size):
        step = 256 ** max(tile.level, 0)
        if tile.level == tiles.ENTRIES:
            data = tiles.join_entries(ENTRIES[tile.begin : tile.end])
        else:
            data = b"".join(merkle.root(LEAVES[n * step : (n + 1) * step]) for n in range(tile.begin, tile.end))
        file = folder / tiles.path(tile)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries."""
    return write_log(tmp_path_factory.mktemp("small") / "log", 600)


@given(st.integers(1, 300), st.data())
def test_every_proof_verifies_for_its_entry_only(size: int, data: st.DataObject) -> None:
    """A proof shows its own entry at its own index, and no other entry."""
    index = data.draw(st.integers(0, size - 1))
    text = prove(index, size)
    assert proof.encode(proof.parse(text)) == text
    assert proof.verify_proof(text, ENTRIES[index], SIGNER.key) == (
        index,
        Checkpoint(SIGNER.name, size, merkle.root(LEAVES[:size])),
    )
    with pytest.raises(GgzyError, match=r"merkle\.not_included"):
        proof.verify_proof(text, ENTRIES[index + 1], SIGNER.key)


def test_every_flipped_bit_of_a_proof_is_seen() -> None:
    """Whichever bit of a proof changes, it proves nothing any more."""
    good = prove(5, 11).encode()
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            with pytest.raises(GgzyError):
                proof.verify_proof(bytes(bad), ENTRIES[5], SIGNER.key)


def test_a_proof_keeps_extra_data() -> None:
    """Extra data is carried, and is not authenticated."""
    made = Proof(0, (), checkpoint(1), b"context")
    assert proof.parse(proof.encode(made)) == made
    assert proof.verify_proof(proof.encode(made), ENTRIES[0], SIGNER.key)[0] == 0


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_nonsense_is_refused_with_our_error_only(data: bytes | str) -> None:
    """Whatever is not a proof raises GgzyError and nothing else."""
    with pytest.raises(GgzyError):
        proof.parse(data)


@given(st.integers(0, 500), st.integers(0, 500), st.text(max_size=3))
def test_a_mangled_proof_is_read_as_it_stands_or_not_at_all(begin: int, end: int, put: str) -> None:
    """What the parser accepts it writes again byte for byte; all else is GgzyError."""
    good = prove(3, 7)
    mangled = good[:begin] + put + good[end:]
    try:
        assert proof.encode(proof.parse(mangled)) == mangled
    except GgzyError as error:
        assert mangled != good, error.code


def test_witnesses_are_counted() -> None:
    """With a quorum, a proof needs that many different witnesses, each with a good cosignature."""
    text = checkpoint(9)
    body = note.parse(text).text
    seeds = {name: name.encode() * 8 for name in ("w1.x", "w2.x")}
    keys = [Key(name, note.COSIGNATURE, bytes(note.SigningKey(seed).verify_key)) for name, seed in seeds.items()]
    lines = [note.cosign(body, name, seed, 1_800_000_000).line for name, seed in seeds.items()]
    assert checkpoints.verify(text + "".join(lines), SIGNER.key, keys, 2).size == 9
    for cosigned in (text, text + lines[0], text + lines[0] * 2):
        with pytest.raises(GgzyError, match=r"checkpoint\.not_witnessed"):
            checkpoints.verify(cosigned, SIGNER.key, keys, 2)
    other = note.cosign(note.parse(checkpoint(8)).text, "w2.x", seeds["w2.x"], 1_800_000_000).line
    with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
        checkpoints.verify(text + lines[0] + other, SIGNER.key, keys, 1)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 513, 70_000])
def test_a_whole_log_derives_again(tmp_path: Path, size: int) -> None:
    """A folder made from the definition of tiles is accepted, at every kind of size."""
    folder = write_log(tmp_path / "log", size)
    head = proof.verify_log(folder, SIGNER.vkey)
    assert (head.size, head.root) == (size, merkle.root(LEAVES[:size]))
    assert list(proof.read_commitments(folder, size)) == ENTRIES[:size]


def test_a_log_of_another_key_is_refused(log: Path) -> None:
    """A pinned key decides; without one the folder's own key does."""
    assert proof.verify_log(log).size == 600
    with pytest.raises(GgzyError, match=r"log\.wrong_key"):
        proof.verify_log(log, Signer("log.example/ggzy", b"t" * 32).vkey)


def test_a_flipped_byte_in_any_file_is_seen(log: Path, tmp_path: Path) -> None:
    """In every file of a log, a changed byte (first, some in the middle, last), a missing and an added one are seen."""
    folder = tmp_path / "log"
    shutil.copytree(log, folder)
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        good = file.read_bytes()
        for bad in changed(good):
            file.write_bytes(bad)
            with pytest.raises(GgzyError):
                proof.verify_log(folder)
        file.unlink()
        with pytest.raises(GgzyError, match=r"log\.missing_file"):
            proof.verify_log(folder)
        file.write_bytes(good)
    assert proof.verify_log(folder).size == 600


def changed(good: bytes) -> Iterator[bytes]:
    """Yield versions of a file that differ in one byte or in length."""
    for place in {0, 1, 2, len(good) // 3, len(good) // 2, len(good) - 33, len(good) - 1}:
        for bit in (1, 32, 128):
            bad = bytearray(good)
            bad[place] ^= bit
            yield bytes(bad)
    yield good[:-1]
    yield good + b"\0"
    yield good + b"\n"
    yield b""
    yield good * 40


@pytest.mark.parametrize(
    "extra", ["tile/0/000", "tile/0/002.p/87", "tile/entries/003", "tile/2/000.p/1", "tile/note.txt"]
)
def test_files_that_are_not_the_logs_are_named(log: Path, tmp_path: Path, extra: str) -> None:
    """A file that a tree of this size does not have is an error that names it."""
    folder = tmp_path / "log"
    shutil.copytree(log, folder)
    existing = (folder / extra).is_file()
    (folder / extra).parent.mkdir(parents=True, exist_ok=True)
    (folder / extra).write_bytes(b"x")
    with pytest.raises(GgzyError) as caught:
        proof.verify_log(folder)
    assert caught.value.code == ("log.wrong_tile" if existing else "log.unexpected_file")
    assert caught.value.params["file"] == extra


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda f: shutil.rmtree(f / "tile"), "log.missing_file"),
        (lambda f: (f / "checkpoint").write_text(checkpoint(599)), "log.missing_file"),
        (lambda f: (f / "checkpoint").write_text(_signed(600, bytes(32))), "log.wrong_root"),
        (lambda f: (f / "vkey").write_bytes(b"\xff\n"), "note.malformed"),
        (lambda f: (f / "vkey").write_text(SIGNER.vkey), "note.malformed"),
        (lambda f: (f / "tile/entries/000").write_bytes(bytes(8704)), "tile.malformed"),
    ],
)
def test_wrong_logs_fail_with_a_stable_code(
    log: Path, tmp_path: Path, prepare: Callable[[Path], object], code: str
) -> None:
    """Each way to be wrong has its own code."""
    folder = tmp_path / "log"
    shutil.copytree(log, folder)
    prepare(folder)
    with pytest.raises(GgzyError) as caught:
        proof.verify_log(folder)
    assert caught.value.code == code


def _signed(size: int, root: bytes) -> str:
    return checkpoints.sign(Checkpoint(SIGNER.name, size, root), SIGNER)


@pytest.fixture(scope="module")
def checklog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built offline from Debian's golang-golang-x-mod-dev."""
    if not shutil.which("go") or not Path("/usr/share/gocode/src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GOFLAGS": "-mod=mod", "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOCACHE": str(folder)}
    subprocess.run(["go", "build", "-o", folder / "checklog", GO], check=True, env=os.environ | settings, cwd=folder)
    return folder / "checklog"


@pytest.mark.debian
@pytest.mark.parametrize("size", [1, 255, 256, 600, 70_000])
def test_go_accepts_checkpoint_tiles_and_proofs(checklog: Path, tmp_path: Path, size: int) -> None:
    """Go's sumdb/note opens our checkpoint, its tlog reads our tiles and takes our proofs; a changed one it refuses."""
    folder = write_log(tmp_path / "log", size)
    indexes = sorted({0, size // 3, size // 2, size - 1})
    inclusion = [
        {
            "Index": i,
            "Entry": base64.b64encode(ENTRIES[i]).decode(),
            "Path": [base64.b64encode(h).decode() for h in proof.parse(prove(i, size)).hashes],
        }
        for i in indexes
    ]
    consistency = [
        {
            "Size": old,
            "Root": base64.b64encode(merkle.root(LEAVES[:old])).decode(),
            "Path": [
                base64.b64encode(h).decode()
                for h in merkle.prove(merkle.consistency_spans(old, size), merkle.lookup_in(LEAVES[:size]))
            ],
        }
        for old in sorted({1, *(i + 1 for i in indexes)})
    ]
    given_ = {"Inclusion": inclusion, "Consistency": consistency}
    assert go(checklog, folder, given_).returncode == 0
    inclusion[0]["Entry"] = base64.b64encode(b"other").decode()
    assert go(checklog, folder, given_).returncode == 1
    bundle = next((folder / "tile" / "entries").rglob("000*"))
    victim = bundle if bundle.is_file() else next(bundle.iterdir())
    victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    assert go(checklog, folder, {}).returncode == 1


def go(program: Path, folder: Path, given_: object) -> subprocess.CompletedProcess[str]:
    """Run the Go program over a folder with proofs on its standard input."""
    return subprocess.run([program, folder], input=json.dumps(given_), text=True, capture_output=True, check=False)
