"""From a declared committee to the final report."""

import io

import pypdf
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from experts import committees, dossier, evaluations, invitations, reports, scoring
from kernel import canonical
from kernel.errors import GgzyError
from tests.experts import opened
from tests.experts import scene as scenes
from tests.experts.scene import PURCHASER, SUPERVISOR, WITNESS
from trading import heading, lots

GOOD = [["34", "36", "35", "38", "30"], ["50", "50", "50", "50", "50"], ["40", "40", "40", "40", "40"]]


async def test_the_whole_evaluation(session: AsyncSession) -> None:
    """Sheets, technical close, draft, consent and dissent, refusal; the report names candidates in order."""
    panel = await opened.panel(session)
    await panel.score_all(GOOD)
    leader = panel.members[0]
    await evaluations.finish_technical(session, leader, panel.lot, entropy=panel.entropy)
    await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
    for member in panel.members[:3]:
        await panel.sign(member)
    await panel.sign(panel.members[3], "dissent", "第二名报价偏高")
    found = await committees.find(session, leader, panel.lot)
    last = next(m.id for m in found.members if m.user_id == panel.members[4].user_id)
    with pytest.raises(GgzyError, match=r"evaluation\.opinions_missing"):
        await reports.finish(session, leader, panel.lot, entropy=panel.entropy)
    await reports.note_refusal(session, WITNESS, panel.lot, last, "", entropy=panel.entropy)
    done = await reports.finish(session, leader, panel.lot, entropy=panel.entropy)
    assert done.report is not None
    report = canonical.decode(done.report)
    # technical 34.60 / 50 / 40 by the mean; price 40 / 36.36 / 32.00 by the lowest price
    totals = [offer["scores"]["total"] for offer in report["result"]["offers"]]
    assert sorted(totals) == ["72.00", "74.60", "86.36"]
    assert [c["price"] for c in report["result"]["candidates"]] == ["1100000.00", "1000000.00", "1250000.00"]
    assert sorted(o["counts_as"] for o in report["opinions"]) == ["consent"] * 4 + ["dissent"]
    assert (await lots.facts(session, panel.lot)).state == "evaluated"
    ranked = await reports.candidates(session, panel.lot)
    assert [c.rank for c in ranked] == [1, 2, 3]
    printed = reports.render(done.report, await heading.of_lot(session, panel.lot, "evaluation"))
    said = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages)
    for words in ("项目编号", "1,100,000.00", "壹佰壹拾万元整", "50.00", "86.36"):
        assert words in said
    assert await reports.final(session, PURCHASER, panel.lot) == done.report
    lot = await lots.facts(session, panel.lot)
    filed = {one.path.rpartition("/")[2]: one.source async for one in dossier._reports(session, lot)}
    assert (filed["report.json"], filed["report.pdf"]) == (done.report, printed)


async def test_nothing_before_the_declaration(session: AsyncSession) -> None:
    """Before declaring, a member sees no names, no offers, and cannot judge; strangers learn nothing at all."""
    panel = await opened.assembled(session)
    member = panel.members[0]
    assert (await committees.find(session, member, panel.lot)).members == ()
    with pytest.raises(GgzyError, match=r"committee\.not_declared"):
        await evaluations.papers(session, member, panel.lot)
    assert await committees.user_ids(session, panel.lot) == frozenset()
    for stranger in (SUPERVISOR, WITNESS, PURCHASER):
        assert (await committees.find(session, stranger, panel.lot)).members == ()
        with pytest.raises(GgzyError, match=r"committee\.not_found"):
            await evaluations.papers(session, stranger, panel.lot)
    await panel.declare(member)
    assert await committees.user_ids(session, panel.lot) == {member.user_id}
    with pytest.raises(GgzyError, match=r"committee\.undeclared"):
        await evaluations.begin(session, member, panel.lot, entropy=panel.entropy)


async def test_a_conflict_replaces_the_member(session: AsyncSession) -> None:
    """Who declares an interest is out; the next by ticket is called, accepts, and takes the seat."""
    panel = await opened.assembled(session)
    await panel.declare(panel.members[0], conflict=True, reason="配偶在投标单位任职")
    with pytest.raises(GgzyError, match=r"committee\.not_found"):
        await evaluations.papers(session, panel.members[0], panel.lot)
    (call,) = await invitations.mine(session, panel.members[0])
    assert call.state == "recused"
    draw_id = call.draw_id
    rows = await session.execute(
        text("SELECT e.user_id FROM draw_call c JOIN expert e ON e.id = c.expert_id WHERE c.state = 'invited'")
    )
    (successor,) = [scenes.expert(user) for user in rows.scalars()]
    await invitations.answer(session, successor, draw_id, accept=True, entropy=panel.entropy)
    assert (await committees.refill(session, WITNESS, panel.lot, entropy=panel.entropy)).size == 5
    await panel.declare(successor)
    assert successor.user_id in await committees.user_ids(session, panel.lot)


