"""A custodian's device: it gives shares for what the trail and a trusted time show, and for nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.note import new_signer
from archive.timestamp import new_authority_keys
from bidding import custodian, opening_request, opening_shares
from kernel import canonical
from kernel.clock import FixedClock, isoformat
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.bidding.docket import DEADLINE, ENTROPY, LOT, USCCS, Docket, docket
from trading.lot import EnvelopeKind

DAY = timedelta(days=1)


def refuses(case: Docket, stamped: bytes | None = None, **told: Any) -> GgzyError:
    """Return what the device says to a request that it must refuse."""
    told = {"newest_seen": None, **told}
    data = case.stamped() if stamped is None else stamped
    with pytest.raises(GgzyError) as caught:
        custodian.examine(data, case.key, case.pins, **told)
    return caught.value


def test_a_good_request_is_answered() -> None:
    """Stage 1 of a lot with three bids: the technical envelopes, in the order in which the bids arrived."""
    case = docket()
    seen = custodian.examine(case.stamped(), case.key, case.pins, newest_seen=DEADLINE)
    assert (seen.lot, seen.stage, seen.deadline, seen.bidders) == (LOT, 1, DEADLINE, USCCS[:3])
    assert seen.stamped_at == DEADLINE + timedelta(seconds=1)
    assert [envelope.kind for envelope in seen.question.envelopes] == [EnvelopeKind.TECHNICAL] * 3
    share = case.made.received[0].shares[1]
    answer = opening_shares.write(seen.question, 1, share, case.made.table.devices[0], ENTROPY)
    assert len(opening_shares.check(answer, seen.question).images) == 3


def test_the_deadline_itself_is_late_enough() -> None:
    """At the deadline exactly bids are closed, so shares may be given; a second before they may not."""
    case = docket()
    custodian.examine(case.stamped(DEADLINE), case.key, case.pins, newest_seen=None)
    refused = refuses(case, case.stamped(DEADLINE - timedelta(seconds=1)))
    assert (refused.code, refused.params["deadline"]) == ("custodian.too_early", isoformat(DEADLINE))


def test_the_token_stamps_this_request() -> None:
    """A token over another request proves nothing about this one."""
    case = docket()
    _, token = opening_request.unstamp(case.stamped())
    case.receive(3)
    assert refuses(case, opening_request.stamp(case.request(), token)).code == "timestamp.wrong_digest"


def test_another_authority_is_not_believed() -> None:
    """A token whose chain is not the pinned one is refused."""
    case = docket()
    case.pins = replace(case.pins, chain_pem=_other_chain())
    assert refuses(case).code.startswith("timestamp.")


def test_a_sandbox_s_time_opens_nothing_in_earnest() -> None:
    """Even where its chain is pinned, a token of compressed time proves nothing for a lot that is not play."""
    assert refuses(docket(sandbox=False)).code == "timestamp.sandbox"


def test_a_moved_deadline_counts() -> None:
    """After a move the old deadline opens nothing, even where every header still carries it; the new one does."""
    case = docket()
    case.move(DEADLINE + DAY)
    custodian.examine(case.stamped(), case.key, case.pins, newest_seen=None)
    assert refuses(case, case.stamped(DEADLINE + timedelta(hours=1))).code == "custodian.too_early"
    case.deadline = DEADLINE
    assert refuses(case).code == "custodian.deadline_not_newest"


def test_the_device_remembers_the_newest_deadline() -> None:
    """A server that hides the move from a device that has seen it gets nothing."""
    case = docket()
    refused = refuses(case, newest_seen=DEADLINE + DAY)
    assert (refused.code, refused.params) == ("custodian.deadline_went_back", {"deadline": isoformat(DEADLINE + DAY)})


def test_a_header_with_a_later_deadline_stays_shut() -> None:
    """A bid sealed under a deadline later than the one that the server admits shows that a move is being hidden."""
    case = docket()
    case.receive(3, deadline=DEADLINE + DAY)
    refused = refuses(case)
    assert (refused.code, refused.params) == ("custodian.other_bid", {"bidder": USCCS[3]})


def test_another_log_is_not_believed() -> None:
    """Entries under another key than the pinned one are as if they were not there."""
    case = docket()
    stamped = case.stamped()
    case.pins = replace(case.pins, log=new_signer("ggzy.test/log", SeededEntropy(b"other"))[0].key)
    assert refuses(case, stamped).code == "custodian.not_in_log"


@pytest.mark.parametrize("what", ["salt", "event", "proof", "swapped"])
def test_every_bid_must_be_in_the_log(what: str) -> None:
    """A changed salt, event or proof, or the proof of another entry: the device sees that this bid is not there."""
    case = docket()

    def change(content: dict[str, Any]) -> None:
        entry = content["bids"][1]["entry"]
        match what:
            case "salt":
                entry["salt"] = "00" * 32
            case "event":
                entry["event"]["at"] = isoformat(DEADLINE - 2 * DAY)
            case "proof":
                entry["proof"] = entry["proof"].replace("index 2\n", "index 3\n")
            case _:
                entry["proof"] = content["bids"][0]["entry"]["proof"]

    assert refuses(case, _changed(case, change)).code == "custodian.not_in_log"


def test_bids_must_be_of_this_lot_key_and_tender() -> None:
    """A header for another lot, tender, key or bidder is refused, although its entry is in the log."""
    wrong: tuple[dict[str, Any], ...] = (
        {"lot": SeededEntropy(b"l").token(16)},
        {"tender": SeededEntropy(b"t").token(16)},
        {"hashed": b"\7" * 32},
    )
    for fields in wrong:
        case = docket(2)
        told = {name: _uuid(value) if len(value) == 16 else value for name, value in fields.items()}
        case.receive(2, **told)
        assert refuses(case).code == "custodian.other_bid", fields


def test_the_manifest_is_the_one_received() -> None:
    """Another manifest of the same bidder under the entry of the first is refused."""
    case = docket()
    other = docket(0)
    other.receive(1)
    bid, signature, _ = other.bids[0]
    case.bids[1] = (bid, signature, case.bids[1][2])
    refused = refuses(case)
    assert (refused.code, refused.params) == ("custodian.other_bid", {"bidder": USCCS[1]})


def test_the_bidders_signature_is_checked() -> None:
    """A manifest without its bidder's signature is no bid."""
    case = docket()
    bid, _, index = case.bids[0]
    case.bids[0] = (bid, bytes(64), index)
    assert refuses(case).code == "bid.bad_signature"


