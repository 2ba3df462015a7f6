"""Opening: combined shares, the answer's checks, strict requests."""

import json
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding import encapsulation, group, opening, opening_request, opening_shares
from bidding.opening_shares import Question
from kernel import canonical
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.bidding.docket import ENTROPY, docket, sealed, spoiled
from tests.bidding.table import change, make
from tests.bidding.test_group import TORSION
from tests.bidding.test_keymaking import refusal
from trading.lot import EnvelopeKind

MADE = make(5, 3, 2)
KEY = MADE.transcript.keys[1]
BIDS = [sealed(KEY, number) for number in range(3)]
QUESTION = Question(b"\x11" * 32, KEY, tuple(envelope for bid in BIDS for envelope in bid.envelopes))


def answer(custodian: int, question: Question = QUESTION) -> bytes:
    """Return an honest answer of one custodian."""
    share = MADE.received[custodian - 1].shares[1]
    return opening_shares.write(question, custodian, share, MADE.table.devices[custodian - 1], ENTROPY)


ANSWERS = {index: answer(index) for index in range(1, 6)}


@pytest.mark.parametrize("chosen", list(combinations(range(1, 6), 3)))
def test_any_quorum_of_answers_opens_every_envelope(chosen: tuple[int, ...]) -> None:
    """Each 3 of 5 answers give the K that opens each envelope's key commitment."""
    checked = [opening_shares.check(ANSWERS[index], QUESTION) for index in chosen]
    for envelope in QUESTION.envelopes:
        images = {one.custodian: one.images[envelope.header.hash()] for one in checked}
        shared = opening.combine(images, KEY.threshold)
        assert len(encapsulation.unlock(envelope.header, envelope.preamble, shared)) == 32


@pytest.mark.parametrize("chosen", list(combinations(range(1, 6), 2)))
def test_fewer_than_the_quorum_open_nothing(chosen: tuple[int, ...]) -> None:
    """Two answers are refused; combined all the same, their K opens nothing."""
    envelope = QUESTION.envelopes[0]
    images = {i: opening_shares.check(ANSWERS[i], QUESTION).images[envelope.header.hash()] for i in chosen}
    refused = refusal(opening.combine, images, KEY.threshold)
    assert (refused.code, refused.params) == ("opening.too_few_shares", {"given": 2, "needed": 3})
    shared = opening.combine(images, 2)
    assert refusal(encapsulation.unlock, envelope.header, envelope.preamble, shared).code == "bid.bad_commitment"


def test_more_answers_than_needed_give_the_same() -> None:
    """All five together open what three do."""
    found = QUESTION.envelopes[0].header.hash()
    images = {i: opening_shares.check(ANSWERS[i], QUESTION).images[found] for i in ANSWERS}
    assert opening.combine(images, 3) == opening.combine({i: images[i] for i in (2, 4, 5)}, 3)


def test_shares_of_one_key_do_not_open_another_of_the_batch() -> None:
    """Each key of a batch has its own shares; the wrong one of the same custodian is named as bad."""
    wrong = MADE.received[0].shares[0]
    data = opening_shares.write(QUESTION, 1, wrong, MADE.table.devices[0], ENTROPY)
    refused = refusal(opening_shares.check, data, QUESTION)
    assert (refused.code, refused.params["custodian"]) == ("shares.bad_share", 1)


@pytest.mark.parametrize("lie", ["image", "proof", "moved", "identity"])
def test_a_bad_share_names_its_custodian_and_envelope(lie: str) -> None:
    """A wrong D, a wrong proof, a D moved by torsion: the answer is refused, the custodian and the header named."""
    told = json.loads(ANSWERS[2])
    shares = told["shares"]
    place = 3
    image = bytes.fromhex(shares[place]["image"])
    match lie:
        case "image":
            shares[place]["image"] = group.add(image, image).hex()
        case "proof":
            shares[place]["proof"] = shares[place - 1]["proof"]
        case "moved":
            shares[place]["image"] = group.add(image, TORSION[4]).hex()
        case _:
            shares[place]["image"] = group.IDENTITY.hex()
    data = change(ANSWERS[2], MADE.table.devices[1], shares=shares)
    refused = refusal(opening_shares.check, data, QUESTION)
    expected = {"custodian": 2, "header": QUESTION.envelopes[place].header.hash().hex()}
    assert (refused.code, refused.params) == ("shares.bad_share", expected)


@pytest.mark.parametrize("torsion", TORSION)
def test_no_share_is_computed_of_a_point_off_the_subgroup(torsion: bytes) -> None:
    """A U of small order, or moved by it, gets no D: x mod 8 would leak."""
    share = MADE.received[0].shares[0]
    moved = group.add(QUESTION.envelopes[0].header.point, torsion)
    for point in {torsion, moved} - {QUESTION.envelopes[0].header.point}:
        assert refusal(opening.partial, share, point, b"", ENTROPY).code == "group.bad_point"


@pytest.mark.parametrize("torsion", TORSION[1:])
def test_no_image_off_the_subgroup_is_combined(torsion: bytes) -> None:
    """Even if a check were forgotten, combination refuses such a point."""
    found = QUESTION.envelopes[0].header.hash()
    images = {i: opening_shares.check(ANSWERS[i], QUESTION).images[found] for i in (1, 2, 3)}
    images[2] = group.add(images[2], torsion)
    assert refusal(opening.combine, images, 3).code == "group.bad_point"


