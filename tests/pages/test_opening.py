"""The opening room: who may come in, what each sees and can do, and that a refusal says why."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pypdf
import pytest
from litestar import Litestar
from sqlalchemy import select, update

from api.broadcast import Boards
from api.live import Hub
from api.seats import Seats
from api.wiring import Installation
from bidding import openings, pauses, remarks, signed
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.entropy import SystemEntropy
from tests.api.authenticator import enrol
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.pages.conftest import Maker, SignIn, Visitor, text_of
from trading.tables import LotRow, TenderRow

SITE = actors.site(stage.SITE)


@dataclass
class Hall:
    """A lot with four bids whose deadline has passed, and the people around it."""

    scene: Scene
    someone: Maker
    signed_in: SignIn

    @property
    def url(self) -> str:
        """The room's address."""
        return f"/openings/{self.scene.lot_id}/1"

    async def person(self, role: Role, scope: str = SITE, name: str = "某人") -> Visitor:
        """A signed-in person."""
        return await self.signed_in(await self.someone(Grant(role, scope), name=name))

    async def bidder(self, number: int) -> Visitor:
        """One of the bidders' people."""
        return await self.person(Role.BIDDER, actors.party(stage.USCCS[number]), f"投标{number}")

    async def begin(self, minutes: int = 10) -> None:
        """The witness begins with a hearing."""
        async with self.scene.installation.sessions.begin() as session:
            who = stage.witness().actor
            await openings.begin(session, who, self.scene.lot_id, 1, entropy=SystemEntropy(), hearing_minutes=minutes)

    async def read_out(self) -> None:
        """Begin, and let the custodians open everything."""
        await self.begin()
        await self.scene.quorum()
        await self.scene.proceed()


Open = Callable[..., Awaitable[Hall]]


@pytest.fixture
def hall(installation: Installation, tmp_path: Path, someone: Maker, signed_in: SignIn) -> Open:
    """Give a maker of halls."""

    async def make(bids: int = 4) -> Hall:
        scene = await scenes.prepare(installation, tmp_path)
        for number in range(bids):
            await scene.hand_in(number, f"98000{number}.00")
        return Hall(scene, someone, signed_in)

    return make


async def test_before_the_deadline_the_room_waits(hall: Open, visitor: Visitor) -> None:
    """Staff see when it begins and no bid; nobody can begin; others look on and see no more than the date."""
    room = await hall()
    witness = await room.person(Role.WITNESS)
    page = await witness.get(room.url)
    assert page.status_code == 200
    assert "投标截止后开标" in page.text
    assert "第 1 阶段" not in page.text, "a lot of one stage has no number of it"
    assert 'data-countdown="alone"' in (await visitor.get(f"{room.url}/display")).text
    assert "开标</button>" not in page.text
    assert "9115250200" not in page.text
    refused = await witness.send_form(f"{room.url}/begin", hearing_minutes=10)
    assert refused.status_code == 422
    assert "还没有到投标截止时间" in refused.text
    for one in (await room.bidder(0), await room.bidder(9), visitor):
        looked = await one.get(room.url)
        assert looked.status_code == 200
        assert "9115250200" not in looked.text
        assert "<form" not in looked.text.partition("<h1>")[2]
    assert "以公众身份观看" in (await visitor.get(room.url)).text
    assert (await visitor.get(f"/openings/{UUID(int=5)}/1")).status_code == 303


async def test_the_witness_begins_and_everybody_sees_the_list(hall: Open) -> None:
    """After the deadline one button begins; the list of bidders stands there sealed, with the shares awaited."""
    room = await hall()
    await room.scene.pass_deadline()
    witness = await room.person(Role.WITNESS)
    assert "开标</button>" in (await witness.get(room.url)).text
    assert (await witness.send_form(f"{room.url}/begin", hearing_minutes="x")).status_code == 422
    begun = await witness.send_form(f"{room.url}/begin", hearing_minutes=10)
    assert begun.status_code == 303
    text = text_of(await (await room.bidder(0)).get(room.url))
    assert "共 4 家投标人" in text
    assert text.count("待解密") == 8
    assert text.count("等待中") == 3
    assert text.count(stage.USCCS[1]) >= 1
    for role in (Role.SUPERVISOR, Role.ACCEPTANCE):
        assert (await (await room.person(role)).get(room.url)).status_code == 200
    other = await (await room.person(Role.WITNESS, actors.site("152527"))).get(room.url)
    assert other.status_code == 200
    assert 'id="panel"' not in other.text