def test_a_bid_after_the_deadline_stays_shut() -> None:
    """An entry whose own time is not before the deadline is refused."""
    case = docket()
    case.receive(3, at=DEADLINE)
    assert refuses(case).code == "custodian.other_bid"


def test_no_bidder_is_opened_twice() -> None:
    """A replaced bid beside the one that replaced it is refused: only one stands."""
    case = docket()
    case.receive(1)
    assert refuses(case).code == "custodian.two_bids"


def test_a_later_stage_needs_its_own_entry() -> None:
    """Prices of stage 2 stay shut until the log says that the technical evaluation has ended, for this lot."""
    case = docket()
    case.stage = 2
    assert refuses(case).code == "custodian.stage_not_reached"
    other = case.log(custodian.TECHNICAL_FINISHED, {"lot": str(_uuid(b"\1" * 16))}, at=DEADLINE + DAY)
    case.reached = [other]
    assert refuses(case).code == "custodian.stage_not_reached"
    case.reached = [case.log(custodian.TECHNICAL_FINISHED, {"lot": str(LOT)}, at=DEADLINE + DAY)]
    seen = custodian.examine(case.stamped(), case.key, case.pins, newest_seen=None)
    assert {envelope.kind for envelope in seen.question.envelopes} == {EnvelopeKind.PRICE}


def test_the_announcement_says_which_kinds_open_when() -> None:
    """The stages are those announced, not those of the request; a lot that was not announced opens nothing."""
    case = Docket()
    case.announce(envelopes=[{"kind": "price", "stage": 2}])
    case.receive(0)
    assert refuses(case).code == "custodian.nothing_to_open"
    case = Docket()
    case.announce(lot=str(_uuid(b"\2" * 16)))
    case.receive(0)
    assert refuses(case).code == "custodian.not_announced"


