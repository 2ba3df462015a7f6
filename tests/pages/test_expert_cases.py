"""What a trade needs rarely: votes on rejection, ties, direct appointment, a public beacon; by the pages' own forms."""

import re

from sqlalchemy import select

from api.wiring import Installation
from experts import application, draws, invitations
from experts.quota import Quota
from experts.tables import ExpertRow
from tests.experts import people, scene
from tests.pages.conftest import SignIn, text_of
from tests.pages.test_expert_centre import prepared

ALIKE = ("1000000.00", "1000000.00", "1250000.00")
CHAIN = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"


async def test_votes_on_rejection_stand_on_the_desk(installation: Installation, signed_in: SignIn) -> None:
    """The desk counts votes and names grounds; one's own is said, who else voted how is not; a majority rejects."""
    made = await people.panel(installation)
    desk = f"/expert/lots/{made.lot}/desk"
    visitor = await signed_in(people.someone(made.members[0]))
    before = await visitor.get(desk)
    assert before.text.count("data-vote=") == 3
    votes = f"/api/v1/lots/{made.lot}/evaluation/votes"
    headers = {"X-CSRF-Token": before.text.split('name="csrf" content="')[1].split('"')[0]}
    told = {"bid": str(made.bids[2]), "committee": str(made.committee), "reject": True, "reason": "无安全生产许可证"}
    message = made.says(made.members[0], "ggzy/rejection-vote/v1", ground="not_qualified", **told)
    answer = await visitor.post(votes, json={"message": message.decode()}, headers=headers)
    assert answer.is_success, answer.text
    async with installation.sessions.begin() as session:
        made.scene.session = session
        for member in made.members[1:3]:
            await made.vote(member, 2, "not_qualified")
    after = await visitor.get(desk)
    assert after.text.count("data-vote=") == 2
    assert "无安全生产许可证" not in text_of(await (await signed_in(people.someone(made.members[4]))).get(desk))
    assert "3" in re.search(r'(?s)<details class="vote" open>.*?</details>', after.text)[0]


async def test_a_tie_is_ordered_by_the_committee(installation: Installation, signed_in: SignIn) -> None:
    """A tie that matters asks for places and a reason at their fields; with both the report is drafted."""
    made = await people.panel(installation, prices=ALIKE)
    async with installation.sessions.begin() as session:
        made.scene.session = session
        await made.score_all([["50"] * 5, ["50"] * 5, ["45"] * 5])
    base = f"/expert/lots/{made.lot}"
    visitor = await signed_in(people.someone(made.members[0]))
    assert (await visitor.send_form(f"{base}/technical")).status_code == 303
    tied = await visitor.send_form(f"{base}/report")
    assert tied.status_code == 422
    assert 'href="#tie"' in tied.text
    assert set(re.findall(r'name="place_([\w-]+)"', tied.text)) == {str(one) for one in made.bids[:2]}
    places = {f"place_{made.bids[0]}": "2", f"place_{made.bids[1]}": "1"}
    assert (await visitor.send_form(f"{base}/report", **places, tie_reason="")).status_code == 422
    done = await visitor.send_form(f"{base}/report", **places, tie_reason="乙的工期较短")
    assert done.status_code == 303, text_of(done)
    words = text_of(await visitor.get(f"{base}/report"))
    assert words.index("投标人1") < words.index("投标人0")


async def test_experts_are_appointed_where_the_pool_is_exhausted(installation: Installation, signed_in: SignIn) -> None:
    """Once nobody is left to be drawn the form takes a login with a reason, and says what is missing of the two."""
    made = await prepared(installation)
    page = f"/purchase/committees/{made.lot_id}"
    purchaser = await signed_in(people.someone(scene.PURCHASER))
    async with installation.sessions.begin() as session:
        made.session = session
        await scene.fill(made, 1, start=100, **{application.SPECIALTIES: "C99"})
        draw = await made.drawn((Quota("A01", 4), Quota("C99", 1)))
        called = await made.called(draw)
        only = await session.scalar(select(ExpertRow.user_id).where(ExpertRow.specialties.contains(["C99"])))
        for one in called:
            declines = one.user_id == only
            told = {"accept": not declines, "reason": "出差" if declines else ""}
            await invitations.answer(session, one, draw.id, **told, entropy=made.entropy)
        state = (await draws.find(session, scene.WITNESS, draw.id)).state
        known = (await session.scalars(select(ExpertRow.user_id).order_by(ExpertRow.id))).all()
        chosen = scene.expert(next(one for one in known if one and one not in {who.user_id for who in called}))
        await people.enrol(session, installation, [chosen])
    assert state == "exhausted"
    login = f"p{chosen.user_id.hex[-12:]}"
    assert "appointed_1" in (await purchaser.get(page)).text
    assert (await purchaser.send_form(page, appointed_1="nobody", appointed_reason_1="x")).status_code == 422
    without = await purchaser.send_form(page, appointed_1=login, appointed_reason_1="")
    assert without.status_code == 422
    assert f'value="{login}"' in without.text
    formed = await purchaser.send_form(page, appointed_1=login, appointed_reason_1="该专业库内已无人可抽")
    assert formed.status_code == 303, text_of(formed)
    assert "第 5 席" in text_of(await purchaser.get(page))


async def test_a_public_beacon_is_agreed_upon_and_its_signature_asked_for(
    installation: Installation, signed_in: SignIn
) -> None:
    """A round of drand is named before the seed; then the seed needs its signature in hex, and nothing else will do."""
    made = await prepared(installation)
    page = f"/centre/draws/{made.lot_id}"
    witness = await signed_in(people.someone(scene.WITNESS))
    quotas = {"specialty_1": "A01", "count_1": "2", "specialty_2": "A02", "count_2": "2", "specialty_3": "B01"}
    assert (await witness.send_form(page, **quotas, chain=CHAIN, beacon_round="")).status_code == 422
    assert (await witness.send_form(page, **quotas, chain="drand", beacon_round="7")).status_code == 422
    done = await witness.send_form(page, **quotas, chain=CHAIN, beacon_round="4500000")
    assert done.status_code == 303, text_of(done)
    assert "4500000" in text_of(await witness.get(page))
    async with installation.sessions.begin() as session:
        made.session = session
        (draw,) = await draws.of_lot(session, scene.WITNESS, made.lot_id)
        await made.commit(draw)
        await made.sequence()
    assert 'name="beacon_signature"' in (await witness.get(page)).text
    for wrong in ("", "not hex"):
        refused = await witness.send_form(f"{page}/{draw.id}/seed", beacon_signature=wrong)
        assert refused.status_code == 422, wrong
        assert 'href="#beacon_signature"' in refused.text
    fixed = await witness.send_form(f"{page}/{draw.id}/seed", beacon_signature="ab" * 48)
    assert fixed.status_code == 303, text_of(fixed)
