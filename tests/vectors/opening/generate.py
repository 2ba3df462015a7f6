"""Makes the vectors of opening requests and of a draw's nonces: ``python -m tests.vectors.opening.generate``.

Each case is a stamped request with the code that a custodian's device must meet it with, ``ok`` or the first refusal.
Signatures of tokens are randomized, so a second run gives other bytes with the same verdicts; what devices answer
follows from a seed.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bidding import custodian, manifest, opening_request, opening_shares
from bidding.transcript import OpeningKey
from experts import nonce
from experts.nonce import Plan
from kernel import canonical
from kernel.clock import isoformat
from kernel.entropy import SeededEntropy
from tests.bidding.docket import DEADLINE, LOT, TENDER, Docket, bidder_device, docket, sealed, spoiled
from tests.vectors.draw.generate import DRAW
from trading.lot import EnvelopeKind

FOLDER = Path(__file__).parent
SEED = b"ggzy opening vectors v1"
DAY = timedelta(days=1)

Case = dict[str, Any]


def files() -> dict[str, str]:
    """Return every vector file by name."""
    return {"requests.json": _text("opening-request", _requests()), "nonces.json": _text("draw-nonce", _nonces())}


def _text(name: str, value: Case) -> str:
    return json.dumps({"format": f"ggzy/vectors/{name}/v1", **value}, indent=1, ensure_ascii=False) + "\n"


def _requests() -> Case:
    plain = docket(2)
    made = plain.made
    return {
        "transcript": made.content.decode(),
        "key_index": plain.key.index,
        "chain": plain.pins.chain_pem.decode(),
        "vkey": plain.pins.log.vkey,
        "device_seed": made.table.devices[0].encode().hex(),
        "share": made.received[0].shares[plain.key.index].hex(),
        "answer_seed": SEED.hex(),
        "cases": [*_good(), *_bad()],
    }


def _case(name: str, case: Docket, expect: str, stamped: bytes | None = None, seen: str | None = None) -> Case:
    """Return a case; that Python says the same is what the test of these vectors checks."""
    data = case.stamped() if stamped is None else stamped
    return {"name": name, "stamped": data.decode(), "newest_seen": seen, "expect": expect}


def _good() -> Iterator[Case]:
    """Requests that are answered, with the answer of custodian 1."""
    later = docket(1)
    later.move(DEADLINE + DAY)
    second = docket(1)
    second.stage = 2
    second.reached.append(second.log("evaluation.technical_finished", {"lot": str(LOT)}, at=DEADLINE + DAY))
    cases = {
        "honest": docket(2),
        "a moved deadline": later,
        "the second stage": second,
        "one envelope whose proof does not hold": _torn(),
    }
    for name, case in cases.items():
        data = case.stamped()
        yield {**_case(name, case, "ok", data), "answer": answer(case, data).decode()}


def _torn() -> Docket:
    """Return a lot with two bids; the first one's technical envelope proves nothing, and its bidder signed that."""
    case = docket(0)
    bid, device = spoiled(sealed(case.key, 0), EnvelopeKind.TECHNICAL), bidder_device(0)
    said = {
        "bid": str(LOT),
        "bidder": bid.bidder,
        "lot": str(LOT),
        "manifest": bid.digest().hex(),
        "signer": bytes(device.verify_key).hex(),
    }
    index = case.log("bid.received", said, at=DEADLINE - DAY)
    case.bids.append((bid, manifest.sign(bid, device), index))
    case.receive(1)
    return case


def _bad() -> Iterator[Case]:
    """Requests that give nothing."""
    case = docket(1)
    yield _case("a second too early", case, "custodian.too_early", case.stamped(DEADLINE - timedelta(seconds=1)))
    yield _case("a deadline that went back", case, "custodian.deadline_went_back", seen=isoformat(DEADLINE + DAY))
    yield _case("of the sandbox's time, in earnest", docket(1, sandbox=False), "timestamp.sandbox")
    _, token = opening_request.unstamp(case.stamped())
    other = docket(2)
    yield _case(
        "the token of another request", other, "timestamp.wrong_digest", opening_request.stamp(other.request(), token)
    )
    yield _case("not canonical", case, "opening_request.malformed", case.stamped().replace(b'":', b'": ', 1))
    yield _case("an unknown field", case, "opening_request.malformed", case.changed(note=1))
    yield _case("another key", case, "custodian.other_key", case.changed(key="00" * 32))
    yield _case(
        "another lot", case, "custodian.not_announced", case.changed(lot="33333333-3333-4333-8333-333333333333")
    )
    yield _case(
        "another tender", case, "custodian.wrong_entry", case.changed(tender="33333333-3333-4333-8333-333333333333")
    )
    yield _case(
        "an older deadline", case, "custodian.deadline_not_newest", case.changed(deadline=isoformat(DEADLINE - DAY))
    )
    yield _case("the second stage before its time", case, "custodian.stage_not_reached", case.changed(stage=2))
    yield from (_case(*one) for one in _changed_bids())


