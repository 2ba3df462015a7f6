"""The promises of bidding.target."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding import group
from bidding import target as targets
from kernel import canonical
from kernel.errors import GgzyError
from tests.bidding import stage
from tests.bidding.sample_bid import TARGET


def test_a_target_reads_back() -> None:
    """What the platform publishes is what the sealer reads."""
    assert targets.parse(TARGET.encode()) == TARGET
    assert TARGET.kinds == ("technical", "price")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "ggzy/seal-target/v2"},
        {"extra": 1},
        {"lot": "x"},
        {"deadline": "2026-12-01"},
        {"policy": "nobody"},
        {"envelopes": []},
        {"envelopes": [{"kind": "price", "stage": 3}]},
        {"envelopes": [{"kind": "price", "stage": 1}, {"kind": "price", "stage": 2}]},
        {"key": "00"},
        {"opening_key": "00" * 32},
        {"opening_key": "01" + "00" * 31},
        {"sandbox": "no"},
        {"title": ""},
    ],
)
def test_a_target_that_is_not_exactly_one_is_refused(change: dict[str, object]) -> None:
    """Unknown fields, other versions, a point that is no opening key: nothing is sealed for it."""
    data = canonical.encode(canonical.decode(TARGET.encode()) | change)
    with pytest.raises(GgzyError, match=r"bid\.bad_target"):
        targets.parse(data)


def test_the_opening_key_is_proved_by_the_custodians_transcript() -> None:
    """The platform cannot give one bidder a key of its own: neither another Y under the right hash nor another hash."""
    made = stage.custodians()
    target = replace(TARGET, opening_key=made.key.public_key, key=made.key.key_hash)
    assert targets.check_key(target, made.transcript) == made.key
    own = group.base_mult(group.small_scalar(7))
    for lie in (replace(target, opening_key=own), replace(target, opening_key=own, key=bytes(32))):
        with pytest.raises(GgzyError, match=r"seal\.untrusted_key"):
            targets.check_key(lie, made.transcript)


def test_a_changed_title_encodes_differently() -> None:
    """The encoding covers the title, which people read."""
    assert replace(TARGET, title="二标段").encode() != TARGET.encode()


@given(st.binary(max_size=300))
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError, match=r"bid\.bad_target"):
        targets.parse(data)