@pytest.mark.parametrize("wrong", ["none", "moved_first", "twice", "other_kind"])
def test_the_announcement_comes_first(wrong: str) -> None:
    """The entries are one announcement, then moves of the deadline; another kind of entry is refused."""
    case = docket()
    match wrong:
        case "none":
            case.deadlines = [case.bids[0][2]]
        case "moved_first":
            case.move(DEADLINE)
            case.deadlines.reverse()
        case "twice":
            case.announce()
        case _:
            case.deadlines.append(case.bids[0][2])
    assert refuses(case).code in {"custodian.not_announced", "custodian.wrong_entry"}


def test_entries_of_another_tender_do_not_count() -> None:
    """An announcement of another tender, well proved, says nothing here."""
    case = docket()
    at = DEADLINE - 30 * DAY
    case.deadlines.append(case.log("deadline.moved", {"lot": str(LOT)}, at=at, trade=_uuid(b"\3" * 16)))
    assert refuses(case).code == "custodian.wrong_entry"


def test_the_lots_key_is_the_one_announced() -> None:
    """Neither another key of the device, nor another key in the request than was announced, is used."""
    case = docket()
    with pytest.raises(GgzyError) as caught:
        custodian.examine(case.stamped(), case.made.transcript.keys[0], case.pins, newest_seen=None)
    assert caught.value.code == "custodian.other_key"
    case = Docket()
    case.announce(key="00" * 32)
    case.receive(0)
    assert refuses(case).code == "custodian.other_key"


@pytest.mark.parametrize("terms", [{"deadline": None}, {"deadline": 5}, {"envelopes": None}, {"envelopes": [3]}])
def test_malformed_terms_are_no_announcement(terms: dict[str, Any]) -> None:
    """Whatever an entry of the log holds, the device answers with a code."""
    case = Docket()
    case.announce(**terms)
    case.receive(0)
    assert refuses(case).code == "custodian.not_announced"


_STAMPED = docket().stamped()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(_STAMPED) * 8 - 1))
def test_no_bit_of_a_stamped_request_may_change(bit: int) -> None:
    """Form, token, proofs: any one flipped bit is refused with a code, whatever it hits; unflipped it is good."""
    assert custodian.examine(_STAMPED, docket().key, docket().pins, newest_seen=None).stage == 1
    flipped = bytearray(_STAMPED)
    flipped[bit // 8] ^= 1 << bit % 8
    refuses(docket(), bytes(flipped))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=4)
    | st.sampled_from([isoformat(DEADLINE), str(LOT)]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lot", "new", "kind", "stage"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["lot", "deadline", "envelopes", "key", "moved", "bid", "reached"]), _JSON)
def test_whatever_stands_in_the_log_is_answered_with_a_code(place: str, value: Any) -> None:
    """Events that a hostile platform logged itself, well proved and stamped: a refusal or an answer, never a crash."""
    case = Docket()
    case.announce(**({place: value} if place in ("lot", "deadline", "envelopes", "key") else {}))
    case.receive(0)
    told = value if isinstance(value, dict) else {"lot": value, "new": value, "manifest": value}
    if place == "moved":
        case.deadlines.append(case.log("deadline.moved", {"lot": str(LOT), **told}, at=DEADLINE - DAY))
    elif place == "bid":
        case.bids[0] = (*case.bids[0][:2], case.log("bid.received", told, at=DEADLINE - DAY))
    elif place == "reached":
        case.stage = 2
        case.reached = [case.log(custodian.TECHNICAL_FINISHED, told, at=DEADLINE + DAY)]
    try:
        custodian.examine(case.stamped(), case.key, case.pins, newest_seen=None)
    except GgzyError as error:
        assert error.code.startswith("custodian.")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(json.loads(docket(1).request()))), _JSON)
def test_any_field_of_a_request_may_be_of_another_sort(field: str, value: Any) -> None:
    """A request with one field replaced, stamped anew by the platform, is refused with a code."""
    case = docket(1)
    if json.loads(case.request())[field] != value:
        refuses(case, case.changed(**{field: value}))


def _changed(case: Docket, change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(case.request())
    change(content)
    return case.stamped(request=canonical.encode(content))


def _uuid(data: bytes) -> Any:
    return UUID(bytes=data, version=4)


def _other_chain() -> bytes:
    with TemporaryDirectory() as folder:
        new_authority_keys(Path(folder), clock=FixedClock(DEADLINE - 60 * DAY), entropy=ENTROPY, sandbox=True)
        return (Path(folder) / "chain.pem").read_bytes()
