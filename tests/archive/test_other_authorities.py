"""Tokens of other authorities, made by OpenSSL with RSA and larger curves: Python and the browser accept them."""

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from archive import event as events
from archive import receipt
from archive.receipt import Files
from archive.recipe import Pins
from kernel.actor import SYSTEM
from kernel.clock import isoformat
from kernel.entropy import SystemEntropy
from tests.js.browser import verdicts

pytestmark = pytest.mark.debian("openssl")
CONFIG = """
[tsa]
default_tsa = tsa1
[tsa1]
serial = serial
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
clock_precision_digits = 3
ess_cert_id_alg = sha256
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[own]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
"""
KEYS = {
    "rsa-sha256": ("rsa:2048", "sha256"),
    "rsa-sha512": ("rsa:3072", "sha512"),
    "p384-sha384": ("ec:secp384r1", "sha384"),
    "p521-sha512": ("ec:secp521r1", "sha512"),
}


@pytest.mark.parametrize("name", KEYS)
async def test_another_authoritys_receipt_holds_in_both(tmp_path: Path, name: str) -> None:
    """A receipt stamped by OpenSSL under such a key passes every step; its token with another digest in none."""
    kind, digest = KEYS[name]
    folder = tmp_path / "receipt"
    folder.mkdir()
    content = receipt.encode(opening(), "log.example/log")
    (folder / "receipt.json").write_bytes(content)
    (folder / "receipt.digest").write_text(f"{hashlib.sha256(content).hexdigest()}\n")
    authority(tmp_path, kind, digest)
    openssl(tmp_path, "ts", "-query", "-data", "receipt/receipt.json", "-sha256", "-cert", "-out", "query")
    signer = ("-signer", "own.pem", "-inkey", "own.key", "-config", "tsa.cnf", "-section", "tsa1")
    openssl(tmp_path, "ts", "-reply", "-queryfile", "query", *signer, "-out", "receipt/receipt.tsr")
    root = (tmp_path / "root.pem").read_bytes()
    _, steps = receipt.verify(Files.read(folder), root, None)
    (folder / "again").mkdir()
    for file in ("receipt.json", "receipt.digest", "receipt.tsr"):
        (folder / "again" / file).write_bytes((folder / file).read_bytes())
    token = bytearray((folder / "receipt.tsr").read_bytes())
    token[-1] ^= 1
    (folder / "again" / "receipt.tsr").write_bytes(token)
    ((wrong, right),) = await verdicts(Pins(chain_pem=root), folder)
    assert right["code"] is None
    assert [step["number"] for step in right["steps"]] == [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert wrong["code"] == "timestamp.bad_signature"


def opening() -> events.Opening:
    """Return a fresh event that receipts open."""
    now = datetime.now(UTC)
    data = {"bid": str(UUID(int=1)), "deadline": isoformat(now + timedelta(hours=1))}
    return events.seal(SYSTEM, "bid.received", data, trade=UUID(int=7), at=now, sandbox=False, entropy=SystemEntropy())


def authority(folder: Path, kind: str, digest: str) -> None:
    """Make a root and a time-stamping certificate of such keys."""
    (folder / "tsa.cnf").write_text(CONFIG.format(digest=digest))
    (folder / "serial").write_text("1000\n")
    sort, _, size = kind.partition(":")
    new = ("-newkey", kind) if sort == "rsa" else ("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{size}")
    common = ("-config", "tsa.cnf", "-nodes", f"-{digest}", *new)
    openssl(
        folder,
        "req",
        "-x509",
        *common,
        "-subj",
        "/CN=root",
        "-extensions",
        "root",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
    )
    openssl(folder, "req", *common, "-subj", "/CN=own", "-keyout", "own.key", "-out", "own.csr")
    signing = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "own")
    openssl(folder, "x509", "-req", "-in", "own.csr", f"-{digest}", *signing, "-days", "3", "-out", "own.pem")


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
