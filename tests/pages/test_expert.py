"""The experts' pages over ASGI: coded calls, declaration first, the desk, the report."""

from uuid import UUID

import pytest

from api.wiring import Installation
from experts import invitations
from kernel.actor import Actor
from tests.experts import people, scene
from tests.experts.opened import Panel
from tests.pages.conftest import SignIn, Visitor, text_of

TITLE = "一标段"
GOOD = [["50", "52", "51", "53", "50"], ["48"] * 5, ["45"] * 5]


async def called(installation: Installation) -> tuple[scene.Scene, UUID, list[Actor]]:
    """Commit a draw whose experts are called and have not answered."""
    async with installation.sessions.begin() as session:
        made = await scene.build(session, signer=installation.signer)
        draw = await made.drawn()
        invited = await made.called(draw)
        await people.enrol(session, installation, [*invited, *(actor for actor, _ in scene.PEOPLE.values())])
    return made, draw.id, list(invited)


async def test_a_call_names_no_trade_before_it_is_accepted(installation: Installation, signed_in: SignIn) -> None:
    """Who is called reads a code, half a day, a site and a specialty; the lot's title comes with accepting."""
    _, draw_id, invited = await called(installation)
    visitor = await signed_in(people.someone(invited[0]))
    listed = await visitor.get("/expert")
    assert listed.status_code == 200
    assert TITLE not in listed.text
    told = await visitor.get(f"/expert/calls/{draw_id}")
    assert TITLE not in told.text
    assert "午" in text_of(told)
    answered = await visitor.send_form(f"/expert/calls/{draw_id}/answer", accept="yes")
    assert answered.status_code == 303, answered.text
    assert TITLE in (await visitor.get(answered.headers["location"])).text


async def test_declining_needs_a_reason(installation: Installation, signed_in: SignIn) -> None:
    """Declining without a reason shows the form again with what is missing; with one the next name is called."""
    _, draw_id, invited = await called(installation)
    visitor = await signed_in(people.someone(invited[0]))
    path = f"/expert/calls/{draw_id}/answer"
    assert (await visitor.send_form(path)).status_code == 422
    refused = await visitor.send_form(path, accept="no")
    assert refused.status_code == 422
    assert 'href="#reason"' in refused.text
    done = await visitor.send_form(path, accept="no", reason="出差")
    assert done.status_code == 303
    assert "已谢绝" in text_of(await visitor.get(done.headers["location"]))


async def test_a_call_is_its_experts_alone(installation: Installation, signed_in: SignIn) -> None:
    """To another expert, and to staff, somebody's call does not exist."""
    _, draw_id, _ = await called(installation)
    visitor = await signed_in(people.someone(scene.WITNESS))
    assert (await visitor.get(f"/expert/calls/{draw_id}")).status_code == 404


async def test_stepping_back_after_accepting(installation: Installation, signed_in: SignIn) -> None:
    """Who has accepted may step back with a reason, and the trade's name is gone again."""
    made, draw_id, invited = await called(installation)
    async with installation.sessions.begin() as session:
        await invitations.answer(session, invited[0], draw_id, accept=True, entropy=made.entropy)
    visitor = await signed_in(people.someone(invited[0]))
    path = f"/expert/calls/{draw_id}/recusal"
    assert (await visitor.send_form(path)).status_code == 422
    assert (await visitor.send_form(path, recusal="亲属任职")).status_code == 303
    assert TITLE not in (await visitor.get(f"/expert/calls/{draw_id}")).text


async def test_nothing_of_a_bid_before_the_declaration(installation: Installation, signed_in: SignIn) -> None:
    """An undeclared member sees against whom they declare, and neither desk nor files."""
    made = await people.panel(installation, ready=False)
    visitor = await signed_in(people.someone(made.members[0]))
    base = f"/expert/lots/{made.lot}"
    declaration = await visitor.get(f"{base}/declaration")
    assert declaration.status_code == 200
    assert "投标人0" in declaration.text
    assert "1,000,000.00" not in declaration.text
    assert (await visitor.get(f"{base}/desk")).status_code == 403
    assert (await visitor.get(f"/api/v1/bids/{made.bids[0]}/files/")).status_code == 404
    assert (await visitor.get(base)).status_code == 200


async def test_strangers_find_no_committee(installation: Installation, signed_in: SignIn) -> None:
    """To whoever is no member, not even to the witness or another expert, there is no such desk."""
    made = await people.panel(installation)
    visitor = await signed_in(people.someone(scene.WITNESS))
    for page in ("", "/declaration", "/desk", "/comparison", "/report"):
        assert (await visitor.get(f"/expert/lots/{made.lot}{page}")).status_code == 404, page


