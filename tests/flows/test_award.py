"""The award, computed again from what was filed: opened prices, points of signed sheets, formulas 1 and 5."""

import hashlib
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import rfc8785
from nacl.signing import VerifyKey

from tests.flows.played import Played

CENT = Decimal("0.01")
LOTS = pytest.mark.parametrize(("lot", "stage"), [(1, 1), (2, 2)])


def rounded(value: Decimal) -> Decimal:
    """Round half up to two places."""
    return value.quantize(CENT, ROUND_HALF_UP)


def prices(demo: Played, lot: int, stage: int) -> dict[str, Decimal]:
    """Return the price of each bid as it was read out at the opening."""
    record = demo.filed(f"bidding/lot-{lot:02d}/openings/stage-{stage}/record.json")
    return {
        bid["bid"]: Decimal(envelope["form"]["price"])
        for bid in record["bids"]
        for envelope in bid["envelopes"]
        if envelope["kind"] == "price"
    }


def ranking(demo: Played, lot: int, stage: int) -> list[tuple[str, Decimal]]:
    """Return bids and totals, best first: means of the members' points, and lowest price over price times weight."""
    result = demo.filed(f"experts/lot-{lot:02d}/report.json")["result"]
    weights = {kind: Decimal(weight) for kind, weight in result["scheme"]["weights"].items()}
    offered = prices(demo, lot, stage)
    totals = {}
    for bid, price in offered.items():
        sheets = [sheet["scores"] for sheet in result["sheets"] if sheet["bid"] == bid]
        assert len(sheets) == len(result["committee"]) == 5
        points = [
            rounded(sum((Decimal(sheet[kind]) for sheet in sheets), Decimal(0)) / len(sheets))
            for kind in weights
            if kind != "price"
        ]
        totals[bid] = sum(points, rounded(min(offered.values()) / price * weights["price"]))
    return sorted(totals.items(), key=lambda one: (-one[1], offered[one[0]]))


@LOTS
def test_ranks_are_those_of_the_formulas(demo: Played, lot: int, stage: int) -> None:
    """Totals, ranks and the three candidates of the report are what the filed sheets and prices give."""
    result = demo.filed(f"experts/lot-{lot:02d}/report.json")["result"]
    ranked = ranking(demo, lot, stage)
    told = sorted(result["offers"], key=lambda one: int(one["rank"]))
    assert [(one["bid"], Decimal(one["scores"]["total"])) for one in told] == ranked
    assert [one["bid"] for one in result["candidates"]] == [bid for bid, _ in ranked[:3]]


@LOTS
def test_the_first_is_awarded_at_the_price_that_they_offered(demo: Played, lot: int, stage: int) -> None:
    """Rank 1 wins (条例 55): notice, event and candidates name the same bidder and price."""
    best = ranking(demo, lot, stage)[0][0]
    received = {one["data"]["bid"]: one["data"]["bidder"] for one in demo.events("bid.received")}
    notices: list[Any] = [demo.filed(str(path.relative_to(demo.bag))) for path in demo.bag.glob("trading/notices/*")]
    (notice,) = [one for one in notices if (one["kind"], one["lot"]) == ("award", demo.lot(lot))]
    assert notice["data"]["winner"]["bidder"] == received[best]
    assert Decimal(notice["data"]["winner"]["price"]) == prices(demo, lot, stage)[best]
    (event,) = [one for one in demo.events("lot.awarded") if one["data"]["lot"] == demo.lot(lot)]
    assert event["data"]["winner"] == received[best]


@LOTS
def test_sheets_and_opinions_are_signed_by_the_members_devices(demo: Played, lot: int, stage: int) -> None:
    """Every filed message bears the signature of a device, one device to a member, over the report as filed."""
    report = demo.filed(f"experts/lot-{lot:02d}/report.json")
    assert report["result_sha256"] == hashlib.sha256(rfc8785.dumps(report["result"])).hexdigest()
    devices = {one["member"]: VerifyKey(bytes.fromhex(one["device"])) for one in report["opinions"]}
    assert len(set(devices.values())) == len(report["result"]["committee"])
    for one in report["opinions"]:
        assert one["message"]["report"] == report["result_sha256"]
        check(one["message"], devices[one["member"]])
    for sheet in report["result"]["sheets"]:
        check({name: value for name, value in sheet.items() if name != "member"}, devices[sheet["member"]])
    assert [one["kind"] for one in report["opinions"]].count("dissent") == 1


def check(message: dict[str, Any], key: VerifyKey) -> None:
    """Check a signed message (docs/spec/opening-key.md, section 2); raises when the signature is not the key's."""
    said = {name: value for name, value in message.items() if name != "signature"}
    signed = message["format"].encode() + b"\0" + rfc8785.dumps(said)
    key.verify(signed, bytes.fromhex(message["signature"]))


def test_the_drawn_experts_are_the_committee(demo: Played) -> None:
    """Those whose names the draw's transcript reveals are the members who signed the report, in either lot."""
    for lot in (1, 2):
        draw = demo.filed(f"experts/lot-{lot:02d}/draw-01/transcript.json")
        members = demo.filed(f"experts/lot-{lot:02d}/report.json")["result"]["committee"]
        assert sorted(one["name"] for one in draw["names"]) == sorted(one["name"] for one in members)
