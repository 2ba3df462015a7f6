"""The promises of `ggzy seal`, run as a person runs it."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bidding import bidfile, keyfile
from bidding import manifest as manifests
from bidding.keyfile import Strength
from kernel.entropy import SeededEntropy
from tests.bidding import stage
from tests.bidding.sample_bid import TARGET
from trading.lot import EnvelopeKind

ENTROPY = SeededEntropy(b"cli seal")
PASSPHRASE = "口令"
KEYS = keyfile.create(ENTROPY)
PLAN = """
bidder = "91152502MA0N7E8T0X"
[price]
price = 9876543.21
[technical]
files = ["施工组织设计.pdf"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bidder's folder: target, plan, key file, one document."""
    (tmp_path / "lot.json").write_bytes(TARGET.encode())
    (tmp_path / "bid.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "施工组织设计.pdf").write_bytes(b"%PDF-1.7\n" * 100)
    strength = Strength(memory=8 << 10, passes=1)
    keyfile.save(tmp_path / "me.key", KEYS, PASSPHRASE, entropy=ENTROPY, strength=strength)
    return tmp_path


def seal(folder: Path, *options: str, passphrase: str | None = PASSPHRASE) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONIOENCODING": "utf-8"}
    environment.pop("GGZY_PASSPHRASE", None)
    if passphrase is not None:
        environment["GGZY_PASSPHRASE"] = passphrase
    arguments = ["--target", "lot.json", "--bid", "bid.toml", "--key", "me.key", *options]
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "seal", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_bid_is_sealed_and_named(folder: Path) -> None:
    """The file is whole, signed by the device, and its digest is shown."""
    done = seal(folder)
    assert done.returncode == 0
    assert "未经核对" in done.stderr
    file = bidfile.read(folder / "bid.sealed")
    bidfile.verify(file)
    assert file.manifest.signer == bytes(KEYS.signing_key().verify_key)
    assert file.manifest.previous is None
    assert file.manifest.digest().hex() in done.stdout
    assert "沙箱" in done.stdout
    manifests.verify_signature(file.manifest, file.signature)


def test_the_opening_key_is_checked_against_the_transcript(folder: Path) -> None:
    """With the custodians' transcript their names are shown; a key that is not in it seals nothing."""
    made = stage.custodians()
    target = replace(TARGET, opening_key=made.key.public_key, key=made.key.key_hash)
    (folder / "transcript.json").write_bytes(made.transcript)
    refused = seal(folder, "--transcript", "transcript.json")
    assert refused.returncode != 0
    assert "seal.untrusted_key" in refused.stderr
    assert not (folder / "bid.sealed").exists()
    (folder / "lot.json").write_bytes(target.encode())
    done = seal(folder, "--transcript", "transcript.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert made.key.custodians[0].name in done.stdout


def test_a_replacement_names_the_receipt_before_it(folder: Path) -> None:
    """`--replaces receipt.json` binds the new bid to the digest that the old receipt's token stamps; suite 2 works."""
    (folder / "receipt.json").write_bytes(b"{}")
    done = seal(folder, "--replaces", "receipt.json", "--suite", "2", "--out", "second.sealed")
    assert done.returncode == 0, done.stderr
    manifest = bidfile.read(folder / "second.sealed").manifest
    assert manifest.previous == hashlib.sha256(b"{}").digest()
    assert manifest.envelope(EnvelopeKind.PRICE).header.suite == 2


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda f: (f / "lot.json").write_bytes(b"{}"), "bid.bad_target"),
        (lambda f: (f / "lot.json").unlink(), "seal.no_file"),
        (lambda f: (f / "施工组织设计.pdf").unlink(), "seal.no_file"),
        (lambda f: (f / "bid.toml").unlink(), "plan.not_found"),
        (lambda f: (f / "bid.toml").write_text(PLAN.replace("9876543.21", "1.234")), "bid.bad_price"),
        (lambda f: (f / "bid.toml").write_text(PLAN[: PLAN.index("[technical]")]), "seal.missing_envelope"),
        (lambda f: (f / "bid.toml").write_text(PLAN.replace("price = 9", "prise = 9")), "plan.malformed"),
        (lambda f: (f / "bid.toml").write_text(PLAN.replace("MA0N", "MAON")), "party.bad_uscc"),
        (lambda f: (f / "me.key").write_bytes(b"{}"), "keyfile.malformed"),
        (lambda f: (f / "me.key").unlink(), "keyfile.not_found"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, edit: object, code: str) -> None:
    """Exit code 1, the stable code, Chinese words, and no file left."""
    edit(folder)  # type: ignore[operator] # a function of the folder
    done = seal(folder)
    assert done.returncode == 1
    assert f"（{code}）" in done.stderr
    assert code not in done.stderr.replace(f"（{code}）", "")
    assert not list(folder.glob("*.sealed*"))


def test_passphrases(folder: Path) -> None:
    """A wrong one is refused; without a terminal one must be given; a file may give it."""
    assert "keyfile.wrong_passphrase" in seal(folder, passphrase="falsch").stderr
    assert "passphrase.not_given" in seal(folder, passphrase=None).stderr
    (folder / "pass").write_text("口令\n", encoding="utf-8")
    assert seal(folder, "--passphrase-file", "pass", passphrase=None).returncode == 0
    assert "passphrase.not_given" in seal(folder, "--passphrase-file", "none").stderr