async def test_a_replaced_members_scores_are_void(session: AsyncSession) -> None:
    """After a replacement the sheets no longer count, and the database keeps them."""
    panel = await opened.panel(session)
    await panel.score_all(GOOD)
    found = await committees.find(session, panel.members[0], panel.lot)
    last = next(m for m in found.members if m.user_id == panel.members[4].user_id)
    await committees.replace(session, WITNESS, panel.lot, last.id, "突发疾病", entropy=panel.entropy)
    assert len(await evaluations.sheets(session, panel.committee)) == 12
    kept = await session.scalar(text("SELECT count(*) FROM score_sheet WHERE void"))
    assert kept == 3
    with pytest.raises(GgzyError, match=r"committee\.not_found"):
        await panel.score(panel.members[4], 0, "10")
    with pytest.raises(IntegrityError):
        await session.execute(text("UPDATE score_sheet SET void = false"))


@pytest.mark.parametrize("points", ["60.01", "-1", "1e1", "5.555", "", "NaN", "060", " 5"])
async def test_points_out_of_range(session: AsyncSession, points: str) -> None:
    """Too many points, wrong forms and missing criteria are refused with the criterion."""
    panel = await opened.panel(session)
    with pytest.raises(GgzyError, match=r"evaluation\.bad_score") as caught:
        await panel.score(panel.members[0], 0, points)
    assert caught.value.params == {"criterion": "technical", "maximum": "60"}


async def test_sheets_are_signed_final_and_of_this_committee(session: AsyncSession) -> None:
    """Another's signature, a second sheet, another committee, another bid: refused."""
    panel = await opened.panel(session)
    first, second = panel.members[:2]
    with pytest.raises(GgzyError, match=r"signed\.bad_signature"):
        await evaluations.score(session, first, panel.lot, panel.sheet(second, 0, "10"), entropy=panel.entropy)
    await panel.score(first, 0, "10")
    with pytest.raises(GgzyError, match=r"evaluation\.scored"):
        await panel.score(first, 0, "11")
    for change, code in (
        ({"committee": str(panel.lot)}, "evaluation.other_committee"),
        ({"bid": str(panel.lot)}, "bid.not_found"),
        ({"extra": "1"}, "evaluation.bad_message"),
    ):
        with pytest.raises(GgzyError, match=code):
            await evaluations.score(
                session, first, panel.lot, panel.sheet(first, 1, "1", **change), entropy=panel.entropy
            )


async def test_a_majority_rejects_with_a_ground(session: AsyncSession) -> None:
    """Two of five do not reject, three do; a rejected bid has no rank and sets no lowest price."""
    panel = await opened.panel(session)
    await panel.score_all(GOOD)
    with pytest.raises(GgzyError, match=r"evaluation\.bad_ground"):
        await panel.vote(panel.members[0], 0, "too_expensive")
    for member in panel.members[:2]:
        await panel.vote(member, 0, "not_responsive")
    assert not await evaluations.rejections(session, panel.committee, 5)
    await panel.vote(panel.members[2], 0, "not_responsive")
    await evaluations.finish_technical(session, panel.members[0], panel.lot, entropy=panel.entropy)
    draft = await reports.draft(session, panel.members[0], panel.lot, entropy=panel.entropy)
    result = canonical.decode(draft.result)
    assert [c["price"] for c in result["candidates"]] == ["1100000.00", "1250000.00"]
    assert result["competition"] is False
    assert result["offers"][0]["rank"] is None
    prices = {o["price"]: o["scores"]["price"] for o in result["offers"] if o["scores"]}
    assert prices == {"1100000.00": "40.00", "1250000.00": "35.20"}


async def test_hints_never_decide(session: AsyncSession) -> None:
    """An abnormally low price is shown and stays in the ranking."""
    panel = await opened.panel(session, prices=("400000.00", "1000000.00", "1100000.00"))
    await panel.score_all([["50"] * 5] * 3)
    await evaluations.finish_technical(session, panel.members[0], panel.lot, entropy=panel.entropy)
    result = canonical.decode((await reports.draft(session, panel.members[0], panel.lot, entropy=panel.entropy)).result)
    assert "below_half_of_second" in result["hints"][str(panel.bids[0])]
    assert result["candidates"][0]["price"] == "400000.00"


