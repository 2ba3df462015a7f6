"""Tokens of our authority, judged by OpenSSL, by rfc3161-client and by our own strict reader."""

import asyncio
import hashlib
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import rfc3161_client
from cryptography import x509
from hypothesis import given, settings, strategies

from archive.timestamp import LocalAuthority, RemoteAuthority, new_authority_keys, read, verify
from archive.timestamp.request import Request, decode, encode
from archive.timestamp.token import POLICY, SANDBOX_POLICY
from kernel.clock import FixedClock, SystemClock
from kernel.entropy import SeededEntropy, SystemEntropy
from kernel.errors import GgzyError

NOW = datetime(2026, 11, 21, 8, 30, 0, 120000, tzinfo=UTC)
DIGEST = hashlib.sha256(b"a receipt").digest()


def make(folder: Path, *, moment: datetime = NOW, sandbox: bool = False) -> LocalAuthority:
    """Return an authority whose clock stands at `moment`."""
    clock, entropy = FixedClock(moment), SeededEntropy(b"tsa")
    new_authority_keys(folder, clock=clock, entropy=entropy, sandbox=sandbox)
    return LocalAuthority.load(folder, clock=clock, entropy=entropy)


@pytest.fixture
def tsa(tmp_path: Path) -> LocalAuthority:
    """An authority with keys of its own."""
    return make(tmp_path / "tsa")


async def test_a_token_proves_its_digest_and_time(tsa: LocalAuthority) -> None:
    """The stamped time comes back to the microsecond, and only for the stamped digest."""
    response = await tsa.stamp(DIGEST, at=NOW)
    assert verify(response, DIGEST, tsa.chain_pem) == NOW
    with pytest.raises(GgzyError, match=r"timestamp\.wrong_digest"):
        verify(response, bytes(32), tsa.chain_pem)


@pytest.mark.parametrize("micros", [0, 1, 100000, 123456, 999999])
async def test_openssl_accepts_every_token(tmp_path: Path, micros: int) -> None:
    """`openssl ts -verify` accepts tokens with and without a fraction of a second."""
    tsa = make(tmp_path / "tsa", moment=NOW.replace(microsecond=micros))
    (tmp_path / "response").write_bytes(await tsa.stamp(DIGEST, at=NOW))
    openssl(tmp_path, "ts", "-verify", "-digest", DIGEST.hex(), "-in", "response", "-CAfile", "tsa/chain.pem")


async def test_rfc3161_client_accepts_every_token(tsa: LocalAuthority) -> None:
    """Trail of Bits' verifier accepts tokens of many digests, their serials all different."""
    own, root = x509.load_pem_x509_certificates(tsa.chain_pem)
    verifier = rfc3161_client.VerifierBuilder().tsa_certificate(own).add_root_certificate(root).build()
    serials = set()
    for number in range(50):
        digest = hashlib.sha256(b"%d" % number).digest()
        decoded = rfc3161_client.decode_timestamp_response(await tsa.stamp(digest, at=NOW))
        assert verifier.verify(decoded, digest)
        serials.add(decoded.tst_info.serial_number)
    assert len(serials) == 50
    assert max(serials).bit_length() > 120


