"""The pool, the draws and the committees as the centre, the purchaser and the supervisor see them."""

import re
from uuid import UUID

import pytest

from api.pages import followed
from api.wiring import Installation
from experts import draws, invitations
from kernel.actor import Grant, Role
from tests.conftest import Someone
from tests.experts import cast, people, scene
from tests.experts.scene import Scene
from tests.pages.conftest import HOST, Maker, SignIn, Visitor, text_of

KEEPER = Grant(Role.SUPERVISOR, f"site:{cast.SITE}")


async def upload(visitor: Visitor, data: bytes, name: str = "pool.csv") -> object:
    """Send a table file as the import form does."""
    page = await visitor.get("/centre/pool")
    token = page.text.split('name="csrf" value="')[1].split('"')[0]
    return await visitor.post(
        "/centre/pool/import",
        data={"csrf": token, "encoding": "utf-8"},
        files={"file": (name, data, "text/csv")},
        headers={"Origin": HOST},
    )


async def test_a_pool_file_with_a_mistake_takes_in_nobody(someone: Maker, signed_in: SignIn) -> None:
    """Every mistake stands in a table with row and column; a file without one is taken in whole, pages are stable."""
    visitor = await signed_in(await someone(KEEPER))
    bad = await upload(visitor, cast.table([cast.row(1), cast.row(1), cast.row(2, 手机号="x")]))
    assert bad.status_code == 422
    words = text_of(bad)
    assert "手机号" in words
    assert "与前面某行是同一人" in words
    assert "专家库还是空的" in words
    good = await upload(visitor, cast.table([cast.row(number) for number in range(60)]))
    assert good.status_code == 303, good.text
    first = await visitor.get("/centre/pool")
    assert cast.resident(0) not in first.text
    more = first.text.split('href="/centre/pool?after=')[1].split('"')[0]
    following = await visitor.get(f"/centre/pool?after={more}")
    assert following.text.count('href="/centre/pool/') == 10


async def test_an_experts_standing_is_changed_with_a_reason(someone: Maker, signed_in: SignIn) -> None:
    """A change needs a reason and, for a training, a day; it shows in the history; accounts are named by login."""
    visitor = await signed_in(await someone(KEEPER))
    await upload(visitor, cast.table([cast.row(1)]))
    path = (await visitor.get("/centre/pool")).text.split('href="/centre/pool/')[1].split('"')[0]
    page = f"/centre/pool/{path}"
    assert (await visitor.send_form(f"{page}/changes", action="suspend", reason="")).status_code == 422
    assert (await visitor.send_form(f"{page}/changes", action="train", reason="年度培训")).status_code == 422
    assert (await visitor.send_form(f"{page}/changes", action="suspend", reason="未参加培训")).status_code == 303
    assert "未参加培训" in text_of(await visitor.get(page))
    assert (await visitor.send_form(f"{page}/account", login="nobody-here")).status_code == 422


async def test_only_supervisors_keep_the_pool(someone: Maker, signed_in: SignIn) -> None:
    """Those who draw see no names: to the witness there is no pool, and no login can be tried out there."""
    visitor = await signed_in(await someone(Grant(Role.WITNESS, f"site:{cast.SITE}")))
    assert (await visitor.get("/centre/pool")).status_code == 404
    some = UUID(int=7)
    assert (await visitor.send_form(f"/centre/pool/{some}/account", login="admin")).status_code == 404


async def prepared(installation: Installation) -> Scene:
    """Commit a lot for which experts can be drawn, with accounts for its three sides."""
    async with installation.sessions.begin() as session:
        made = await scene.build(session, signer=installation.signer)
        await people.enrol(session, installation, [actor for actor, _ in scene.PEOPLE.values()])
    return made


