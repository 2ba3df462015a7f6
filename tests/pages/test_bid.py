"""A bidder's pages over ASGI: who sees what, and what the pages say without JavaScript."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.dialects.postgresql import insert

from api.accounts import credentials
from api.wiring import Installation
from kernel.actor import Grant, Role, party
from kernel.database import now
from tests.bidding import scene, stage
from tests.bidding.scene import Scene
from tests.conftest import Someone
from tests.pages.conftest import Maker, SignIn, text_of
from trading.tables import IssueRow, PartyRow

USCC = stage.USCCS[0]


@pytest.fixture
async def lot(installation: Installation, tmp_path: Path) -> Scene:
    """An announced lot that takes bids for an hour."""
    return await scene.prepare(installation, tmp_path)


@pytest.fixture
async def bidder(someone: Maker) -> Someone:
    """Somebody of the first bidder."""
    return await someone(Grant(Role.BIDDER, party(USCC)))


async def take_documents(played: Scene, uscc: str = USCC) -> None:
    """Let a bidder have taken the documents of the lot."""
    async with played.installation.sessions.begin() as session:
        moment = await now(session)
        stated = {"uscc": uscc, "name": "草原建设", "revision": 1, "profile": {}, "registered_at": moment}
        await session.execute(insert(PartyRow).values(stated).on_conflict_do_nothing())
        issue = {"lot_id": played.lot_id, "bidder": uscc, "by": stage.bidder().actor.user_id, "at": moment}
        await session.execute(insert(IssueRow).values(issue))


async def test_nobody_who_is_not_signed_in_sees_a_bidders_page(visitor: object, lot: Scene) -> None:
    """Every page leads to the sign-in first."""
    for path in ("/bid", "/bid/device", "/bid/rehearsal", f"/bid/lots/{lot.lot_id}"):
        answer = await visitor.get(path)  # type: ignore[attr-defined]
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")


async def test_the_list_names_what_waits_and_what_was_handed_in(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """A lot whose documents were taken waits for a bid; a bid that is there is shown with its state and is no task."""
    await take_documents(lot)
    visitor = await signed_in(bidder)
    assert "尚未投标" in text_of(await visitor.get("/bid"))
    assert "递交投标文件：工程 · 第 1 标段" in text_of(await visitor.get("/desk"))
    await lot.hand_in(0)
    shown = text_of(await visitor.get("/bid"))
    assert "已递交" in shown
    assert "尚未投标" not in shown
    assert "递交投标文件：" not in text_of(await visitor.get("/desk"))


async def test_a_bid_whose_deadline_moved_asks_to_be_confirmed(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """After the deadline moved the bid is shown as one that waits for its confirmation, here and on the desk."""
    await take_documents(lot)
    bid = await lot.hand_in(0)
    visitor = await signed_in(bidder)
    assert (await visitor.get(f"/bid/bids/{bid}/confirmation")).status_code == 303
    async with lot.installation.sessions.begin() as session:
        await stage.set_deadline(session, lot.lot_id, await now(session) + timedelta(hours=5))
    assert "待确认" in text_of(await visitor.get("/bid"))
    assert "确认投标继续有效" in text_of(await visitor.get("/desk"))
    page = await visitor.get(f"/bid/bids/{bid}/confirmation")
    assert '"format": "ggzy/confirmation/v1"' in page.text


async def test_the_receipts_page_shows_number_and_files(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """The confirmation has the number in groups, the whole digest, and every file of the receipt."""
    bid = await lot.hand_in(0)
    visitor = await signed_in(bidder)
    page = await visitor.get(f"/bid/bids/{bid}")
    assert "投标已送达" in text_of(page)
    for suffix in ("json", "tsr", "digest", "proof"):
        assert f"/api/v1/bids/{bid}/receipt.{suffix}" in page.text
    digest = (await visitor.get(f"/api/v1/bids/{bid}/receipt.digest")).text.strip()
    assert digest in page.text


async def test_a_receipt_on_paper_is_the_same_file_each_time(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """The PDF is made by typst from the receipt alone; twice asked, twice the same bytes."""
    bid = await lot.hand_in(0)
    visitor = await signed_in(bidder)
    first = await visitor.get(f"/bid/bids/{bid}/receipt.pdf")
    assert first.headers["content-type"] == "application/pdf"
    assert first.content.startswith(b"%PDF-")
    assert (await visitor.get(f"/bid/bids/{bid}/receipt.pdf")).content == first.content


async def test_others_bids_do_not_exist(lot: Scene, someone: Maker, signed_in: SignIn) -> None:
    """Another bidder, the witness and the supervisor get the same answer as for a bid that was never made."""
    bid = await lot.hand_in(0)
    for grant in (Grant(Role.BIDDER, party(stage.USCCS[1])), Grant(Role.WITNESS, "*"), Grant(Role.SUPERVISOR, "*")):
        visitor = await signed_in(await someone(grant))
        for path in ("", "/withdrawal", "/receipt.pdf"):
            found = await visitor.get(f"/bid/bids/{bid}{path}", headers={"Accept": "text/html"})
            never = await visitor.get(f"/bid/bids/{lot.lot_id}{path}", headers={"Accept": "text/html"})
            assert (found.status_code, main_of(found)) == (404, main_of(never))


async def test_who_bids_for_nobody_cannot_come_to_the_submission(lot: Scene, someone: Maker, signed_in: SignIn) -> None:
    """A purchaser is told that bidders bid; another party's code in the address is unknown."""
    visitor = await signed_in(await someone(Grant(Role.PURCHASER, party(stage.PURCHASER))))
    assert (await visitor.get(f"/bid/lots/{lot.lot_id}")).status_code == 403
    visitor = await signed_in(await someone(Grant(Role.BIDDER, party(USCC))))
    assert (await visitor.get(f"/bid/lots/{lot.lot_id}?bidder={stage.USCCS[1]}")).status_code == 404


async def test_a_closed_lot_says_why_and_offers_nothing(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """After the deadline the page tells that it has passed; no script is loaded that could seal."""
    await lot.pass_deadline()
    page = await (await signed_in(bidder)).get(f"/bid/lots/{lot.lot_id}")
    assert "截止" in text_of(page)
    assert "submit.js" not in page.text


async def test_the_submission_has_one_section_for_each_envelope(lot: Scene, bidder: Someone, signed_in: SignIn) -> None:
    """The lot's own envelopes are asked for; a price is asked for in one of them; the command line is named."""
    page = await (await signed_in(bidder)).get(f"/bid/lots/{lot.lot_id}")
    assert re.findall(r'data-envelope="(\w+)"', page.text) == ["technical", "price"]
    assert page.text.count('id="price-price"') == 1
    assert "ggzy seal" in page.text
    assert "wasm-unsafe-eval" not in page.headers["content-security-policy"]


async def test_throw_away_bytes_are_thrown_away(bidder: Someone, signed_in: SignIn, visitor: object) -> None:
    """The probe takes up to 8 MiB of a signed-in person and answers nothing; nobody else may send."""
    mine = await signed_in(bidder)
    headers = {"Content-Type": "application/octet-stream", "X-CSRF-Token": csrf(mine.secret)}
    answer = await mine.post("/bid/rehearsal/probe", content=b"x" * 100_000, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    refused = await visitor.post("/bid/rehearsal/probe", content=b"x", headers=headers)  # type: ignore[attr-defined]
    assert refused.status_code == 401


def main_of(answer: httpx.Response) -> str:
    """Return a page's own part: the clock at its foot goes on."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


def csrf(secret: str | None) -> str:
    """Return the token of a session."""
    return credentials.csrf(secret or "")
