"""What everybody sees of notices and trades, at every stage, and what stays hidden until its time."""

import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import update

from api import bundle
from api.wiring import Installation
from archive import trail
from kernel.actor import Grant, Role, party, site
from kernel.database import now
from tests.bidding import stage as bidding
from tests.pages import scenery
from tests.pages.conftest import Maker, SignIn, Visitor, counted, text_of
from tests.pages.scenery import Scenery
from tests.trading.conftest import BIDDERS, Stage, lot_draft
from trading.tables import LotRow

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def painted(installation: Installation) -> Scenery:
    """Trades at many stages."""
    return await scenery.paint(installation)


async def sequence(installation: Installation) -> None:
    """Run the log's sequencer once."""
    async with installation.sessions.begin() as session:
        await trail.sequence(session, installation.signer, entropy=installation.entropy)


def standings(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return the steps of the first lot: what, and how it stands."""
    found = re.findall(r'step-name">(?:<a [^>]*>)?([^<]+).*?step-standing">([^<]+)', answer.text, re.DOTALL)
    return [(name, standing) for name, standing in found]


async def test_the_home_page_says_what_goes_on(visitor: Visitor, painted: Scenery) -> None:
    """Figures, newest notices, every site on the map and in the table beside it."""
    answer = await visitor.get("/")
    words = text_of(answer)
    assert answer.status_code == 200
    assert "3 宗交易正在进行" not in words
    assert "2 宗交易正在进行" in words  # announced and suspended; failed and terminated have ended
    assert painted.announced.title in words
    for name in ("锡林浩特市", "太仆寺旗", "苏尼特右旗", "东乌珠穆沁旗"):
        assert words.count(name) >= 2, name
    assert "尚未公告的工程" not in words
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/help", "/help/bidder", "/help/public", "/sitemap", "/trail", "/accessibility"])
async def test_pages_that_stand_still(visitor: Visitor, path: str) -> None:
    """Help, site map, accessibility: there for everybody, no code without words."""
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert not re.search(r"(public|page)\.[a-z_]+", text_of(answer))


async def test_every_link_leads_somewhere(visitor: Visitor, painted: Scenery, installation: Installation) -> None:
    """No own link of the home page, the site map, a notice's or a trade's page is dead."""
    await sequence(installation)
    await bundle.publish(installation)
    assert installation.signer.vkey in text_of(await visitor.get("/trail"))
    seen = set()
    for path in ("/", "/sitemap", "/trail", f"/tenders/{painted.announced.id}", f"/notices/{painted.correction}"):
        seen |= set(re.findall(r'href="(/[^"#]*)', (await visitor.get(path)).text))
    dead = {path for path in seen if (await visitor.get(path.replace("&amp;", "&"))).status_code == 404}
    assert dead == set()


async def test_notices_are_found_and_filtered(visitor: Visitor, painted: Scenery) -> None:
    """Words and filters stand in the address, matches are marked, nothing found gives advice."""
    found = await visitor.get("/notices", params={"q": "给水管网", "site": "152502"})
    assert f"/notices/{painted.correction}" in found.text
    assert "<mark>给水管网</mark>" in found.text
    assert painted.failed.title not in text_of(found)
    assert painted.failed.title in text_of(await visitor.get("/notices", params={"kind": "failure"}))
    assert "没有找到" in text_of(await visitor.get("/notices", params={"q": "供暖锅炉"}))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"since": "2026-13-01"}, "日期不正确"),
        ({"until": "0001-01-01"}, "日期不正确"),
        ({"since": "2026-12-02", "until": "2026-12-01"}, "早于"),
        ({"after": "nonsense"}, "翻页"),
        ({"site": "a\0b"}, "筛选条件"),
    ],
)
async def test_what_cannot_be_asked_is_told_at_its_place(visitor: Visitor, asked: dict[str, str], told: str) -> None:
    """A date that is none, dates the wrong way round, a broken page: said in words, with what was typed kept."""
    answer = await visitor.get("/notices", params=asked)
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert all(value in answer.text for name, value in asked.items() if name in ("since", "until"))


async def test_what_may_be_bid_for_now(visitor: Visitor, painted: Scenery) -> None:
    """One address finds the notices of what takes bids, each with its deadline, and nothing suspended or ended."""
    answer = await visitor.get("/notices", params={"now": "1"})
    words = text_of(answer)
    assert painted.announced.title in words
    assert "投标截止：" in words
    others = (painted.suspended, painted.terminated, painted.failed)
    assert not [one.title for one in others if one.title in words]
    assert 'href="/notices.atom?now=1"' in answer.text


async def test_what_is_searched_for_is_no_markup(visitor: Visitor, painted: Scenery) -> None:
    """Markup in a question or a cursor comes back as text."""
    answer = await visitor.get("/notices", params={"q": "<script>alert(1)</script>", "type": '"><b>'})
    assert "<script>alert" not in answer.text
    assert '"><b>' not in answer.text


async def test_the_feed_is_atom(visitor: Visitor, painted: Scenery) -> None:
    """The feed has what RFC 4287 asks for, of all notices and of a question; it says nothing of the request's host."""
    for path, least in (("/notices.atom", 7), ("/notices.atom?kind=failure", 1)):
        answer = await visitor.get(path)
        assert answer.headers["content-type"].startswith("application/atom+xml")
        feed = ET.fromstring(answer.content)  # noqa: S314 - our own answer
        assert all(feed.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated", "author"))
        entries = feed.findall(f"{ATOM}entry")
        assert len(entries) >= least
        ids = [entry.findtext(f"{ATOM}id", "") for entry in entries]
        kinds = [entry.find(f"{ATOM}category").attrib["label"] for entry in entries]  # type: ignore[union-attr]
        titles = [entry.findtext(f"{ATOM}title", "") for entry in entries]
        assert all(title.startswith(f"{kind} · ") for title, kind in zip(titles, kinds, strict=True))
        assert len(set(ids)) == len(ids)
        assert all(one.startswith("urn:uuid:") for one in ids)
        assert all(entry.findtext(f"{ATOM}updated") for entry in entries)
        assert b"ggzy.test" not in answer.content


async def test_a_correction_shows_what_it_changes(visitor: Visitor, painted: Scenery) -> None:
    """Text, deadline, documents before and after, with words beside the marks; the former notice leads to it."""
    answer = await visitor.get(f"/notices/{painted.correction}")
    assert re.search(r"<del><span[^>]*>删去：</span>36</del><ins><span[^>]*>新增：</span>42</ins>", answer.text)
    words = text_of(answer)
    assert "第 1 版" in words
    assert "第 2 版" in words
    assert "投标截止时间改变" in words
    former = re.search(r'/notices/([0-9a-f-]{36})">查看前一公告', answer.text)
    assert former is not None
    assert "又有 1 条相关公告" in text_of(await visitor.get(f"/notices/{former[1]}"))


async def test_a_notice_gives_the_bytes_that_were_logged(
    visitor: Visitor, painted: Scenery, installation: Installation
) -> None:
    """The downloaded bytes hash to what the page says and to what the event in the log says."""
    await sequence(installation)
    answer = await visitor.get(f"/notices/{painted.correction}")
    content = (await visitor.get(f"/notices/{painted.correction}/notice.json")).content
    digest = hashlib.sha256(content).hexdigest()
    assert digest in answer.text
    index = re.search(r"/api/v1/trail/(\d+)/proof", answer.text)
    assert index is not None
    event = json.loads((await visitor.get(f"/api/v1/trail/{index[1]}")).json()["event"])
    assert event["data"]["sha256"] == digest


async def test_the_life_of_a_trade_at_each_stage(visitor: Visitor, painted: Scenery) -> None:
    """Where a lot stands: under way, halted, ended by termination or failure, with the notice that says so."""
    assert standings(await visitor.get(f"/tenders/{painted.announced.id}"))[:3] == [
        ("发布公告", "已完成"), ("接收投标", "进行中"), ("开标", "未开始"),
    ]  # fmt: skip
    halted = await visitor.get(f"/tenders/{painted.suspended.id}")
    assert standings(halted)[1] == ("接收投标", "暂停中")
    assert "各项期限以恢复后的公告为准" in text_of(halted)
    assert standings(await visitor.get(f"/tenders/{painted.terminated.id}")) == [
        ("发布公告", "已完成"), ("终止", "到此结束"), ("归档", "未开始"),
    ]  # fmt: skip
    assert standings(await visitor.get(f"/tenders/{painted.failed.id}"))[:3] == [
        ("发布公告", "已完成"), ("接收投标", "已完成"), ("流标", "到此结束"),
    ]  # fmt: skip


async def test_what_is_not_announced_does_not_exist(
    visitor: Visitor, painted: Scenery, someone: Maker, signed_in: SignIn
) -> None:
    """Before the announcement a trade is there for the site's staff alone."""
    path = f"/tenders/{painted.unannounced.id}"
    assert (await visitor.get(path)).status_code == 404
    staff = await signed_in(await someone(Grant(Role.ACCEPTANCE, site("152502"))))
    answer = await staff.get(path)
    assert answer.status_code == 200
    assert "尚未发布公告" in text_of(answer)


async def test_a_trade_from_its_bids_to_its_award(
    visitor: Visitor, app: Litestar, installation: Installation, tmp_path: Path
) -> None:
    """Before the opening nothing of who bids or how many; then the record, the candidates, the award, in their time."""
    scene = await scenery.prepared(installation, tmp_path)
    path = f"/tenders/{await scenery.tender_of(installation, scene.lot_id)}"
    sealed = await visitor.get(path)
    for name in (*scenery.BIDDERS, *bidding.USCCS[1:4]):
        assert name not in sealed.text
    assert "份投标" not in text_of(sealed)
    await scenery.open_bids(scene)
    app.state.cache.drop()  # as the hub does, which does not run here
    record = text_of(await visitor.get(path))
    assert "共 3 份投标" in record
    for name, price in zip(scenery.BIDDERS, scenery.PRICES, strict=True):
        assert f"{name} " in record
        assert f"{price:,.2f}" in record
    assert "中标候选人 名次" not in record
    await scenery.publicized(scene)
    app.state.cache.drop()  # as the hub does, which does not run here
    trade = await visitor.get(path)
    publicity = text_of(trade)
    await told(visitor, trade, "中标候选人公示")
    assert "第 1 名" in publicity
    assert "中标人" not in publicity
    await scenery.awarded(scene)
    app.state.cache.drop()  # as the hub does, which does not run here
    trade = await visitor.get(path)
    assert f"中标人 {scenery.BIDDERS[0]}" in text_of(trade)
    await told(visitor, trade, "中标公告")


async def told(visitor: Visitor, trade: httpx.Response, kind: str) -> None:
    """Follow a trade's link to a notice, which says what was offered, who buys, and how to object (10号令 第六条)."""
    found = re.search(rf'href="(/notices/[0-9a-f-]{{36}})">{kind}<', trade.text)
    assert found is not None
    words = text_of(await visitor.get(found[1]))
    for said in ("质量", "合格", "180", "张三", "招标人", "提出异议的渠道和方式", "书面形式"):
        assert said in words, said


async def test_a_trade_costs_as_many_queries_with_two_lots_as_with_twenty(
    visitor: Visitor, app: Litestar, installation: Installation
) -> None:
    """Records, keys, draws, committees, documents and notices of all lots are read at once, whatever their number."""
    costs = []
    for number, count in enumerate((2, 20)):
        async with installation.sessions.begin() as session:
            stage = Stage(session, scenery.KEYS)
            if number == 0:
                await stage.prepare()
            due = await now(session) + timedelta(days=21)
            tender = await stage.announce(lots=tuple(lot_draft(one, deadline=due) for one in range(1, count + 1)))
            over = update(LotRow).where(LotRow.tender_id == tender.id).values(state="publicized")
            await session.execute(over)
        app.state.cache.drop()
        with counted(installation) as sent:
            assert (await visitor.get(f"/tenders/{tender.id}")).text.count("第 20 标段") == (count == 20) * 2
        costs.append(len(sent))
    assert costs[0] == costs[1]


async def test_taking_the_documents(visitor: Visitor, painted: Scenery, someone: Maker, signed_in: SignIn) -> None:
    """A bidder takes the documents of a lot and can read them then; who is not signed in is led to sign in."""
    path = f"/tenders/{painted.announced.id}/documents"
    assert (await visitor.get(path)).headers["location"].startswith("/sign-in?next=")
    bidder = await signed_in(await someone(Grant(Role.BIDDER, party(BIDDERS[0]))))
    before = await bidder.get(path)
    assert "/content" not in before.text
    assert (await bidder.send_form(path, bidder=BIDDERS[0])).status_code == 422
    taken = await bidder.send_form(path, lot="1", bidder=BIDDERS[0])
    assert (taken.status_code, taken.headers["location"]) == (303, f"{path}?done=documents_taken")
    assert "/content" in (await bidder.get(path)).text
    rival = await bidder.send_form(path, lot="1", bidder=BIDDERS[1])
    assert rival.status_code == 422


async def test_taking_documents_needs_the_forms_token(painted: Scenery, someone: Maker, signed_in: SignIn) -> None:
    """Another site's form takes nothing in somebody's name."""
    path = f"/tenders/{painted.announced.id}/documents"
    bidder = await signed_in(await someone(Grant(Role.BIDDER, party(BIDDERS[0]))))
    foreign = await bidder.post(path, data={"lot": "1", "bidder": BIDDERS[0]}, headers={"Origin": "https://evil.test"})
    assert foreign.status_code == 403
    assert "/content" not in (await bidder.get(path)).text