async def test_fewer_than_three_bids_are_not_opened(hall: Open) -> None:
    """With two bids the room says that nothing is opened and why, and offers nothing to do but a note."""
    room = await hall(2)
    await room.scene.pass_deadline()
    witness = await room.person(Role.WITNESS)
    assert (await witness.send_form(f"{room.url}/begin", hearing_minutes=10)).status_code == 303
    text = text_of(await witness.get(room.url))
    assert "投标人少于 3 个，不得开标" in text
    assert "未开启" in text
    assert "投标报价" not in text


async def test_prices_are_read_in_figures_and_words(hall: Open) -> None:
    """When all is open every price stands there in figures and capital figures, and bidders are asked."""
    room = await hall()
    await room.scene.pass_deadline()
    await room.read_out()
    bidder = await room.bidder(0)
    text = text_of(await bidder.get(room.url))
    assert "980,000.00 玖拾捌万元整" in text
    assert "980,003.00 玖拾捌万零叁元整" in text
    assert "确认无异议" in text
    assert "异议时间到" in text


async def test_objections_are_answered_before_the_close(hall: Open, visitor: Visitor) -> None:
    """A bidder objects, the witness cannot close before answering; all of it is in the record, by parties.

    Who takes part sees who speaks for a party, the public and the record do not name them.
    """
    room = await hall()
    await room.scene.pass_deadline()
    await room.read_out()
    witness = await room.person(Role.WITNESS, name="见证甲")
    for number in range(4):
        bidder = await room.bidder(number)
        assert (await bidder.send_form(f"{room.url}/confirm", bidder=stage.USCCS[number])).status_code == 303
    first = await room.bidder(0)
    assert (await first.send_form(f"{room.url}/objection", bidder=stage.USCCS[0], objection="")).status_code == 422
    said = await first.send_form(f"{room.url}/objection", bidder=stage.USCCS[0], objection="唱标顺序有误")
    assert said.status_code == 303
    assert (await first.send_form(f"{room.url}/objection", bidder=stage.USCCS[1], objection="x")).status_code == 404
    assert "已提出异议" in text_of(await witness.get(room.url))
    assert "无需给出" in text_of(await witness.get(room.url))
    refused = await witness.send_form(f"{room.url}/close")
    assert refused.status_code == 422
    assert "还有 1 项异议没有答复" in refused.text
    remark = next(iter(await objections(room)))
    told = await witness.send_form(f"{room.url}/answers/{remark}", **{f"answer-{remark}": "按送达先后唱标"})
    assert told.status_code == 303
    outside, within = await visitor.get(room.url), await first.get(room.url)
    assert "唱标顺序有误" in outside.text
    assert "按送达先后唱标" in outside.text
    assert ("投标0" in within.text, "见证甲" in within.text) == (True, True)
    assert ("投标0" in outside.text, "见证甲" in outside.text) == (False, False)
    assert (await witness.send_form(f"{room.url}/close")).headers["location"].endswith("done=room_closed")
    record = await room.scene.record()
    assert (record["hearing_minutes"], record["closed_by"]) == (10, "见证甲")
    assert [one["kind"] for one in record["remarks"]] == ["confirmed"] * 4 + ["objected"]
    assert record["remarks"][-1]["answer"] == "按送达先后唱标"
    assert record["remarks"][-1]["answered_for"] is None
    assert "投标0" not in str(record)
    late = await first.send_form(f"{room.url}/objection", bidder=stage.USCCS[0], objection="再议")
    assert late.status_code == 422


