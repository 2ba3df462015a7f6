"""The promises of bidding.manifest."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from bidding import group
from bidding import manifest as manifests
from bidding.manifest import Expectations, Manifest
from kernel import canonical
from kernel.errors import GgzyError
from tests.bidding import sample_bid
from tests.bidding.sample_bid import BIDDER, EXPECTED
from trading.lot import EnvelopeKind, OpeningPolicy

OTHER = UUID(int=7)


@cache
def sample() -> Manifest:
    """Return the manifest of the sample bid, sealed once."""
    with TemporaryDirectory() as folder:
        return sample_bid.seal(Path(folder)).file.manifest


def refusal(manifest: Manifest, expected: Expectations = EXPECTED, signature: bytes | None = None) -> str:
    """Return the code with which a freshly signed manifest is refused."""
    with pytest.raises(GgzyError) as raised:
        manifests.check(manifest, signature or manifests.sign(manifest, BIDDER.key), expected)
    return raised.value.code


def with_header(manifest: Manifest, **change: object) -> Manifest:
    """Return the manifest with its first envelope's header changed."""
    first, *rest = manifest.envelopes
    return replace(manifest, envelopes=(replace(first, header=replace(first.header, **change)), *rest))


def with_preamble(manifest: Manifest, **change: object) -> Manifest:
    """Return the manifest with its first envelope's preamble changed."""
    first, *rest = manifest.envelopes
    return replace(manifest, envelopes=(replace(first, preamble=replace(first.preamble, **change)), *rest))


def test_a_good_bid_is_accepted() -> None:
    """The sample bid reads back and is accepted."""
    manifest = manifests.parse(sample().encode())
    assert manifest == sample()
    manifests.check(manifest, manifests.sign(manifest, BIDDER.key), EXPECTED)
    assert manifest.envelope(EnvelopeKind.PRICE).kind is EnvelopeKind.PRICE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tender": OTHER}, "bid.other_tender"),
        ({"lot": OTHER}, "bid.other_lot"),
        ({"bidder": "9" * 18}, "bid.other_bidder"),
        ({"deadline": EXPECTED.deadline.replace(microsecond=2)}, "bid.other_deadline"),
        ({"signer": bytes(32)}, "bid.other_signer"),
        ({"policy": OpeningPolicy.QUORUM_AND_BIDDER}, "bid.other_policy"),
        ({"key": bytes(32)}, "bid.other_key"),
        ({"kinds": (EnvelopeKind.PRICE,)}, "bid.unexpected_envelope"),
        ({"kinds": tuple(EnvelopeKind)}, "bid.missing_envelope"),
    ],
)
def test_a_bid_for_something_else_is_refused(change: dict[str, object], code: str) -> None:
    """A genuine bid handed in elsewhere: the refusal says what it was sealed for."""
    assert refusal(sample(), replace(EXPECTED, **change)) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tender": OTHER}, "bid.other_tender"),
        ({"lot": OTHER}, "bid.other_lot"),
        ({"bidder": "9" * 18}, "bid.other_bidder"),
        ({"deadline": EXPECTED.deadline.replace(microsecond=2)}, "bid.other_deadline"),
        ({"policy": OpeningPolicy.QUORUM_AND_BIDDER}, "bid.other_policy"),
        ({"key": bytes(32)}, "bid.other_key"),
        ({"kind": EnvelopeKind.PRICE}, "bid.repeated_envelope"),
        ({"kind": EnvelopeKind.QUALIFICATION}, "bid.unexpected_envelope"),
        ({"point": bytes(32)}, "bid.bad_point"),
        ({"point": group.base_mult(group.ONE)}, "bid.bad_proof"),
        ({"padded_length": 67584}, "bid.bad_proof"),
    ],
)
def test_an_envelope_from_elsewhere_is_refused(change: dict[str, object], code: str) -> None:
    """An envelope moved into this bid and signed again is refused, even by its own bidder's signature."""
    assert refusal(with_header(sample(), **change)) == code


def test_a_wrong_proof_is_refused() -> None:
    """No proof of r, or another envelope's: refused."""
    second = sample().envelopes[1].preamble.proof
    for proof in (bytes(64), second, b"\xff" * 64):
        assert refusal(with_preamble(sample(), proof=proof)) == "bid.bad_proof"


