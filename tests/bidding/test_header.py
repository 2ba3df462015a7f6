"""The promises of bidding.header."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding import header as headers
from bidding.header import HEADER_SIZE, Header, Suite
from kernel.errors import GgzyError
from tests.bidding.sample_bid import BIDDER, TARGET
from trading.lot import EnvelopeKind, OpeningPolicy

SAMPLE = Header(
    suite=Suite.AES_256_GCM,
    policy=OpeningPolicy.QUORUM,
    kind=EnvelopeKind.PRICE,
    tender=TARGET.tender,
    lot=TARGET.lot,
    bidder=BIDDER.uscc,
    deadline=TARGET.deadline,
    key=TARGET.key,
    point=TARGET.opening_key,
    padded_length=65536,
)


def test_a_header_reads_back() -> None:
    """Every suite, policy and kind survives the wire."""
    for suite in Suite:
        for policy in OpeningPolicy:
            for kind in EnvelopeKind:
                header = replace(SAMPLE, suite=suite, policy=policy, kind=kind)
                assert headers.parse(header.encode()) == header


def test_every_flipped_bit_is_noticed() -> None:
    """A header changed by one bit is either refused or has another hash, so that no key fits it."""
    data = SAMPLE.encode()
    for bit in range(8 * HEADER_SIZE):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            parsed = headers.parse(bytes(flipped))
        except GgzyError as error:
            assert error.code == "bid.bad_header"
        else:
            assert parsed != SAMPLE
            assert parsed.hash() != SAMPLE.hash()


@given(st.binary(max_size=300) | st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE))
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError):
        headers.parse(data)


@given(st.integers(0, HEADER_SIZE - 1), st.binary(min_size=1, max_size=12))
def test_parsing_near_misses_raises_one_error(place: int, patch: bytes) -> None:
    """A header with some bytes overwritten parses to what encodes to the same bytes, or is refused."""
    data = (SAMPLE.encode()[:place] + patch + SAMPLE.encode()[place + len(patch) :])[:HEADER_SIZE]
    try:
        assert headers.parse(data).encode() == data
    except GgzyError as error:
        assert error.code == "bid.bad_header"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bidder", "91152502MA0N7E8T0"),
        ("bidder", "91152502MA0N7E8TOI"),
        ("key", bytes(31)),
        ("point", bytes(33)),
        ("padded_length", 65537),
        ("padded_length", 4096),
        ("padded_length", 1 << 41),
        ("deadline", datetime(1969, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_field_that_does_not_fit_is_refused(field: str, value: object) -> None:
    """What cannot stand in a header is refused when it is written."""
    with pytest.raises(GgzyError) as refusal:
        replace(SAMPLE, **{field: value}).encode()
    assert refusal.value.code == "bid.bad_header"