async def objections(room: Hall) -> list[UUID]:
    """The ids of what was objected."""
    async with room.scene.installation.sessions() as session:
        row = await openings.begun(session, room.scene.lot_id, 1)
        return [one.id for one in await remarks.list_all(session, row.id) if one.kind == "objected"]


async def test_silent_bidders_are_waited_for(hall: Open) -> None:
    """Before the time for objections is over, and while some have not confirmed, it does not close."""
    room = await hall()
    await room.scene.pass_deadline()
    await room.read_out()
    witness = await room.person(Role.WITNESS)
    assert "还有 4 家投标人没有确认" in (await witness.send_form(f"{room.url}/close")).text


async def test_the_hall_shows_what_is_read_out_and_nothing_else(hall: Open, visitor: Visitor) -> None:
    """Without signing in: no bid before the opening, names and prices in it, never what is said in the room."""
    room = await hall()
    url = f"{room.url}/display"
    before = await visitor.get(url)
    assert before.status_code == 200
    assert "投标截止后开标" in before.text
    assert "set-cookie" not in before.headers
    assert stage.USCCS[0] not in before.text
    await room.scene.pass_deadline()
    await room.read_out()
    first = await room.bidder(0)
    await first.send_form(f"{room.url}/objection", bidder=stage.USCCS[0], objection="室内的话")
    shown = await visitor.get(url)
    assert "玖拾捌万元整" in shown.text
    assert "室内的话" not in shown.text
    assert (await visitor.get(f"/openings/{UUID(int=5)}/1/display")).status_code == 404
    assert (await visitor.get(f"/openings/{room.scene.lot_id}/2/display")).status_code == 404


async def test_an_invited_opening_is_its_parties_until_the_record(hall: Open, visitor: Visitor, app: Litestar) -> None:
    """Room, display, streams and API are for who takes part; who was invited and did not bid does not; then for all."""
    room = await hall(3)
    app.state.boards = Boards(Hub(""))
    await invite(room, stage.USCCS[:5])
    outsiders = (visitor, await room.bidder(3), await room.bidder(9), await room.person(Role.EXPERT, actors.EVERYWHERE))
    insiders = (await room.bidder(0), await room.person(Role.SUPERVISOR), await room.person(Role.ACCEPTANCE))
    await room.scene.pass_deadline()
    await room.begin(0)
    number = room.scene.lot_id
    hidden = (f"{room.url}/display", f"{room.url}/events", f"{room.url}/board", f"/api/v1/lots/{number}/openings/1")
    for one in outsiders:
        assert (await one.get(room.url)).status_code == (303 if one is visitor else 404)
        assert {(await one.get(path)).status_code for path in hidden} == {404}
    for one in insiders:
        assert {(await one.get(path)).status_code for path in (room.url, hidden[0], hidden[3])} == {200}
    await room.scene.quorum()
    await room.scene.proceed()
    for one in outsiders:
        assert {(await one.get(path)).status_code for path in (room.url, hidden[0], hidden[3])} == {200}


async def invite(room: Hall, parties: tuple[str, ...]) -> None:
    """Make the tender one of an invitation."""
    async with room.scene.installation.sessions.begin() as session:
        tender = select(LotRow.tender_id).where(LotRow.id == room.scene.lot_id).scalar_subquery()
        await session.execute(
            update(TenderRow).where(TenderRow.id == tender).values(method="invited", invitees=list(parties))
        )


async def test_who_finds_no_seat_is_told_when_to_come_again(hall: Open, visitor: Visitor, app: Litestar) -> None:
    """A refused stream is 503 with the seconds to wait; the board itself is still given, and can run nothing."""
    room = await hall(0)
    app.state.boards = Boards(Hub(""), Seats(0))
    refused = await visitor.get(f"{room.url}/events")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
    board = await visitor.get(f"{room.url}/board")
    assert "投标截止后开标" in board.text
    assert board.headers["content-security-policy"] == "default-src 'none'"
    assert 'class="board"' in (await visitor.get(f"{room.url}/display/board")).text


