"""From a declared committee to the final report."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from experts import committees, evaluations, invitations, reports
from experts.tables import ACCEPTED
from kernel import canonical
from kernel.errors import GgzyError
from tests.experts import opened, scene as scenes
from tests.experts.scene import PURCHASER, SUPERVISOR, WITNESS, device_of
from trading import lots

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
    assert reports.render(done.report).startswith(b"%PDF")
    assert await reports.final(session, PURCHASER, panel.lot) == done.report
