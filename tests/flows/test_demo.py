"""`ggzy demo --out DIR`: one whole trade through the HTTP API, and what it leaves in DIR."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785

from archive import timestamp
from archive.note import Signer
from archive.recipe import Pins
from archive.timestamp.token import SANDBOX_POLICY
from kernel.clock import SystemClock
from kernel.entropy import SystemEntropy
from tests.flows import played as stage
from tests.flows.played import Played

RECEIPT = ["receipt.digest", "receipt.json", "receipt.proof", "receipt.tsr"]


def verify(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `ggzy verify`."""
    command = [sys.executable, "-m", "api.cli", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=stage.environment())


def test_the_artefacts_are_there(demo: Played) -> None:
    """DIR holds what outsiders rely on, and nothing else."""
    found = {path for path in stage.digests(demo.out) if not path.startswith(("archive/data/", "log/tile/"))}
    bids = {f"bids/{one['number']}/{name}" for one in demo.summary()["bids"] for name in ("bid.sealed", *RECEIPT)}
    bag = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest.note", "tagmanifest-sha256.txt")
    others = {"summary.json", "logins.json", "opening-key/transcript.json", "tsa/chain.pem"}
    others |= {"log/vkey", "log/checkpoint", "draw/transcript.json", "draw/transcript-lot2.json"}
    assert found == bids | others | {f"archive/{name}" for name in bag}
    assert any((demo.out / "log" / "tile" / "0").iterdir())


def test_the_summary_tells_the_trade(demo: Played) -> None:
    """Ids, bids, steps and their durations stand in summary.json, and agree with the archived trade."""
    told = demo.summary()
    metadata = demo.filed("metadata.json")
    assert (told["tender"]["id"], told["tender"]["code"]) == (metadata["系统标识"], metadata["电子文件号"])
    assert [lot["number"] for lot in told["lots"]] == [1, 2]
    assert [step["number"] for step in told["steps"]] == list(range(1, len(told["steps"]) + 1))
    assert all(float(step["seconds"]) >= 0 for step in told["steps"])
    assert len(told["bids"]) == 2 * stage.BIDS - 1
    manifest = (demo.out / "archive" / "manifest-sha256.txt").read_bytes()
    assert told["facts"]["archive"]["digest"] == hashlib.sha256(manifest).hexdigest()
    made = demo.read("opening-key/transcript.json")
    unsigned = rfc8785.dumps({name: value for name, value in made.items() if name != "signatures"})
    assert told["facts"]["transcript"] == hashlib.sha256(b"ggzy/key-transcript/v1\0" + unsigned).hexdigest()


def test_every_step_is_printed(demo: Played) -> None:
    """Each step of the summary was announced on the way, and the last line says where the artefacts are."""
    for step in demo.summary()["steps"]:
        assert f"{step['number']:>2}. {step['title']}"[:40] in demo.printed.replace("\n", "")
    assert f"ggzy verify {demo.out}" in demo.printed.replace("\n", "")


def test_digests_are_those_of_the_receipts(demo: Played) -> None:
    """receipt.digest is the hex SHA-256 of receipt.json, which is what the token stamps."""
    for one in demo.summary()["bids"]:
        folder = demo.out / "bids" / str(one["number"])
        content = (folder / "receipt.json").read_bytes()
        assert (folder / "receipt.digest").read_text() == hashlib.sha256(content).hexdigest() + "\n"
        assert json.loads(content)["event"]["data"]["lot"] == demo.lot(one["lot"])


def test_the_sealed_bids_are_the_archived_ones(demo: Played) -> None:
    """Byte for byte: what the bidder sealed, and the receipt they were given, is what was filed."""
    filed = {path: digest for path, digest in stage.digests(demo.bag).items() if "/bids/" in path}
    for name in ("bid.sealed", "receipt.json", "receipt.tsr"):
        kept = {digest for path, digest in stage.digests(demo.out / "bids").items() if path.endswith(name)}
        assert kept <= {digest for path, digest in filed.items() if path.endswith(name)}
    assert sum(path.endswith("bid.sealed") for path in filed) == len(demo.summary()["bids"])


def test_everything_verifies(demo: Played) -> None:
    """`ggzy verify DIR` accepts the whole folder, and finds every artefact in it."""
    done = verify(demo.out, "--json")
    assert done.returncode == 0, done.stdout
    sorts = [one["sort"] for one in json.loads(done.stdout)["verified"]]
    count = len(demo.summary()["bids"])
    assert sorted(sorts) == sorted(["package", "log", "key", "draw", "draw", *["receipt"] * count])


@pytest.mark.parametrize("part", ["bids/1", "draw", "opening-key/transcript.json", "log", "archive", "bids"])
def test_each_part_verifies_alone(demo: Played, part: str) -> None:
    """With the keys that somebody pinned; the part needs nothing beside it."""
    pins = Pins((demo.out / "log/vkey").read_text().strip(), (demo.out / "tsa/chain.pem").read_bytes())
    assert stage.verify_all(demo.out / part, pins)


def test_a_moved_part_verifies_by_pinned_keys(demo: Played, tmp_path: Path) -> None:
    """Receipt and draw are checked far from the folder they came in, by keys given on the command line."""
    shutil.copytree(demo.out / "bids" / "1", tmp_path / "one" / "bid")
    shutil.copy(demo.out / "draw" / "transcript.json", tmp_path / "one")
    pins = ["--vkey", demo.out / "log" / "vkey", "--tsa-chain", demo.out / "tsa" / "chain.pem"]
    assert verify(tmp_path / "one", *pins).returncode == 0
    alone = verify(tmp_path / "one")
    assert (alone.returncode, "verify.no_" in alone.stderr) == (1, True)