async def test_everybody_reads_the_record_afterwards(hall: Open, visitor: Visitor) -> None:
    """Once it is finished, whoever comes reads it, with the signed PDF."""
    room = await hall()
    await room.scene.pass_deadline()
    await room.begin(0)
    assert (await visitor.get(f"{room.url}/record.pdf")).status_code == 404
    await room.scene.quorum()
    await room.scene.proceed()
    page = await visitor.get(room.url)
    assert page.status_code == 200
    assert "开标记录（PDF，已签章）" in page.text
    paper = await visitor.get(f"{room.url}/record.pdf")
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.headers["content-security-policy"].startswith("default-src 'none'")
    for path in (f"{room.url}/record.pdf", f"/api/v1/lots/{room.scene.lot_id}/openings/1/record.json"):
        first = await visitor.get(path)
        assert first.headers["cache-control"] == "public, no-cache"
        again = await visitor.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert b"ETSI.CAdES.detached" in paper.content
    printed = pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    for words in ("项目名称", "招标人", "交易站点", "质量", "元整"):
        assert words in printed
    assert str(room.scene.lot_id) in printed.split("五、")[1]  # machines' names stand in the small print


async def test_the_second_person_signs_by_device_or_code(
    hall: Open, someone: Maker, signed_in: SignIn, client: httpx.AsyncClient
) -> None:
    """The order has a page of its own for the device's signature; a wrong code or signature consents to nothing."""
    room = await hall()
    await room.scene.pass_deadline()
    await room.begin()
    witness = await room.person(Role.WITNESS, name="见证甲")
    assert (await witness.send_form(f"{room.url}/orders", kind="pause", reason="")).status_code == 422
    assert "提出暂停</button>" in (await witness.get(room.url)).text
    assert (await witness.send_form(f"{room.url}/orders", kind="pause", reason="停电")).status_code == 303
    assert "提出暂停</button>" not in (await witness.get(room.url)).text
    who = await someone(Grant(Role.SUPERVISOR, SITE), name="监督乙")
    await enrol(client, who.headers, shown=True)
    second = await signed_in(who)
    assert "演示环境：此账户当前的验证码" in text_of(await second.get(room.url))
    given = await newest_order(room)
    url = f"{room.url}/orders/{given.id}"
    wrong = await second.send_form(f"{url}/consent", code="000000")
    assert wrong.status_code in (422, 303)
    assert "signer" in (await second.get(url)).text
    assert (await second.send_form(f"{url}/signature", statement="{}")).status_code == 422
    fields = pauses.fields(room.scene.lot_id, 1, given)
    statement = signed.write(fields, who.device).decode()
    assert (await second.send_form(f"{url}/signature", statement=statement)).status_code == 303
    assert "开标已暂停" in (await (await room.bidder(0)).get(room.url)).text
    assert "已经签名" in (await second.get(url)).text


async def newest_order(room: Hall) -> pauses.Order:
    """What waits for the second person."""
    async with room.scene.installation.sessions() as session:
        row = await openings.begun(session, room.scene.lot_id, 1)
        return (await pauses.list_all(session, row.id))[-1]


async def test_the_witness_notes_what_failed(hall: Open) -> None:
    """The checklist wants everything; what is noted stands in the room for all."""
    room = await hall()
    await room.scene.pass_deadline()
    witness = await room.person(Role.WITNESS)
    told = {"failed": "power", "cause": "other", "decision": "continue", "note": "停电三分钟", "told": "在场各方"}
    url = f"{room.url}/outages"
    for missing in ({"since": ""}, {"since": "2026-11-22T08:00:00", "told": ""}, {"since": "2099-01-01T00:00"}):
        assert (await witness.send_form(url, **told | missing)).status_code == 422
    assert (await witness.send_form(url, **told, since="2026-11-22T08:00:00")).status_code == 303
    assert "停电三分钟" in (await (await room.bidder(0)).get(room.url)).text
    assert (await (await room.bidder(0)).send_form(url, **told, since="2026-11-22T08:00:00")).status_code == 404