def test_an_answer_belongs_to_one_request_and_key() -> None:
    """An answer to another request or for another key is refused before its shares are looked at."""
    other = replace(QUESTION, request=b"\x12" * 32)
    assert refusal(opening_shares.check, ANSWERS[1], other).code == "shares.other_request"
    other = replace(QUESTION, key=MADE.transcript.keys[0])
    assert refusal(opening_shares.check, ANSWERS[1], other).code == "shares.other_key"


def test_a_share_from_outside_the_key_making_is_refused() -> None:
    """A number that no custodian has, another's number, a stranger's signature: each refused by its name."""
    outside = change(ANSWERS[1], MADE.table.devices[0], custodian=6)
    assert refusal(opening_shares.check, outside, QUESTION).code == "shares.not_a_custodian"
    for number, signer in ((2, MADE.table.devices[0]), (1, make(seed=b"other").table.devices[0])):
        refused = refusal(opening_shares.check, change(ANSWERS[1], signer, custodian=number), QUESTION)
        assert (refused.code, refused.params) == ("shares.bad_signature", {"custodian": number})


@pytest.mark.parametrize("change_of", ["less", "more", "order"])
def test_an_answer_has_exactly_the_envelopes_of_the_request(change_of: str) -> None:
    """Nothing left out, nothing added, nothing in another order."""
    shares = json.loads(ANSWERS[1])["shares"]
    match change_of:
        case "less":
            shares.pop()
        case "more":
            shares.append(shares[0])
        case _:
            shares.reverse()
    data = change(ANSWERS[1], MADE.table.devices[0], shares=shares)
    refused = refusal(opening_shares.check, data, QUESTION)
    assert (refused.code, refused.params) == ("shares.other_envelopes", {"custodian": 1})


def test_one_bad_bid_does_not_stop_the_others() -> None:
    """The device gives no share for an envelope whose proof fails, says why, and helps with the rest."""
    bad = spoiled(BIDS[1], EnvelopeKind.PRICE)
    envelopes = (*BIDS[0].envelopes, *bad.envelopes, *BIDS[2].envelopes)
    question = replace(QUESTION, envelopes=envelopes)
    checked = opening_shares.check(answer(1, question), question)
    assert dict(checked.refused) == {bad.envelope(EnvelopeKind.PRICE).header.hash(): "bid.bad_proof"}
    assert len(checked.images) == len(envelopes) - 1


def test_a_share_is_either_given_or_refused() -> None:
    """Half a share, or a share together with a refusal, is malformed."""
    for fields in ({"proof": None}, {"refused": "bid.bad_proof"}, {"image": None, "proof": None}):
        shares = json.loads(ANSWERS[1])["shares"]
        shares[0] |= fields
        data = change(ANSWERS[1], MADE.table.devices[0], shares=shares)
        assert refusal(opening_shares.check, data, QUESTION).code == "shares.malformed"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_parsers_raise_their_own_errors_only(data: bytes) -> None:
    """Whatever bytes come in, the answer is a stable code."""
    assert refusal(opening_shares.check, data, QUESTION).code == "shares.malformed"
    assert refusal(opening_request.parse, data).code == "opening_request.malformed"
    assert refusal(opening_request.unstamp, data).code == "opening_request.malformed"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ANSWERS[1]) * 8 - 1))
def test_no_bit_of_an_answer_may_change(bit: int) -> None:
    """The device's signature covers every byte."""
    flipped = bytearray(ANSWERS[1])
    flipped[bit // 8] ^= 1 << bit % 8
    assert refusal(opening_shares.check, bytes(flipped), QUESTION).code.startswith("shares.")


def test_requests_are_read_as_they_were_written() -> None:
    """A request parses to what composed it; another format, field or spelling is refused."""
    content = docket().request()
    assert [bid.entry.event["kind"] for bid in opening_request.parse(content).bids] == ["bid.received"] * 3
    told = json.loads(content)
    changes = (
        {"format": "ggzy/opening-request/v2"}, {"stage": 3}, {"note": 1}, {"deadline": "2026-12-01T01:00:00Z"},
        {"deadline": "2026-13-01T01:00:00.000000Z"}, {"bids": []}, {"deadlines": []}, {"key": told["key"].upper()},
    )  # fmt: skip
    for changed in changes:
        data = canonical.encode({**told, **changed})
        assert refusal(opening_request.parse, data).code == "opening_request.malformed"


def test_context_binds_key_header_and_custodian() -> None:
    """A proof given for one key, envelope or custodian says nothing for another."""
    contexts = {
        opening.share_context(bytes([k]) * 32, bytes([h]) * 32, i) for k in (0, 1) for h in (0, 1) for i in (1, 2)
    }
    assert len(contexts) == 8


def test_combination_needs_real_numbers() -> None:
    """Custodian 0 does not exist: at zero lies the secret itself."""
    point = group.base_mult(group.random_scalar(SeededEntropy(b"p")))
    with pytest.raises(GgzyError):
        opening.combine({0: point, 1: point}, 2)