async def test_lists_of_lots_go_on(
    installation: Installation, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list ends with the way to its next page, and that one leads back: no lot drops out unseen."""
    made = await prepared(installation)
    witness = await signed_in(people.someone(scene.WITNESS))
    monkeypatch.setattr(followed, "SIZE", 1)
    for path in ("/centre/draws", "/centre/evaluations"):
        first = (await witness.get(path)).text
        assert str(made.lot_id) in first
        further = re.search(rf'href="({path}\?before=[^"]+)" rel="next"', first)
        assert further is not None
        second = (await witness.get(further[1])).text
        assert str(made.lot_id) not in second
        assert f'href="{path}">' in second
    assert (await witness.get("/centre/draws?before=x")).status_code == 422


async def test_a_round_from_preparation_to_transcript(installation: Installation, signed_in: SignIn) -> None:
    """The witness prepares by a form, sees who has committed, fixes the seed, follows calls by code alone."""
    made = await prepared(installation)
    witness = await signed_in(people.someone(scene.WITNESS))
    page = f"/centre/draws/{made.lot_id}"
    assert str(made.lot_id) in (await witness.get("/centre/draws")).text
    refused = await witness.send_form(page, specialty_1="A01", count_1="2", representatives="0")
    assert refused.status_code == 422
    quotas = {"specialty_1": "A01", "count_1": "2", "specialty_2": "A02", "count_2": "2", "specialty_3": "B01"}
    done = await witness.send_form(page, **quotas, representatives="0")
    assert done.status_code == 303, text_of(done)
    async with installation.sessions.begin() as session:
        made.session = session
        (draw,) = await draws.of_lot(session, scene.WITNESS, made.lot_id)
        early = draw.id
        await made.commit(draw)
        await made.sequence()
    fixed = await witness.send_form(f"{page}/{early}/seed")
    assert fixed.status_code == 303, text_of(fixed)
    assert "等待三方揭示" in text_of(await witness.get(page))
    async with installation.sessions.begin() as session:
        made.session = session
        await made.reveal(await draws.find(session, scene.WITNESS, early))
        invited = await made.called(draw)
        codes = [one.code.hex()[:8].upper() for one in await invitations.of_draw(session, scene.WITNESS, early)]
    shown = await witness.get(page)
    assert all(code in shown.text for code in codes)
    assert all(str(one.user_id) not in shown.text for one in invited)
    assert "专家1" not in shown.text
    assert "/transcript" not in shown.text
    supervisor = await signed_in(people.someone(scene.SUPERVISOR))
    assert f"/api/v1/draws/{early}/transcript" in (await supervisor.get(page)).text


async def test_a_round_is_given_up_with_a_reason_before_its_seed(installation: Installation, signed_in: SignIn) -> None:
    """Abandoning needs a reason; the next round asks for one too."""
    made = await prepared(installation)
    async with installation.sessions.begin() as session:
        made.session = session
        draw = await made.prepare()
    witness = await signed_in(people.someone(scene.WITNESS))
    page = f"/centre/draws/{made.lot_id}"
    assert (await witness.send_form(f"{page}/{draw.id}/abandonment", abandon="")).status_code == 422
    assert (await witness.send_form(f"{page}/{draw.id}/abandonment", abandon="专业代码填错")).status_code == 303
    shown = await witness.get(page)
    assert "已放弃" in text_of(shown)
    assert 'name="reason"' in shown.text
    purchaser = await signed_in(people.someone(scene.PURCHASER))
    assert (await purchaser.send_form(f"{page}/{draw.id}/abandonment", abandon="x")).status_code in (404, 422)


async def test_strangers_see_no_draw(installation: Installation, someone: Maker, signed_in: SignIn) -> None:
    """To staff of another site and to bidders there is no draw of this lot."""
    made = await prepared(installation)
    for grant in (Grant(Role.WITNESS, "site:152527"), Grant(Role.EXPERT, "*")):
        visitor = await signed_in(await someone(grant))
        assert (await visitor.get(f"/centre/draws/{made.lot_id}")).status_code == 404


async def test_the_purchaser_forms_the_committee(installation: Installation, signed_in: SignIn) -> None:
    """Once all have accepted, the tenderer forms the committee; names are nowhere on the page before or after."""
    made = await prepared(installation)
    async with installation.sessions.begin() as session:
        made.session = session
        draw = await made.drawn()
        members = await made.accept_all(draw)
    purchaser = await signed_in(people.someone(scene.PURCHASER))
    page = f"/purchase/committees/{made.lot_id}"
    assert str(made.lot_id) in (await purchaser.get("/purchase/committees")).text
    assert "组建评标委员会" in text_of(await purchaser.get("/desk"))
    assert "已接受 5 人" in text_of(await purchaser.get(page))
    formed = await purchaser.send_form(page)
    assert formed.status_code == 303, text_of(formed)
    shown = await purchaser.get(page)
    assert "第 5 席" in text_of(shown)
    assert not any(f"专家{number}" in shown.text for number in range(30))
    assert all(str(one.user_id) not in shown.text for one in members)


async def test_overseers_follow_without_scores(installation: Installation, signed_in: SignIn) -> None:
    """Witness and supervisor see sheets counted and never a score; replacing needs a reason; a refusal is noted."""
    made = await people.panel(installation)
    async with installation.sessions.begin() as session:
        made.scene.session = session
        await made.score(made.members[0], 0, "58.25")
    witness = await signed_in(people.someone(scene.WITNESS))
    page = f"/centre/evaluations/{made.lot}"
    shown = await witness.get(page)
    assert "1/3" in text_of(shown)
    assert "58.25" not in shown.text
    seat = shown.text.split('<option value="')[2].split('"')[0]
    assert (await witness.send_form(f"{page}/replacements", member=seat, reason="")).status_code == 422
    assert (await witness.send_form(f"{page}/replacements", member="", reason="病")).status_code == 422
    assert (await witness.send_form(f"{page}/replacements", member=seat, reason="突发疾病")).status_code == 303
    assert "第 4 席" in text_of(await witness.get(page))
    assert "第 5 席" not in text_of(await witness.get(page))
    assert (await witness.send_form(f"{page}/successors")).status_code == 303
    assert (await witness.get(f"{page}/report")).status_code == 404


async def test_a_member_is_no_overseer(installation: Installation, signed_in: SignIn) -> None:
    """A member finds neither the overseers' page nor the purchaser's."""
    made = await people.panel(installation)
    member: Someone = people.someone(made.members[0])
    visitor = await signed_in(member)
    for page in ("/centre/evaluations", "/purchase/committees"):
        assert (await visitor.get(f"{page}/{made.lot}")).status_code == 404