async def test_the_desk_shows_ones_own_sheets_alone(installation: Installation, signed_in: SignIn) -> None:
    """The desk has every bid with its sheet; a colleague's points are nowhere before the close."""
    made = await people.panel(installation)
    async with installation.sessions.begin() as session:
        made.scene.session = session
        await made.score(made.members[1], 0, "58.25")
        await made.score(made.members[0], 0, "41.75")
    visitor = await signed_in(people.someone(made.members[0]))
    desk = await visitor.get(f"/expert/lots/{made.lot}/desk")
    assert desk.status_code == 200, desk.text
    assert "41.75" in desk.text
    assert "58.25" not in desk.text
    assert desk.text.count("data-sheet=") == 2
    compared = text_of(await visitor.get(f"/expert/lots/{made.lot}/comparison"))
    assert "1,100,000.00" in compared


async def test_a_whole_committee_by_pages(installation: Installation, signed_in: SignIn) -> None:
    """Leader, beginning, close, draft and end go by forms; what comes too early is refused with its words."""
    made = await people.panel(installation, ready=False)
    await _within(installation, made, declare=True)
    desks = [await signed_in(people.someone(member)) for member in made.members]
    base = f"/expert/lots/{made.lot}"
    early = await desks[0].send_form(f"{base}/start")
    assert early.status_code == 422
    leader = await _leader(desks[0], base)
    for visitor in desks[:3]:
        assert (await visitor.send_form(f"{base}/leader", leader=leader)).status_code == 303
    assert (await desks[0].send_form(f"{base}/start")).status_code == 303
    missing = await desks[0].send_form(f"{base}/technical")
    assert missing.status_code == 422
    assert "15" in text_of(missing)
    await _within(installation, made, score=True)
    assert (await desks[0].send_form(f"{base}/technical")).status_code == 303
    assert (await desks[0].send_form(f"{base}/report")).status_code == 303
    report = await desks[1].get(f"{base}/report")
    assert "中标候选人" in report.text
    assert (await desks[0].send_form(f"{base}/report/end")).status_code == 422
    await _within(installation, made, sign=True)
    assert (await desks[0].send_form(f"{base}/report/end")).status_code == 303
    final = await desks[4].get(f"{base}/report")
    assert "保留意见" in text_of(final)
    assert (await desks[4].get(base)).status_code == 200


async def _within(
    installation: Installation, made: Panel, *, declare: bool = False, score: bool = False, sign: bool = False
) -> None:
    """Let devices do their part through the services."""
    async with installation.sessions.begin() as session:
        made.scene.session = session
        if declare:
            for member in made.members:
                await made.declare(member)
        if score:
            await made.score_all(GOOD)
        if sign:
            for member in made.members[:4]:
                await made.sign(member)
            await made.sign(made.members[4], "dissent", "对第二名有保留意见")


async def _leader(visitor: Visitor, base: str) -> str:
    page = (await visitor.get(base)).text
    return page.split('name="leader" value="')[1].split('"')[0]


@pytest.mark.parametrize(("name", "shown"), [("plan.pdf", "application/pdf"), ("x.svg", None), ("a.html", None)])
async def test_files_open_inline_only_where_they_can_run_nothing(
    installation: Installation, signed_in: SignIn, name: str, shown: str | None
) -> None:
    """A PDF opens in our own frame and under a policy that runs nothing; markup is never shown, always downloaded."""
    made = await people.panel(installation)
    await people.attach(installation, made.bids[0], name, b"%PDF-1.4", kind="technical", position=0)
    visitor = await signed_in(people.someone(made.members[0]))
    answer = await visitor.get(f"/api/v1/bids/{made.bids[0]}/files/technical/0?inline=true")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == (shown or "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("inline" if shown else "attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_drafts_of_sheets(installation: Installation, signed_in: SignIn) -> None:
    """A draft is kept by version, shown again on the desk, refused when another window saved, gone with the sheet."""
    made = await people.panel(installation)
    visitor, other = [await signed_in(people.someone(member)) for member in made.members[:2]]
    path = f"/api/v1/lots/{made.lot}/evaluation/drafts/{made.bids[0]}"
    headers = {"X-CSRF-Token": await _csrf(visitor)}
    body = {"content": {"scores": {"technical": "37.5"}, "remark": "初稿", "notes": {}}, "version": 0}
    assert (await visitor.put(path, json=body, headers=headers)).json()["version"] == 1
    refused = await visitor.put(path, json=body, headers=headers)
    assert refused.json()["code"] == "evaluation.draft_changed"
    assert refused.json()["params"]["version"] == 1
    assert (await visitor.put(path, json=body | {"version": 1}, headers=headers)).json()["version"] == 2
    assert "37.5" in (await visitor.get(f"/expert/lots/{made.lot}/desk")).text
    assert "37.5" not in (await other.get(f"/expert/lots/{made.lot}/desk")).text
    async with installation.sessions.begin() as session:
        made.scene.session = session
        await made.score(made.members[0], 0, "40")
    assert (await visitor.get(f"/api/v1/lots/{made.lot}/evaluation/drafts")).json() == []
    assert (await visitor.put(path, json=body | {"version": 2}, headers=headers)).json()["code"] == "evaluation.scored"


async def _csrf(visitor: Visitor) -> str:
    return (await visitor.get("/expert")).text.split('name="csrf" content="')[1].split('"')[0]