def test_envelopes_swapped_within_a_bid_are_noticed() -> None:
    """One envelope's preamble beside the other's header does not pass."""
    first, second = sample().envelopes
    swapped = (replace(first, preamble=second.preamble), replace(second, preamble=first.preamble))
    assert refusal(replace(sample(), envelopes=swapped)) == "bid.bad_proof"


def test_a_wrong_signature_is_refused() -> None:
    """Another key's signature, another manifest's, one cut short."""
    good = manifests.sign(sample(), BIDDER.key)
    for signature in (manifests.sign(sample(), SigningKey(bytes(32))), good[:-1], b"", bytes(64), good + b"\0"):
        with pytest.raises(GgzyError, match=r"bid\.bad_signature"):
            manifests.check(sample(), signature, EXPECTED)
    assert refusal(replace(sample(), previous=bytes(32)), signature=good) == "bid.bad_signature"


def test_another_devices_signature_is_refused() -> None:
    """A bid signed by a key that is not the person's enrolled device."""
    stranger = SigningKey(b"?" * 32)
    manifest = replace(sample(), signer=bytes(stranger.verify_key))
    assert refusal(manifest, signature=manifests.sign(manifest, stranger)) == "bid.other_signer"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\xff\xfe", "标书".encode(), b"[]", b" {}"])
def test_what_is_not_sealed_is_named_so(data: bytes) -> None:
    """A plain PDF, a zip, text, nothing: 20号令 第二十六条 wants a prompt, so there is a code."""
    with pytest.raises(GgzyError, match=r"bid\.not_sealed"):
        manifests.parse(data)


def _edited(edit: Callable[[dict[str, object]], object]) -> bytes:
    value = canonical.decode(sample().encode())
    edit(value)
    return canonical.encode(value)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda m: m.update(format="ggzy/bid/v2"), "bid.bad_manifest"),
        (lambda m: m.update(extra=1), "bid.bad_manifest"),
        (lambda m: m.pop("previous"), "bid.bad_manifest"),
        (lambda m: m.update(envelopes=[]), "bid.bad_manifest"),
        (lambda m: m.update(signer="ab"), "bid.bad_manifest"),
        (lambda m: m.update(lot=m["lot"].upper().replace("2", "A")), "bid.bad_manifest"),
        (lambda m: m.update(deadline="2026-13-01T00:00:00.000000Z"), "bid.bad_manifest"),
        (lambda m: m["envelopes"][0].update(kind="price"), "bid.bad_manifest"),
        (lambda m: m["envelopes"][0].update(length=65552), "bid.bad_length"),
        (lambda m: m["envelopes"][0].update(length=-1), "bid.bad_manifest"),
        (lambda m: m["envelopes"][0].update(header="ab"), "bid.bad_header"),
        (lambda m: m["envelopes"][0].update(header="abc"), "bid.bad_header"),
        (lambda m: m["envelopes"][0].update(wrap=""), "bid.bad_manifest"),
    ],
)
def test_a_manifest_that_is_not_exactly_one_is_refused(edit: Callable[[dict[str, object]], object], code: str) -> None:
    """Other versions, unknown or missing fields, fields that disagree: each has its code."""
    with pytest.raises(GgzyError) as raised:
        manifests.parse(_edited(edit))
    assert raised.value.code == code


def test_size_is_limited() -> None:
    """A manifest of more than 16 KiB is refused before it is parsed."""
    with pytest.raises(GgzyError, match=r"bid\.bad_manifest"):
        manifests.parse(b"{" + b" " * manifests.MAX_SIZE)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, mask: int) -> None:
    """Any byte changed: the manifest does not parse, or its signature no longer fits."""
    data = bytearray(sample().encode())
    data[place % len(data)] ^= mask
    with pytest.raises(GgzyError):
        manifests.check(manifests.parse(bytes(data)), manifests.sign(sample(), BIDDER.key), EXPECTED)


@given(st.binary(max_size=200).map(lambda b: b"{" + b))
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError):
        manifests.parse(data)


def test_no_two_sealings_are_alike(tmp_path: Path) -> None:
    """The same bid sealed twice shares neither points nor roots."""
    again = sample_bid.seal(tmp_path).file.manifest
    for one, two in zip(sample().envelopes, again.envelopes, strict=True):
        assert one.header.point != two.header.point
        assert one.root != two.root
