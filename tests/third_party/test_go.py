"""Go's own log libraries, sumdb/note and sumdb/tlog, over what the demo mirrored and what bidders were given."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flows.played import Played

PROGRAM = Path(__file__).parents[1] / "archive" / "golang" / "main.go"
SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")


@pytest.fixture(scope="module")
def checklog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built offline from Debian's golang-golang-x-mod-dev."""
    if not shutil.which("go") or not SOURCES.is_dir():
        pytest.skip("apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GOFLAGS": "-mod=mod", "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOCACHE": str(folder)}
    subprocess.run(
        ["go", "build", "-o", folder / "checklog", PROGRAM], check=True, env=os.environ | settings, cwd=folder
    )
    return folder / "checklog"


def go(program: Path, folder: Path, inclusion: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    """Run the program over a log and the proofs of some entries."""
    given = json.dumps({"Inclusion": inclusion})
    return subprocess.run([program, folder], input=given, text=True, capture_output=True, check=False)


@pytest.mark.debian("go")
def test_go_reads_the_whole_log(demo: Played, checklog: Path) -> None:
    """The checkpoint opens with the vkey, and every tile and entry hashes up to its root."""
    size = int((demo.out / "log" / "checkpoint").read_text().split("\n")[1])
    done = go(checklog, demo.out / "log", [])
    assert (done.returncode, done.stdout.split()[:2]) == (0, [str(size), "entries,"]), done.stderr


@pytest.mark.debian("go")
def test_go_accepts_the_proof_of_every_receipt(demo: Played, checklog: Path, tmp_path: Path) -> None:
    """Each under the older checkpoint that it came with, which is a prefix of the log as it is now."""
    for receipt in sorted((demo.out / "bids").iterdir()):
        head, _, note = (receipt / "receipt.proof").read_text().partition("\n\n")
        _, index, *path = head.split("\n")
        size, place = int(note.split("\n")[1]), int(index.removeprefix("index "))
        older = cut(demo.out / "log", size, note, tmp_path / receipt.name)
        entry = older / "tile" / "entries" / f"{place // 256:03d}"
        bundle = entry if entry.is_file() else next(entry.with_name(f"{entry.name}.p").iterdir())
        start = place % 256 * 34
        leaf = bundle.read_bytes()[start + 2 : start + 34]
        proof = {"Index": place, "Entry": base64.b64encode(leaf).decode(), "Path": path}
        done = go(checklog, older, [proof])
        assert (done.returncode, "1 inclusion proofs" in done.stdout) == (0, True), done.stderr
        assert go(checklog, older, [proof | {"Index": place - 1}]).returncode == 1


@pytest.mark.debian("go")
def test_go_reads_the_archived_checkpoint(demo: Played, checklog: Path, tmp_path: Path) -> None:
    """The checkpoint in the bag is that of the log's own past, and all the trade's entries are proven under it."""
    note = (demo.bag / "log" / "checkpoint").read_text()
    size = int(note.split("\n")[1])
    older = cut(demo.out / "log", size, note, tmp_path / "older")
    lines = [json.loads(line) for line in (demo.bag / "log" / "entries.jsonl").read_text("utf-8").splitlines()]
    bundles = b"".join(path.read_bytes() for path in files(older / "tile" / "entries"))
    proofs: list[dict[str, object]] = [
        {
            "Index": one["index"],
            "Entry": base64.b64encode(bundles[one["index"] * 34 + 2 : one["index"] * 34 + 34]).decode(),
            "Path": [base64.b64encode(bytes.fromhex(step)).decode() for step in one["path"]],
        }
        for one in lines
    ]
    done = go(checklog, older, proofs)
    assert (done.returncode, f"{len(lines)} inclusion proofs" in done.stdout) == (0, True), done.stderr


def files(folder: Path) -> list[Path]:
    """Return a level's tiles in order: the full ones, then the partial one."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def cut(log: Path, size: int, note: str, out: Path) -> Path:
    """Write the log as it was at a smaller size: hashes once published never change, so its tiles are prefixes."""
    out.mkdir()
    shutil.copy(log / "vkey", out)
    (out / "checkpoint").write_text(note)
    for level, width, count in (("0", 32, size), ("1", 32, size // 256), ("entries", 34, size)):
        data = b"".join(path.read_bytes() for path in files(log / "tile" / level))[: count * width]
        assert len(data) == count * width
        for number in range(-(-count // 256)):
            tile = data[number * 256 * width : (number + 1) * 256 * width]
            name = f"{number:03d}" if len(tile) == 256 * width else f"{number:03d}.p/{len(tile) // width}"
            path = out / "tile" / level / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tile)
    return out
