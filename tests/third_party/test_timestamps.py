"""Every token that the demo left behind, judged by OpenSSL and by Trail of Bits' rfc3161-client."""

import hashlib
import subprocess
from pathlib import Path

import pytest
import rfc3161_client
from cryptography import x509

from tests.flows.played import Played


def tokens(demo: Played) -> dict[Path, bytes]:
    """Return every token with the digest of the file beside it, which it stamps."""
    found = sorted(demo.out.rglob("*.tsr"))
    return {path: hashlib.sha256(path.with_suffix(".json").read_bytes()).digest() for path in found}


def test_there_are_tokens_of_every_sort(demo: Played) -> None:
    """Receipts of bids and of a withdrawal, opening requests and opening records are stamped."""
    names = {path.name for path in tokens(demo)}
    assert names == {"receipt.tsr", "request.tsr", "record.tsr"}
    assert len(list(demo.out.rglob("withdrawal-*/receipt.tsr"))) == 1


@pytest.mark.debian("openssl")
def test_openssl_accepts_every_token(demo: Played) -> None:
    """`openssl ts -verify` with the authority's chain, as the receipt's specification writes it."""
    for path, digest in tokens(demo).items():
        said = openssl(demo, path, digest)
        assert (said.returncode, "Verification: OK" in said.stdout) == (0, True), f"{path}: {said.stderr}"


@pytest.mark.debian("openssl")
def test_openssl_refuses_a_token_for_another_receipt(demo: Played) -> None:
    """The first bid's token does not stamp the second bid's receipt."""
    (first, _), (_, other) = list(tokens(demo).items())[:2]
    assert openssl(demo, first, other).returncode != 0


def test_rfc3161_client_accepts_every_token(demo: Played) -> None:
    """Another implementation, in Rust, agrees; and no two tokens have one serial number."""
    own, root = x509.load_pem_x509_certificates((demo.out / "tsa" / "chain.pem").read_bytes())
    verifier = rfc3161_client.VerifierBuilder().tsa_certificate(own).add_root_certificate(root).build()
    serials = {}
    for path, digest in tokens(demo).items():
        decoded = rfc3161_client.decode_timestamp_response(path.read_bytes())
        assert verifier.verify(decoded, digest)
        serials[digest] = decoded.tst_info.serial_number
    assert len(set(serials.values())) == len(serials)


def openssl(demo: Played, path: Path, digest: bytes) -> subprocess.CompletedProcess[str]:
    """Have OpenSSL verify a token for a digest."""
    command = ["openssl", "ts", "-verify", "-digest", digest.hex(), "-in", str(path)]
    command += ["-CAfile", str(demo.out / "tsa" / "chain.pem")]
    return subprocess.run(command, capture_output=True, text=True, check=False)
