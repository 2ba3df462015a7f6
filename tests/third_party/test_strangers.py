"""Programs by strangers, made from the specifications alone, agree with what the demo filed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.played import Played

HERE = Path(__file__).parent
LOG, SHARES = HERE / "stranger_log.py", HERE / "stranger_shares.py"
OPENER = HERE.parent / "vectors" / "sealing" / "stranger.py"
OURS = {"kernel", "archive", "trading", "bidding", "experts", "api", "tests"}
PASSPHRASE = "demo-passphrase"


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a stranger in an interpreter that looks for modules neither here nor in the environment."""
    command = [sys.executable, "-I", str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", [LOG, SHARES, OPENER], ids=lambda path: path.stem)
def test_strangers_use_nothing_of_ours(program: Path) -> None:
    """Each imports the standard library, `cryptography`, and at most libsodium's bare functions."""
    lines = program.read_text("utf-8").splitlines()
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported.isdisjoint(OURS)
    assert imported - sys.stdlib_module_names <= {"cryptography", "nacl"}


def test_a_stranger_proves_every_entry_of_the_trade(demo: Played) -> None:
    """Each line of entries.jsonl opens a commitment that is in the log under the archived checkpoint."""
    done = run(LOG, demo.bag / "log")
    assert done.returncode == 0, done.stderr
    count, size = map(int, done.stdout.split())
    assert count == len((demo.bag / "log" / "entries.jsonl").read_text("utf-8").splitlines())
    assert size == int((demo.bag / "log" / "checkpoint").read_text().split("\n")[1])


def test_a_stranger_proves_every_receipt(demo: Played) -> None:
    """The proof that each bidder fetched shows their receipt's entry in the log."""
    folders = sorted((demo.out / "bids").iterdir())
    for folder in folders:
        done = run(LOG, demo.out / "log" / "vkey", folder / "receipt.json", folder / "receipt.proof")
        assert (done.returncode, done.stdout.split()[:1]) == (0, ["1"]), done.stderr


def test_a_stranger_notices_a_changed_entry(demo: Played, tmp_path: Path) -> None:
    """Another time of arrival in one line: the stranger refuses just this entry."""
    for name in ("vkey", "checkpoint", "entries.jsonl"):
        (tmp_path / name).write_bytes((demo.bag / "log" / name).read_bytes())
    lines = (tmp_path / "entries.jsonl").read_text("utf-8").splitlines()
    place = next(n for n, line in enumerate(lines) if '"kind":"bid.received"' in line)
    told = json.loads(lines[place])
    told["event"]["at"] = told["event"]["at"][:-3] + "99Z"
    lines[place] = json.dumps(told, ensure_ascii=False)
    (tmp_path / "entries.jsonl").write_text("\n".join(lines), "utf-8")
    done = run(LOG, tmp_path)
    assert done.stderr.strip() == f"entry {told['index']} is not in the log"


@pytest.mark.parametrize(("lot", "stage"), [(1, 1), (2, 2)])
def test_strangers_open_an_archived_bid(demo: Played, lot: int, stage: int) -> None:
    """From two custodians' key files to the files of a bid: the same that the platform took out and filed."""
    folder = demo.bag / "bidding" / f"lot-{lot:02d}"
    bid = next(path.parent for path in sorted(folder.glob("bids/*/bid.sealed")))
    request = json.loads((folder / "openings" / f"stage-{stage}" / "request.json").read_text("utf-8"))
    keys = [demo.home / "keys" / f"{login}.key" for login in ("witness", "supervisor")]
    transcript = demo.out / "opening-key" / "transcript.json"
    done = run(SHARES, bid / "bid.sealed", transcript, request["key_index"], PASSPHRASE, *keys)
    assert done.returncode == 0, done.stderr
    shared = json.loads(done.stdout)
    opened = run(OPENER, bid / "bid.sealed", *(f"{kind}={key}" for kind, key in shared.items()))
    assert opened.returncode == 0, opened.stderr
    found = json.loads(opened.stdout)
    for kind, volume in found.items():
        files = sorted((bid / "opened").glob(f"{kind}-*"))
        assert list(volume["sha256"].values()) == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    record = json.loads((folder / "openings" / f"stage-{stage}" / "record.json").read_text("utf-8"))
    manifest = json.loads((bid / "receipt.json").read_text("utf-8"))["event"]["data"]["manifest"]
    told = next(one for one in record["bids"] if one["manifest"] == manifest)
    price = next(one["form"]["price"] for one in told["envelopes"] if one["kind"] == "price")
    assert found["price"]["form"]["price"] == price


def test_one_custodian_opens_nothing(demo: Played) -> None:
    """One share is not two: the stranger's K opens no envelope."""
    bid = demo.out / "bids" / "1" / "bid.sealed"
    transcript = demo.out / "opening-key" / "transcript.json"
    done = run(SHARES, bid, transcript, 0, PASSPHRASE, demo.home / "keys" / "witness.key")
    opened = run(OPENER, bid, f"price={json.loads(done.stdout)['price']}")
    assert opened.stderr.strip() == "wrong K, secret or header"