async def test_quantified_deviations_decide_the_lowest_evaluated_bid(session: AsyncSession) -> None:
    """4 of the formulas: 1000000 + 30000 against 1020000 + 0: the second wins, at the price it offered."""
    plan = {"method": "lowest_evaluated", "parameters": {"deviation_term": "50000"}}
    panel = await opened.panel(session, prices=("1000000.00", "1020000.00", "1250000.00"), **plan)
    for number, amount in enumerate(("30000", "0", "0")):
        for member in panel.members:
            message = panel.sheet(member, number, "", scores={"technical": "50", "deviation_term": amount})
            await evaluations.score(session, member, panel.lot, message, entropy=panel.entropy)
    await evaluations.finish_technical(session, panel.members[0], panel.lot, entropy=panel.entropy)
    result = canonical.decode((await reports.draft(session, panel.members[0], panel.lot, entropy=panel.entropy)).result)
    assert [c["price"] for c in result["candidates"]] == ["1020000.00", "1000000.00", "1250000.00"]
    reviewed = {o["price"]: o["scores"]["reviewed"] for o in result["offers"]}
    assert reviewed == {"1000000.00": "1030000.00", "1020000.00": "1020000.00", "1250000.00": "1250000.00"}


async def test_deviations_are_bounded_and_of_this_method_alone(session: AsyncSession) -> None:
    """An amount over what the plan allows is refused; a comprehensive plan has no deviations."""
    plan = {"method": "lowest_evaluated", "parameters": {"deviation_term": "50000"}}
    panel = await opened.panel(session, **plan)
    message = panel.sheet(panel.members[0], 0, "", scores={"technical": "50", "deviation_term": "50000.01"})
    with pytest.raises(GgzyError, match=r"evaluation\.bad_score"):
        await evaluations.score(session, panel.members[0], panel.lot, message, entropy=panel.entropy)
    with pytest.raises(GgzyError, match=r"evaluation\.bad_scheme"):
        scoring.scheme(opened.SCHEME | {"parameters": {"deviation_term": "1"}})


async def test_a_tie_is_settled_by_the_committee(session: AsyncSession) -> None:
    """Equal in total, price and technical score: the committee orders, with a reason in the report."""
    panel = await opened.panel(session, prices=("1000000.00", "1000000.00", "1250000.00"))
    await panel.score_all([["50"] * 5, ["50"] * 5, ["40"] * 5])
    leader = panel.members[0]
    await evaluations.finish_technical(session, leader, panel.lot, entropy=panel.entropy)
    with pytest.raises(GgzyError, match=r"evaluation\.tie"):
        await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
    order = [panel.bids[1], panel.bids[0]]
    draft = await reports.draft(
        session, leader, panel.lot, tie_order=order, tie_reason="业绩较优", entropy=panel.entropy
    )
    result = canonical.decode(draft.result)
    assert [c["bid"] for c in result["candidates"][:2]] == [str(bid) for bid in order]


async def test_steps_keep_their_order(session: AsyncSession) -> None:
    """No close with sheets missing, no draft before the close, no dissent without reasons, no second signature."""
    panel = await opened.panel(session)
    leader = panel.members[0]
    with pytest.raises(GgzyError, match=r"evaluation\.sheets_missing") as caught:
        await evaluations.finish_technical(session, leader, panel.lot, entropy=panel.entropy)
    assert caught.value.params == {"missing": 15}
    await panel.score_all(GOOD)
    with pytest.raises(GgzyError, match=r"evaluation\.technical_open"):
        await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
    await evaluations.finish_technical(session, leader, panel.lot, entropy=panel.entropy)
    await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
    with pytest.raises(GgzyError, match=r"evaluation\.drafted"):
        await reports.draft(session, leader, panel.lot, entropy=panel.entropy)
    with pytest.raises(GgzyError, match=r"evaluation\.no_dissent_reason"):
        await panel.sign(leader, "dissent", " ")
    await panel.sign(leader)
    with pytest.raises(GgzyError, match=r"evaluation\.signed"):
        await panel.sign(leader)
    with pytest.raises(GgzyError, match=r"report\.not_found"):
        await reports.final(session, PURCHASER, panel.lot)
