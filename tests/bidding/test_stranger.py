"""The specification is enough: a decryptor that imports nothing of ours opens what we seal."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bidding.header import Suite
from kernel import canonical
from tests.bidding import sample_bid
from trading.lot import EnvelopeKind, OpeningPolicy

STRANGER = Path(__file__).parents[1] / "vectors" / "sealing" / "stranger.py"
OURS = ("kernel", "archive", "trading", "bidding", "experts", "api", "nacl")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the stranger's decryptor in an interpreter that does not see our packages."""
    return subprocess.run([sys.executable, "-I", STRANGER, *arguments], capture_output=True, text=True, check=False)


def test_the_stranger_uses_nothing_of_ours() -> None:
    """Neither our packages nor libsodium are imported: `cryptography` and the standard library alone."""
    imports = [line.split()[1] for line in STRANGER.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert {name.split(".")[0] for name in imports}.isdisjoint(OURS)


@pytest.mark.parametrize("policy", OpeningPolicy)
@pytest.mark.parametrize("suite", Suite)
def test_the_stranger_opens_a_bid(tmp_path: Path, suite: Suite, policy: OpeningPolicy) -> None:
    """Given K (and the bidder's secret): signature, roots, commitment, form and every file agree."""
    contents = {"a.pdf": bytes(range(256)) * 5000, "b.txt": b"b"}
    sample = sample_bid.seal(tmp_path, target=sample_bid.with_policy(policy), suite=suite, contents=contents)
    keys = [
        f"{kind.value}={sample_bid.shared(sample.file, kind).hex()},{sample_bid.secret(sample.file, kind).hex()}"
        for kind in (EnvelopeKind.PRICE, EnvelopeKind.TECHNICAL)
    ]
    done = run(str(sample.file.path), *keys)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["price"]["form"] == canonical.decode(sample_bid.PRICE.encode())
    assert found["technical"]["sha256"] == {n: hashlib.sha256(data).hexdigest() for n, data in contents.items()}


def test_the_stranger_refuses_a_wrong_key(tmp_path: Path) -> None:
    """A wrong K is noticed before a record is opened."""
    sample = sample_bid.seal(tmp_path)
    done = run(str(sample.file.path), "price=" + "00" * 32)
    assert done.stderr.strip() == "wrong K, secret or header"
