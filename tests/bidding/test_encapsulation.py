"""The promises of bidding.encapsulation."""

from dataclasses import replace
from uuid import UUID

import pytest

from bidding import encapsulation, group
from bidding.encapsulation import Encapsulation, Preamble
from bidding.header import Header, Suite
from bidding.opening_shares import Answer
from bidding.verdict import Shares
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.bidding.sample_bid import BIDDER, PRIVATE, TARGET
from tests.bidding.test_header import SAMPLE
from trading.lot import OpeningPolicy

ENTROPY = SeededEntropy(b"encapsulation")
SECRET = bytes(range(32))
TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def sealed(policy: OpeningPolicy) -> tuple[Header, bytes, Preamble, Encapsulation]:
    """Return header, payload key, preamble and what only the sealer knows."""
    fresh = encapsulation.encapsulate(TARGET.opening_key, ENTROPY)
    header = replace(SAMPLE, policy=policy, point=fresh.point)
    key, preamble = encapsulation.bind(header, fresh, SECRET, ENTROPY)
    return header, key, preamble, fresh


def refused(code: str, *arguments: object, call: object = encapsulation.unlock) -> None:
    """Expect a refusal with this code."""
    with pytest.raises(GgzyError) as refusal:
        call(*arguments)  # type: ignore[operator] # any function of the module
    assert refusal.value.code == code


def test_custodians_find_the_same_k() -> None:
    """K = rY is xU."""
    fresh = encapsulation.encapsulate(TARGET.opening_key, ENTROPY)
    assert group.mult(PRIVATE, fresh.point) == fresh.shared


@pytest.mark.parametrize("policy", OpeningPolicy)
def test_quorum_and_secret_give_the_key(policy: OpeningPolicy) -> None:
    """Under every policy, K and the bidder's secret together open the envelope, and the proof holds."""
    header, key, preamble, fresh = sealed(policy)
    encapsulation.verify(header, preamble)
    assert encapsulation.unlock(header, preamble, fresh.shared, SECRET) == key


def test_quorum_alone_opens_quorum_and_quorum_or_bidder() -> None:
    """K alone is enough where the documents say so."""
    for policy in (OpeningPolicy.QUORUM, OpeningPolicy.QUORUM_OR_BIDDER):
        header, key, preamble, fresh = sealed(policy)
        assert encapsulation.unlock(header, preamble, fresh.shared) == key


def test_quorum_and_bidder_needs_both() -> None:
    """Without the bidder's secret, or with another's, the custodians open nothing."""
    header, _, preamble, fresh = sealed(OpeningPolicy.QUORUM_AND_BIDDER)
    refused("bid.bidder_secret_missing", header, preamble, fresh.shared)
    refused("bid.bad_commitment", header, preamble, fresh.shared, bytes(32))
    refused("bid.bad_commitment", header, preamble, group.base_mult(PRIVATE), SECRET)
    refused("bid.needs_quorum", header, preamble, SECRET, call=encapsulation.unlock_alone)


def test_the_bidder_alone_opens_quorum_or_bidder_only() -> None:
    """Under quorum_or_bidder the secret alone gives the same key; a wrong secret or wrap gives nothing."""
    header, key, preamble, _ = sealed(OpeningPolicy.QUORUM_OR_BIDDER)
    assert encapsulation.unlock_alone(header, preamble, SECRET) == key
    refused("bid.bad_commitment", header, preamble, bytes(32), call=encapsulation.unlock_alone)
    for bit in (0, 255):
        wrap = bytearray(preamble.wrap or b"")
        wrap[bit // 8] ^= 1 << bit % 8
        other = replace(preamble, wrap=bytes(wrap))
        refused("bid.bad_commitment", header, other, SECRET, call=encapsulation.unlock_alone)
    other_header, _, other_preamble, _ = sealed(OpeningPolicy.QUORUM)
    refused("bid.needs_quorum", other_header, other_preamble, SECRET, call=encapsulation.unlock_alone)


@pytest.mark.parametrize("policy", OpeningPolicy)
def test_a_moved_header_opens_nothing(policy: OpeningPolicy) -> None:
    """Another lot, kind, bidder, deadline, suite or length: the proof fails, and so does the commitment."""
    header, _, preamble, fresh = sealed(policy)
    for change in (
        {"lot": TARGET.tender},
        {"tender": TARGET.lot},
        {"bidder": BIDDER.uscc[:-1] + "1"},
        {"deadline": header.deadline.replace(microsecond=2)},
        {"suite": Suite.XCHACHA20_POLY1305},
        {"key": bytes(32)},
        {"padded_length": 67584},
    ):
        moved = replace(header, **change)
        refused("bid.bad_proof", moved, preamble, call=encapsulation.verify)
        refused("bid.bad_commitment", moved, preamble, fresh.shared, SECRET)


def test_anothers_point_cannot_be_sent_in_again() -> None:
    """A rival's U under one's own header has no valid proof, so no custodian computes a share for it."""
    header, _, preamble, _ = sealed(OpeningPolicy.QUORUM)
    stolen = replace(header, bidder=BIDDER.uscc[:-1] + "1", deadline=header.deadline.replace(year=2025))
    refused("bid.bad_proof", stolen, preamble, call=encapsulation.verify)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), TORSION, b"\xff" * 32])
def test_points_off_the_subgroup_are_refused(point: bytes) -> None:
    """As U and as opening key: off the curve, identity, small order, not canonical."""
    header, _, preamble, _ = sealed(OpeningPolicy.QUORUM)
    refused("bid.bad_point", replace(header, point=point), preamble, call=encapsulation.verify)
    refused("bid.bad_opening_key", point, ENTROPY, call=encapsulation.encapsulate)


def test_a_point_with_a_torsion_part_is_refused() -> None:
    """U + torsion lies on the curve but off the subgroup."""
    header, _, preamble, fresh = sealed(OpeningPolicy.QUORUM)
    mixed = group.add(fresh.point, TORSION)
    refused("bid.bad_point", replace(header, point=mixed), preamble, call=encapsulation.verify)


def test_wrap_and_policy_go_together() -> None:
    """A wrap under another policy, or none under quorum_or_bidder, is refused."""
    header, _, preamble, _ = sealed(OpeningPolicy.QUORUM)
    refused("bid.bad_wrap", header, replace(preamble, wrap=bytes(32)), call=encapsulation.verify)
    header, _, preamble, _ = sealed(OpeningPolicy.QUORUM_OR_BIDDER)
    refused("bid.bad_wrap", header, replace(preamble, wrap=None), call=encapsulation.verify)


def test_each_envelope_has_its_own_bidder_secret() -> None:
    """What a bidder hands over for one envelope opens no other."""
    first, second = sealed(OpeningPolicy.QUORUM)[0], sealed(OpeningPolicy.QUORUM)[0]
    assert encapsulation.bidder_secret(SECRET, first) != encapsulation.bidder_secret(SECRET, second)


def test_secrets_do_not_show_in_text() -> None:
    """Whoever prints or logs a sealer, an encapsulation or its users shows no secret of theirs."""
    fresh = encapsulation.encapsulate(TARGET.opening_key, ENTROPY)
    shown = repr(
        (
            fresh,
            BIDDER,
            Answer(1, {b"h": fresh.shared}, {}),
            Shares(UUID(int=1), 1, 2, complete=False, images=[{1: fresh.shared}]),
        )
    )
    for secret in (fresh.scalar, fresh.shared, BIDDER.secret, bytes(BIDDER.key)):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
