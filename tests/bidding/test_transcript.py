"""The transcript: a stranger derives the same keys from it, and no byte of it may change."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding import group, keymaking, transcript
from kernel import canonical
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.bidding.table import change, make, sit
from tests.bidding.test_keymaking import refusal

MADE = make(count=2)


def test_strangers_derive_the_keys_from_the_transcript_alone() -> None:
    """Y is the sum of the first commitments, each key has its own hash, and shares open what is sealed to Y."""
    told = json.loads(MADE.content)
    for key in MADE.transcript.keys:
        points = [bytes.fromhex(deal["keys"][key.index]["commitments"][0]) for deal in told["deals"]]
        assert key.public_key == group.add(group.add(points[0], points[1]), points[2])
        assert (key.threshold, len(key.verification_shares)) == (2, 3)
        assert key.transcript == MADE.transcript.hash
    assert len({key.key_hash for key in MADE.transcript.keys}) == 2


def test_the_hash_is_of_what_was_certified() -> None:
    """The transcript's hash does not depend on the signatures under it, and is the one in every certificate."""
    for got, device in zip(MADE.received, MADE.table.devices, strict=True):
        certificate = json.loads(transcript.certify(MADE.table.setup, got, device))
        assert certificate["transcript"] == MADE.transcript.hash.hex()


def test_different_deals_shown_to_custodians_are_found_out() -> None:
    """A server that shows one custodian another deal of the same dealer gets no transcript."""
    table = MADE.table
    other = keymaking.deal(table.setup, table.devices[0], SeededEntropy(b"second"))
    seen = keymaking.receive(table.setup, table.devices[2], [other, *MADE.deals[1:]])
    certificates = [*MADE.certificates[:2], transcript.certify(table.setup, seen, table.devices[2])]
    refused = refusal(transcript.finish, table.setup, MADE.received[0].deals, certificates)
    assert (refused.code, refused.params) == ("keymaking.transcripts_differ", {"custodian": 3})


def test_every_custodian_must_certify_once() -> None:
    """Neither a missing certificate nor a repeated one makes a transcript."""
    for wrong in (MADE.certificates[:2], [*MADE.certificates[:2], MADE.certificates[1]]):
        refused = refusal(transcript.finish, MADE.table.setup, MADE.received[0].deals, wrong)
        assert refused.code == "keymaking.certificates_missing"


def test_certificates_are_bound_to_custodian_and_setup() -> None:
    """Another's signature, another setup, a number outside: each is refused by its own name."""
    setup, hashed = MADE.table.setup, MADE.transcript.hash
    first = MADE.certificates[0]
    signed_by_another = change(first, MADE.table.devices[1])
    refused = refusal(transcript.check_certificate, setup, hashed, signed_by_another)
    assert (refused.code, refused.params) == ("keymaking.bad_signature", {"custodian": 1})
    other = sit(seed=b"other").setup
    assert refusal(transcript.check_certificate, other, hashed, first).code == "keymaking.wrong_setup"
    outside = change(first, MADE.table.devices[0], custodian=4)
    assert refusal(transcript.check_certificate, setup, hashed, outside).code == "keymaking.not_a_custodian"


def test_strangers_cannot_certify() -> None:
    """A device outside the key making has nothing to certify."""
    refused = refusal(transcript.certify, MADE.table.setup, MADE.received[0], sit(seed=b"other").devices[0])
    assert refused.code == "keymaking.not_a_custodian"


@pytest.mark.parametrize("change_of", ["deal_less", "signature_less", "order", "commitments", "extra", "setup"])
def test_transcripts_of_another_shape_are_refused(change_of: str) -> None:
    """What does not agree with its own setup is refused before any signature is looked at."""
    told = json.loads(MADE.content)
    match change_of:
        case "deal_less":
            told["deals"].pop()
        case "signature_less":
            told["signatures"].pop()
        case "order":
            told["deals"].reverse()
        case "commitments":
            told["deals"][0]["keys"][0]["commitments"].pop()
        case "extra":
            told["note"] = 1
        case _:
            told["setup"]["count"] = 1
    code = refusal(transcript.verify_transcript, canonical.encode(told)).code
    assert code in {"transcript.malformed", "keymaking.bad_deal"}


def test_a_changed_commitment_breaks_its_proof() -> None:
    """Proofs are checked again by every reader, not believed because custodians signed."""
    told = json.loads(MADE.content)
    told["deals"][1]["keys"][1]["commitments"][1] = group.base_mult(group.ONE).hex()
    refused = refusal(transcript.verify_transcript, canonical.encode(told))
    assert (refused.code, refused.params) == ("keymaking.bad_proof", {"dealer": 2})


def test_signatures_are_checked() -> None:
    """Swapped signatures name the first custodian whose signature is not its own."""
    told = json.loads(MADE.content)
    told["signatures"][1:] = reversed(told["signatures"][1:])
    refused = refusal(transcript.verify_transcript, canonical.encode(told))
    assert (refused.code, refused.params) == ("keymaking.bad_signature", {"custodian": 2})


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(MADE.content) * 8 - 1))
def test_no_bit_of_a_transcript_may_change(bit: int) -> None:
    """Any one flipped bit is refused with a code."""
    flipped = bytearray(MADE.content)
    flipped[bit // 8] ^= 1 << bit % 8
    code = refusal(transcript.verify_transcript, bytes(flipped)).code
    assert code.split(".")[0] in {"transcript", "keymaking"}


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_the_parser_raises_its_own_error_only(data: bytes) -> None:
    """Whatever bytes come in, the answer is a stable code."""
    assert refusal(transcript.verify_transcript, data).code == "transcript.malformed"


def test_key_hashes_name_transcript_and_number() -> None:
    """Two keys of one batch, and the same number of two batches, have different names."""
    hashes = {transcript.key_hash(bytes([i]) * 32, j) for i in range(2) for j in range(2)}
    assert len(hashes) == 4


def test_a_batch_derives_equal_keys_again() -> None:
    """Verification is a pure function of the bytes."""
    assert transcript.verify_transcript(MADE.content) == replace(MADE.transcript)


def test_a_key_that_is_the_identity_is_refused() -> None:
    """If the dealers' commitments cancel out there is no key, whatever was signed."""
    dealing = json.loads(MADE.content)["deals"]
    with pytest.raises(GgzyError) as caught:
        transcript.derive(MADE.table.setup, [_cancelled(d, i) for i, d in enumerate(dealing)], b"\0" * 32)
    assert caught.value.code == "group.bad_point"


def _cancelled(deal: dict, place: int) -> transcript.Dealing:  # type: ignore[type-arg]
    one = group.base_mult(group.ONE)
    points = [one, one, group.sub(group.sub(group.IDENTITY, one), one)]
    part = keymaking.KeyPart((points[place].hex(), one.hex()), "00" * 64)
    return transcript.Dealing(deal["dealer"], deal["digest"], deal["ephemeral"], deal["ephemeral_proof"], (part, part))
