"""The promises of bidding.sealed_secret."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding import encapsulation, group, sealed_secret
from bidding.encapsulation import Preamble
from bidding.sealed_secret import MAX_SECRET, SIZE, check_secret, open_secret, parse_secret, seal_secret
from kernel.errors import GgzyError
from tests.bidding.sample_bid import ENTROPY, PRIVATE, TARGET
from tests.bidding.test_header import SAMPLE

RELEASE = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
CONTEXT = b"draw/nonce/centre"


def sealed(secret: bytes = b"nonce") -> bytes:
    """Seal a secret to the sample lot."""
    return seal_secret(secret, TARGET.opening_key, TARGET.key, context=CONTEXT, release=RELEASE, entropy=ENTROPY)


def opened(data: bytes) -> bytes:
    """Check and open as the quorum would."""
    secret = parse_secret(data)
    check_secret(secret, key=TARGET.key, context=CONTEXT, release=RELEASE)
    return open_secret(secret, group.mult(PRIVATE, secret.point))


@given(st.binary(max_size=MAX_SECRET))
def test_round_trip(secret: bytes) -> None:
    """Every secret up to 1 KiB comes back, from a sealed form of one size."""
    data = sealed(secret)
    assert len(data) == SIZE
    assert parse_secret(data).encode() == data
    assert opened(data) == secret


def test_a_long_secret_is_refused() -> None:
    """One byte more than 1 KiB."""
    with pytest.raises(GgzyError, match=r"secret\.too_large"):
        sealed(bytes(MAX_SECRET + 1))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": bytes(32)}, "secret.other_key"),
        ({"context": b"draw/nonce/purchaser"}, "secret.other_context"),
        ({"release": RELEASE - timedelta(microseconds=1)}, "secret.other_release"),
    ],
)
def test_a_secret_for_something_else_is_refused(change: dict[str, object], code: str) -> None:
    """Custodians compute no share for another key, context or release time."""
    expected = {"key": TARGET.key, "context": CONTEXT, "release": RELEASE} | change
    with pytest.raises(GgzyError) as refusal:
        check_secret(parse_secret(sealed()), **expected)  # type: ignore[arg-type] # one of three is changed
    assert refusal.value.code == code


@given(st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, mask: int) -> None:
    """No byte of a sealed secret can change."""
    data = bytearray(sealed())
    data[place] ^= mask
    with pytest.raises(GgzyError):
        opened(bytes(data))


@given(st.binary(max_size=50) | st.binary(min_size=SIZE, max_size=SIZE))
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError, match=r"secret\.malformed"):
        sealed_secret.parse_secret(data)


def test_another_k_opens_nothing() -> None:
    """A wrong K is found by the commitment."""
    with pytest.raises(GgzyError, match=r"bid\.bad_commitment"):
        open_secret(parse_secret(sealed()), TARGET.opening_key)


def test_anothers_point_is_no_secret_of_ones_own() -> None:
    """A rival's U, sent in as a nonce that custodians open at once, is refused: its proof was for the rival's bid."""
    fresh = encapsulation.encapsulate(TARGET.opening_key, ENTROPY)
    header = replace(SAMPLE, key=TARGET.key, point=fresh.point)
    _, preamble = encapsulation.bind(header, fresh, None, ENTROPY)
    encapsulation.verify(header, preamble)
    ones_own = parse_secret(sealed())
    for proof in (preamble.proof, ones_own.proof):
        stolen = replace(ones_own, point=fresh.point, proof=proof)
        with pytest.raises(GgzyError, match=r"bid\.bad_proof"):
            check_secret(parse_secret(stolen.encode()), key=TARGET.key, context=CONTEXT, release=RELEASE)


def test_a_nonces_point_is_no_bid() -> None:
    """The other way round: a sealed nonce's U and proof make no envelope."""
    ones_own = parse_secret(sealed())
    header = replace(SAMPLE, key=TARGET.key, point=ones_own.point)
    with pytest.raises(GgzyError, match=r"bid\.bad_proof"):
        encapsulation.verify(header, Preamble(ones_own.proof, ones_own.commitment))