def _changed_bids() -> Iterator[tuple[str, Docket, str, bytes]]:
    """Requests with one thing changed in the first bid."""

    def changed(change: Callable[[dict[str, Any]], None]) -> tuple[Docket, bytes]:
        case = docket(1)
        content = json.loads(case.request())
        change(content)
        return case, case.stamped(request=canonical.encode(content))

    def salt(content: dict[str, Any]) -> None:
        content["bids"][0]["entry"]["salt"] = "00" * 32

    def moved(content: dict[str, Any]) -> None:
        content["bids"][0]["entry"]["event"]["at"] = isoformat(DEADLINE)

    def swapped(content: dict[str, Any]) -> None:
        content["bids"][0]["entry"] = content["deadlines"][0]

    def unsigned(content: dict[str, Any]) -> None:
        content["bids"][0]["signature"] = "00" * 64

    def twice(content: dict[str, Any]) -> None:
        content["bids"] *= 2

    tried = {
        "another salt": (salt, "custodian.not_in_log"),
        "an event that was changed": (moved, "custodian.not_in_log"),
        "the entry of another event": (swapped, "custodian.wrong_entry"),
        "a bid that its bidder did not sign": (unsigned, "bid.bad_signature"),
        "one bid twice": (twice, "custodian.two_bids"),
    }
    for name, (change, expect) in tried.items():
        case, data = changed(change)
        yield name, case, expect, data
    late = docket(0)
    late.receive(0, at=DEADLINE)
    yield "a bid that came at the deadline", late, "custodian.other_bid", late.stamped()
    hidden = docket(0)
    hidden.receive(0, deadline=DEADLINE + DAY)
    yield "a header with a later deadline", hidden, "custodian.other_bid", hidden.stamped()


def answer(case: Docket, stamped: bytes) -> bytes:
    """Return what custodian 1 answers to a request, with the randomness of the seed."""
    examined = custodian.examine(stamped, case.key, case.pins, newest_seen=None)
    share = case.made.received[0].shares[case.key.index]
    return opening_shares.write(examined.question, 1, share, case.made.table.devices[0], SeededEntropy(SEED))


def _nonces() -> Case:
    """A commitment, a reveal and a custodian's share, all with the randomness of the seed."""
    case = docket(0)
    key, device = case.key, case.made.table.devices[0]
    entropy = SeededEntropy(SEED)
    value, roster, release = entropy.token(32), entropy.token(32), DEADLINE + DAY
    plan = Plan(DRAW, TENDER, LOT, 1, roster, release, key.key_hash, key.public_key)
    message = nonce.commit(plan, "centre", value, device, SeededEntropy(SEED))
    seed = nonce.seed_digest(DRAW, "a note\n", None)
    return {
        "transcript": case.made.content.decode(),
        "device_seed": device.encode().hex(),
        "seed": SEED.hex(),
        "nonce": value.hex(),
        "told": {
            "id": str(DRAW), "tender_id": str(TENDER), "lot_id": str(LOT), "round": 1, "roster": roster.hex(),
            "release_at": release.isoformat(), "key_hash": key.key_hash.hex(), "checkpoint": "a note\n",
            "beacon_signature": None,
        },
        "role": "centre",
        "commitment": message.decode(),
        "seed_digest": seed.hex(),
        "reveal": nonce.reveal(DRAW, value, seed, device).decode(),
        "share": case.made.received[0].shares[key.index].hex(),
        "answer": _share(message, key, case, seed).decode(),
    }  # fmt: skip


def _share(message: bytes, key: OpeningKey, case: Docket, seed: bytes) -> bytes:
    device = case.made.table.devices[0]
    found = nonce.read(message, bytes(device.verify_key))
    share, now = case.made.received[0].shares[key.index], DEADLINE + DAY
    return nonce.answer(found, key, 1, share, device, seed=seed, now=now, entropy=SeededEntropy(SEED))


if __name__ == "__main__":
    for file, content in files().items():
        (FOLDER / file).write_text(content, "utf-8")