async def test_every_flipped_byte_is_refused(tsa: LocalAuthority) -> None:
    """No single byte of a response can be changed, in any of three ways, without being found out."""
    response = await tsa.stamp(DIGEST, at=NOW)
    for position in range(len(response)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(response)
            changed[position] ^= mask
            with pytest.raises(GgzyError):
                verify(bytes(changed), DIGEST, tsa.chain_pem)


async def test_a_cut_or_lengthened_response_is_refused(tsa: LocalAuthority) -> None:
    """Every prefix and every extension is malformed."""
    response = await tsa.stamp(DIGEST, at=NOW)
    for wrong in [*(response[:n] for n in range(len(response))), response + b"\0", response * 2]:
        with pytest.raises(GgzyError, match=r"timestamp\."):
            verify(wrong, DIGEST, tsa.chain_pem)


@given(strategies.binary(max_size=300))
@settings(deadline=None)
def test_readers_raise_nothing_but_ggzy_errors(data: bytes) -> None:
    """Arbitrary bytes never leak another exception from the reader, nor from the service for outsiders."""
    with pytest.raises(GgzyError):
        verify(data, DIGEST, data)


async def test_an_authority_off_the_databases_clock_stops(tsa: LocalAuthority) -> None:
    """More than a second behind the database's clock, or further ahead than a slow command explains: no token."""
    for off in (1, 0, -11):
        await tsa.stamp(DIGEST, at=NOW + timedelta(seconds=off))
    for off in (timedelta(seconds=1.1), timedelta(seconds=-11.1)):
        with pytest.raises(GgzyError, match=r"time\.clock_drift"):
            await tsa.stamp(DIGEST, at=NOW + off)


async def test_another_authoritys_token_is_untrusted(tsa: LocalAuthority, tmp_path: Path) -> None:
    """A token that verifies under its own chain is refused under ours."""
    clock, entropy = FixedClock(NOW), SeededEntropy(b"other")
    new_authority_keys(tmp_path / "other", clock=clock, entropy=entropy, sandbox=False)
    other = LocalAuthority.load(tmp_path / "other", clock=clock, entropy=entropy)
    response = await other.stamp(DIGEST, at=NOW)
    assert verify(response, DIGEST, other.chain_pem) == NOW
    with pytest.raises(GgzyError, match=r"timestamp\.untrusted"):
        verify(response, DIGEST, tsa.chain_pem)


async def test_the_root_alone_pins(tsa: LocalAuthority) -> None:
    """With only the root pinned, the certificate inside the token is bound by its signed hash."""
    root = tsa.chain_pem[tsa.chain_pem.rindex(b"-----BEGIN") :]
    response = await tsa.stamp(DIGEST, at=NOW)
    assert verify(response, DIGEST, root) == NOW
    for position in range(len(response)):
        changed = bytearray(response)
        changed[position] ^= 0x01
        with pytest.raises(GgzyError):
            verify(bytes(changed), DIGEST, root)


async def test_a_token_of_a_time_outside_the_certificate_is_refused(tmp_path: Path) -> None:
    """The certificate must have been valid when the token says it was issued."""
    early = make(tmp_path / "tsa")
    later = LocalAuthority.load(
        tmp_path / "tsa", clock=FixedClock(NOW + timedelta(days=365 * 30)), entropy=SeededEntropy(b"x")
    )
    response = later.issue(Request(DIGEST), NOW + timedelta(days=365 * 30))
    with pytest.raises(GgzyError, match=r"timestamp\.bad_certificate"):
        verify(response, DIGEST, early.chain_pem)


async def test_a_certificate_for_another_purpose_is_refused(tsa: LocalAuthority) -> None:
    """The root itself may not issue tokens: its extended key usage is not time stamping."""
    pems = tsa.chain_pem.split(b"-----END CERTIFICATE-----\n")
    swapped = b"-----END CERTIFICATE-----\n".join([pems[1], pems[0], b""])
    response = await tsa.stamp(DIGEST, at=NOW)
    assert verify(response, DIGEST, swapped) == NOW
    own_only = pems[0] + b"-----END CERTIFICATE-----\n"
    with pytest.raises(GgzyError, match=r"timestamp\.untrusted"):
        verify(response, DIGEST, own_only)


def test_a_sandbox_stamps_its_policy_on_every_token(tmp_path: Path) -> None:
    """Tokens of a sandbox name another policy, so that nobody takes compressed time for real time."""
    for sandbox, policy in ((True, SANDBOX_POLICY), (False, POLICY)):
        tsa = make(tmp_path / str(sandbox), sandbox=sandbox)
        told = read(tsa.issue(Request(DIGEST), NOW), tsa.chain_pem)
        assert (told.policy, told.sandbox) == (policy, sandbox)


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    """A second start changes no file; private keys are readable by their owner alone."""
    make(tmp_path / "tsa")
    before = {path.name: path.read_bytes() for path in (tmp_path / "tsa").iterdir()}
    new_authority_keys(tmp_path / "tsa", clock=SystemClock(), entropy=SystemEntropy(), sandbox=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "tsa").iterdir()} == before
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tsa").iterdir()}
    assert modes == {"chain.pem": 0o644, "root-key.pem": 0o600, "tsa-key.pem": 0o600}