@pytest.mark.parametrize("option", ["--vkey", "--tsa-chain"])
def test_other_keys_than_the_pinned_ones_are_refused(demo: Played, tmp_path: Path, option: str) -> None:
    """A folder that agrees with itself is refused when its keys are not those that were pinned."""
    name, _, _ = (demo.out / "log" / "vkey").read_text().partition("+")
    (tmp_path / "vkey").write_text(f"{Signer(name, bytes(32)).vkey}\n")
    timestamp.new_authority_keys(tmp_path, clock=SystemClock(), entropy=SystemEntropy(), sandbox=True)
    others = {"--vkey": tmp_path / "vkey", "--tsa-chain": tmp_path / "chain.pem"}
    done = verify(demo.out, option, others[option], "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["wrong"]["code"] in {"note.wrong_signature", "timestamp.untrusted"}


def test_the_sandbox_stands_on_everything(demo: Played) -> None:
    """Tokens, events, the log's name, key transcript, draws, records, reports, index and metadata say what they are."""
    chain = (demo.out / "tsa" / "chain.pem").read_bytes()
    assert {timestamp.read(path.read_bytes(), chain).policy for path in demo.out.rglob("*.tsr")} == {SANDBOX_POLICY}
    lines = (demo.bag / "log" / "entries.jsonl").read_text("utf-8").splitlines()
    assert all(json.loads(line)["event"]["sandbox"] is True for line in lines)
    assert "sandbox" in (demo.out / "log" / "vkey").read_text().split("+")[0]
    assert demo.read("opening-key/transcript.json")["setup"]["sandbox"] is True
    assert all(one["event"]["sandbox"] is True for one in demo.read("draw/transcript.json")["entries"])
    assert demo.filed("index.json")["sandbox"] is True
    assert demo.filed("metadata.json")["演示"] is True
    for path in (*demo.bag.rglob("record.json"), *demo.bag.rglob("experts/*/report.json")):
        assert json.loads(path.read_bytes())["sandbox"] is True
    assert demo.summary()["sandbox"] is True


def test_what_happened_on_the_way_is_in_the_trail(demo: Played) -> None:
    """One bid replaced, one withdrawn, one refused as late, one expert declined and was followed by the next."""
    received = demo.events("bid.received")
    replaced = [one for one in received if one["data"]["replaces"] is not None]
    assert len(replaced) == 1
    first = next(one for one in received if one["data"]["bidder"] == replaced[0]["data"]["bidder"])
    assert first["at"] < replaced[0]["at"]
    (withdrawn,) = demo.events("bid.withdrawn")
    (late,) = demo.events("bid.refused")
    assert late["data"]["bidder"] == withdrawn["data"]["bidder"]
    assert late["data"]["arrived"] >= late["data"]["deadline"]
    assert demo.summary()["facts"]["late"]["code"] == "bid.late"
    (declined,) = [one for one in demo.events("draw.answered") if one["data"]["outcome"] == "declined"]
    (called,) = demo.events("draw.called")
    assert declined["data"]["reason"]
    completed = next(one for one in demo.events("draw.completed") if one["data"]["draw"] == called["data"]["draw"])
    seated = {one["expert"] for one in completed["data"]["members"]}
    assert called["data"]["expert"] in seated
    assert declined["data"]["expert"] not in seated


def test_what_was_replaced_or_withdrawn_is_not_kept(demo: Played) -> None:
    """The file of the trade holds manifests and receipts of such bids, and nothing that could still be opened."""
    opened = {one["manifest"] for path in demo.bag.rglob("record.json") for one in json.loads(path.read_text())["bids"]}
    for one in demo.events("bid.received"):
        manifest = one["data"]["manifest"]
        (folder,) = [
            path.parent
            for path in demo.bag.glob("bidding/*/bids/*/receipt.json")
            if json.loads(path.read_text())["event"]["data"]["manifest"] == manifest
        ]
        assert (folder / "bid.sealed").exists() == (manifest in opened)
        assert (folder / "manifest.json").exists() != (manifest in opened)


def test_a_second_run_plays_nothing_again(demo: Played) -> None:
    """The same home: the trade is not played, the artefacts are handed over as they are, nothing changes."""
    before, out = stage.digests(demo.home), demo.home.parent / "again"
    done = subprocess.run(
        stage.command(demo.home, out=out), capture_output=True, text=True, check=False, env=stage.environment()
    )
    assert done.returncode == 0, done.stderr
    assert f"{demo.summary()['steps'][0]['title']}" not in done.stdout
    assert stage.digests(demo.home) == before
    assert stage.digests(out) == stage.digests(demo.out)


def test_a_folder_in_use_is_not_written_to(demo: Played) -> None:
    """`--out` to a folder with something in it is refused before anything begins."""
    before = stage.digests(demo.out)
    done = subprocess.run(
        stage.command(demo.home, out=demo.out), capture_output=True, text=True, check=False, env=stage.environment()
    )
    assert done.returncode == 1
    assert "demo.folder_in_use" in done.stderr
    assert stage.digests(demo.out) == before


def test_nothing_is_left_running(demo: Played) -> None:
    """After its end no process has to do with the demo's folder."""
    assert stage.processes_of(demo.home) == []
