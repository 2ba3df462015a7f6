"""From the signed report to the contract and the filing, by forms, over a real report of a committee."""

import re
from datetime import timedelta

from api.accounts import credentials
from api.wiring import Installation
from experts import committees, evaluations, reports
from kernel.actor import Grant, Role, site
from kernel.clock import CHINA
from kernel.database import now
from tests.bidding import stage
from tests.experts import people, scene
from tests.pages import entry
from tests.pages.conftest import HOST, Maker, SignIn, Visitor, text_of

GOOD = [["34", "36", "35", "38", "30"], ["50"] * 5, ["40"] * 5]


async def reported(installation: Installation) -> str:
    """Bring a lot to its signed report and return the address of its page."""
    panel = await people.panel(installation)
    async with installation.sessions.begin() as session:
        panel.scene.session = session
        await panel.score_all(GOOD)
        leader = panel.members[0]
        await evaluations.finish_technical(session, leader, panel.lot, entropy=panel.entropy)
        await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
        for member in panel.members:
            await panel.sign(member)
        await reports.finish(session, leader, panel.lot, entropy=panel.entropy)
        assert len((await committees.find(session, leader, panel.lot)).members) == 5
    return f"/purchase/lots/{panel.lot}"


async def later(installation: Installation, days: int) -> str:
    """Return a moment so many days ahead as a field shows it."""
    async with installation.sessions() as session:
        return (await now(session) + timedelta(days=days)).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")


async def upload_contract(visitor: Visitor, lot_page: str) -> None:
    """Attach a contract by the link on the lot's page."""
    place = re.search(r'href="(/purchase/tenders/[\w-]+/documents)\?kind=contract', lot_page).group(1)
    data = {"csrf": credentials.csrf(visitor.secret), "kind": "contract", "lot": "1", "title": "施工合同.pdf"}
    file = {"file": ("合同.pdf", b"%PDF-1.7 contract", "application/pdf")}
    answer = await visitor.post(place, data=data, files=file, headers={"Origin": HOST})
    assert answer.status_code == 303, text_of(answer)


async def test_from_the_report_to_the_contract(installation: Installation, signed_in: SignIn) -> None:
    """Candidates with names and prices, guards in words, the award after the publicity, the contract with its paper."""
    lot = await reported(installation)
    buyer = await signed_in(people.someone(scene.PURCHASER))
    assert "公示中标候选人" in text_of(await buyer.get("/desk"))
    page = await buyer.get(f"{lot}/publicity")
    assert "1,100,000.00" in text_of(page)
    short = await buyer.send_form(f"{lot}/publicity", text="公示", ends_at=await later(installation, 1))
    assert 'href="#ends_at"' in short.text
    assert "第五十四条" in text_of(short)
    done = await buyer.send_form(f"{lot}/publicity", text="公示", ends_at=await later(installation, 4))
    assert done.headers["location"] == f"{lot}?done=candidates_published", text_of(done)

    page = await buyer.get(f"{lot}/award")
    ranked = re.findall(r'name="winner" value="(\w{18})"', page.text)
    early = await buyer.send_form(f"{lot}/award", winner=ranked[0], text="定标", reason="")
    assert early.status_code == 422
    await entry.advance(installation, timedelta(days=5))
    second = await buyer.send_form(f"{lot}/award", winner=ranked[1], text="定标", reason="")
    assert 'href="#reason"' in second.text
    done = await buyer.send_form(f"{lot}/award", winner=ranked[0], text="定标", reason="")
    assert done.headers["location"] == f"{lot}?done=lot_awarded", text_of(done)

    missing = await buyer.send_form(f"{lot}/contract")
    assert missing.status_code == 422
    await upload_contract(buyer, missing.text)
    done = await buyer.send_form(f"{lot}/contract")
    assert done.headers["location"] == f"{lot}?done=lot_contracted", text_of(done)
    assert "已签合同" in text_of(await buyer.get(lot))


async def test_who_took_the_documents_is_told_after_the_opening(installation: Installation, signed_in: SignIn) -> None:
    """The link and the list appear for the tenderer once bids are read."""
    lot = await reported(installation)
    buyer = await signed_in(people.someone(scene.PURCHASER))
    assert f"{lot}/issues" in (await buyer.get(lot)).text
    assert (await buyer.get(f"{lot}/issues")).status_code == 200


async def test_a_supervisor_suspends_and_only_a_supervisor_resumes(
    installation: Installation, signed_in: SignIn
) -> None:
    """By the same page as the tenderer; the order's words stand where the tenderer tries to resume."""
    lot = await reported(installation)
    watcher = await signed_in(people.someone(scene.SUPERVISOR))
    buyer = await signed_in(people.someone(scene.PURCHASER))
    assert f"{lot}/steps/suspend" in (await watcher.get(lot)).text
    assert f"{lot}/publicity" not in (await watcher.get(lot)).text
    assert (await watcher.send_form(f"{lot}/steps/suspend", reason="投诉处理")).status_code == 303
    refused = await buyer.send_form(f"{lot}/steps/resume", reason="")
    assert "监管" in text_of(refused)
    assert (await watcher.send_form(f"{lot}/steps/resume", reason="处理完毕")).status_code == 303


async def test_an_archivist_sees_what_is_missing_for_the_file(
    installation: Installation, signed_in: SignIn, someone: Maker
) -> None:
    """Filing a trade that has not ended is refused in words on the trade's page."""
    lot = await reported(installation)
    archivist = await signed_in(await someone(Grant(Role.ARCHIVIST, site(stage.SITE))))
    place = re.search(r'href="(/centre/tenders/[\w-]+)"', (await archivist.get(lot)).text).group(1)
    answer = await archivist.send_form(f"{place}/archive")
    assert answer.status_code == 422
    assert "没有结束" in text_of(answer)