@pytest.mark.parametrize("options", [(), ("-cert",), ("-no_nonce",), ("-cert", "-no_nonce")])
async def test_queries_made_by_openssl_are_answered(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With and without nonce and certificate, OpenSSL accepts the answer to its own query."""
    tsa = make(tmp_path / "tsa")
    openssl(tmp_path, "ts", "-query", "-digest", DIGEST.hex(), "-sha256", "-out", "query", *options)
    (tmp_path / "response").write_bytes(await tsa.answer((tmp_path / "query").read_bytes(), at=NOW))
    check = ("ts", "-verify", "-queryfile", "query", "-in", "response", "-CAfile", "tsa/chain.pem")
    openssl(tmp_path, *check, "-untrusted", "tsa/chain.pem")


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
async def test_a_damaged_chain_raises_nothing_but_our_error(tsa: LocalAuthority) -> None:
    """Whatever byte of the pinned certificates is changed: refused in order, or the root's name and key still hold."""
    response, chain = await tsa.stamp(DIGEST, at=NOW), tsa.chain_pem
    _, root = x509.load_pem_x509_certificates(chain)
    refused = 0
    for position in range(len(chain)):
        changed = bytearray(chain)
        changed[position] ^= 0x04
        try:
            verify(response, DIGEST, bytes(changed))
        except GgzyError:
            refused += 1
        else:
            found = x509.load_pem_x509_certificates(bytes(changed))
            assert (root.subject, root.public_key()) in [(one.subject, one.public_key()) for one in found]
    assert refused > len(chain) // 2


@pytest.mark.parametrize(
    ("options", "failure"), [(("-sha1",), "badAlg"), (("-tspolicy", "1.2.3.4"), "unacceptedPolicy")]
)
async def test_queries_that_cannot_be_met_are_rejected(tmp_path: Path, options: tuple[str, ...], failure: str) -> None:
    """Another hash or policy gets the protocol's own rejection, which OpenSSL understands."""
    tsa = make(tmp_path / "tsa")
    digest = ("-digest", "00" * (20 if "-sha1" in options else 32))
    openssl(tmp_path, "ts", "-query", *digest, "-out", "query", *options)
    response = await tsa.answer((tmp_path / "query").read_bytes(), at=NOW)
    (tmp_path / "response").write_bytes(response)
    text = openssl(tmp_path, "ts", "-reply", "-in", "response", "-text")
    assert "Rejected" in text
    assert {"badAlg": "unrecognized or unsupported algorithm", "unacceptedPolicy": "policy is not supported"}[
        failure
    ] in text
    with pytest.raises(GgzyError, match=r"timestamp\.not_granted"):
        verify(response, DIGEST, tsa.chain_pem)


@given(strategies.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_any_query_gets_an_answer(data: bytes) -> None:
    """The service for outsiders answers arbitrary bytes with a rejection."""
    request = encode(Request(DIGEST, 7, cert_req=True))
    assert decode(request) == Request(DIGEST, 7, cert_req=True)
    with tempfile.TemporaryDirectory() as folder:
        tsa = make(Path(folder))
    for query in (data, request + data[:1] + b"\0", request[: len(data) % len(request)]):
        with pytest.raises(GgzyError, match=r"timestamp\.not_granted"):
            verify(asyncio.run(tsa.answer(query, at=NOW)), DIGEST, tsa.chain_pem)


async def test_an_outside_authority_is_checked_strictly(tsa: LocalAuthority, tmp_path: Path) -> None:
    """A good answer is taken; another's, a wrong nonce, a drift, an error page and garbage are not."""
    good = await remote(tsa, answering(tsa))
    assert verify(good, DIGEST, tsa.chain_pem) == NOW
    cases = {
        "timestamp.untrusted": answering(make(tmp_path / "other", sandbox=True)),
        "timestamp.wrong_digest": always(
            httpx.Response(200, content=tsa.issue(Request(DIGEST, 1), NOW), headers=REPLY)
        ),
        "timestamp.unavailable": always(httpx.Response(503)),
        "timestamp.malformed": always(httpx.Response(200, content=b"\x30\x80", headers=REPLY)),
    }
    for code, handler in cases.items():
        with pytest.raises(GgzyError) as caught:
            await remote(tsa, handler)
        assert caught.value.code == code
    with pytest.raises(GgzyError, match=r"time\.clock_drift"):
        await remote(tsa, answering(tsa), at=NOW + timedelta(minutes=1))


async def test_outsiders_get_no_time_from_a_drifting_clock(tsa: LocalAuthority) -> None:
    """The service for outsiders stops with the rest when the authority's clock and the database's disagree."""
    query = encode(Request(DIGEST))
    assert verify(await tsa.answer(query, at=NOW), DIGEST, tsa.chain_pem) == NOW
    with pytest.raises(GgzyError, match=r"timestamp\.not_granted"):
        verify(await tsa.answer(query, at=NOW + timedelta(seconds=2)), DIGEST, tsa.chain_pem)


REPLY = {"Content-Type": "application/timestamp-reply"}
Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


def answering(authority: LocalAuthority) -> Handler:
    """Return an HTTP service of an authority."""

    async def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=await authority.answer(request.content, at=NOW), headers=REPLY)

    return handle


def always(response: httpx.Response) -> Handler:
    """Return an HTTP service that answers the same to everything."""

    async def handle(_: httpx.Request) -> httpx.Response:
        return response

    return handle


async def remote(tsa: LocalAuthority, handler: Handler, *, at: datetime = NOW) -> bytes:
    """Ask an outside authority that is served by `handler`."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        outside = RemoteAuthority("https://tsa.example/", tsa.chain_pem, entropy=SystemEntropy(), client=client)
        return await outside.stamp(DIGEST, at=at)


def openssl(folder: Path, *arguments: str) -> str:
    """Run OpenSSL in a folder and return what it says; a non-zero exit fails the test."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