async def test_the_agenda_leads_to_the_room(hall: Open, visitor: Visitor) -> None:
    """Staff, supervisors and bidders of the lot find it; the witness's tasks name it; others' agendas do not."""
    room = await hall()
    await room.scene.pass_deadline()
    witness = await room.person(Role.WITNESS)
    for one in (witness, await room.person(Role.SUPERVISOR), await room.bidder(0)):
        assert room.url in (await one.get("/openings")).text
    for one in (await room.bidder(9), await room.person(Role.SUPERVISOR, actors.site("152527"))):
        assert room.url not in (await one.get("/openings")).text
    assert "请宣布开标" in (await witness.get("/desk")).text
    assert (await visitor.get("/openings")).status_code == 303


@pytest.fixture
async def two_stages(installation: Installation, tmp_path: Path) -> Scene:
    """A lot under evaluation whose first stage is opened; its prices are opened in the second."""
    stages = [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 2}]
    scene = await scenes.prepare(installation, tmp_path, envelopes=stages)
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    await scene.proceed()
    await put(scene, "evaluating")
    return scene


async def put(scene: Scene, state: str) -> None:
    """Put the lot into a state."""
    async with scene.installation.sessions.begin() as session:
        await session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(state=state))


async def test_the_agenda_leads_to_the_second_stage(two_stages: Scene, someone: Maker, signed_in: SignIn) -> None:
    """Prices of stage 2 are on it only once the technical scores are finished, and until they are opened."""
    scene = two_stages
    url = f"/openings/{scene.lot_id}/2"
    witness = await signed_in(await someone(Grant(Role.WITNESS, SITE)))
    assert url not in (await witness.get("/openings")).text
    early = (await witness.get(url)).text
    assert "第 2 阶段</span>" in early
    assert "第 2 阶段在技术评审结束之后开标" in early
    assert "开标</button>" not in early
    await scene.log("evaluation.technical_finished", {"lot": str(scene.lot_id)})
    assert url in (await witness.get("/openings")).text
    assert url in (await witness.get("/desk")).text
    waiting = (await witness.get(url)).text
    assert "等待见证人员宣布第 2 阶段开标" in waiting
    assert "开标</button>" in waiting
    await scene.begin(2)
    watcher = await signed_in(await someone(Grant(Role.SUPERVISOR, SITE)))
    for place in ("/desk", "/supervision"):
        told = (await watcher.get(place)).text
        assert url in told
        assert f"/openings/{scene.lot_id}/1" not in told
    await scene.quorum(2)
    await scene.proceed(2)
    assert url not in (await witness.get("/desk")).text
    for one, shown in ((witness, True), (await signed_in(await someone(Grant(Role.WITNESS, "site:152527"))), False)):
        assert (f"{url}/record.pdf" in (await one.get("/openings")).text.partition("已结束")[2]) is shown


async def test_a_lot_leads_to_both_its_rooms(two_stages: Scene, someone: Maker, signed_in: SignIn) -> None:
    """Its page names both; when it fails between them, the second room does not say that no bid was ever opened."""
    lot_id = two_stages.lot_id
    witness = await signed_in(await someone(Grant(Role.WITNESS, SITE)))
    own = (await witness.get(f"/purchase/lots/{lot_id}")).text
    assert f"/openings/{lot_id}/1" in own
    assert f"/openings/{lot_id}/2" in own
    await put(two_stages, "failed")
    text = text_of(await witness.get(f"/openings/{lot_id}/2"))
    assert "第 2 阶段不再开标" in text
    assert "投标人少于" not in text
    for state, words in (("terminated", "项目已经终止"), ("evaluated", "第 2 阶段没有开标")):
        await put(two_stages, state)
        ended = await witness.get(f"/openings/{lot_id}/2")
        assert words in ended.text
        assert "data-countdown" not in ended.text
