"""Acts: the committee declares, leads, scores on signed sheets, opens the prices of the second lot, and reports."""

from decimal import Decimal
from typing import Any

from api.demo.cast import Cast, Person
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.experts import Panel
from api.demo.opening import open_lot
from bidding import signed
from experts.scoring import DECLARATION, OPINION, SHEET


async def evaluate(stage: Stage, cast: Cast, trade: Trade, panel: Panel) -> None:
    """Evaluate both lots."""
    for lot in trade.lots:
        with stage.act("evaluation", lot=lot["number"]):
            await evaluate_lot(stage, cast, lot, panel.seated[lot["id"]])


async def evaluate_lot(stage: Stage, cast: Cast, lot: dict[str, Any], members: list[Person]) -> None:
    """Evaluate one lot to its final report."""
    path = f"/api/v1/lots/{lot['id']}"
    committee, papers = await begin(stage, cast, lot, members)
    for seat, member in enumerate(members):
        for place, offer in enumerate(papers["offers"]):
            await _score(member, path, committee["id"], papers["scheme"], offer, spread=seat * 3 + place * 5)
    stage.say("scored", sheets=len(members) * len(papers["offers"]))
    await members[0].client.post(f"{path}/evaluation/technical")
    if any(rule["stage"] > 1 for rule in lot["envelopes"]):
        await open_lot(stage, cast, lot, 2)
    await _report(stage, path, members)


async def begin(
    stage: Stage, cast: Cast, lot: dict[str, Any], members: list[Person]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Form the committee, let it declare and choose its leader, begin; return committee and papers."""
    path = f"/api/v1/lots/{lot['id']}"
    committee = await cast["agency"].client.post(f"{path}/committee", {})
    for member in members:
        said = {"committee": committee["id"], "conflict": False, "format": DECLARATION, "reason": ""}
        await _signed(member, f"{path}/committee/declarations", said)
    names = (await members[0].client.get(f"{path}/committee"))["members"]
    leader = next(one["id"] for one in names if one["user_id"] == members[0].user_id)
    for member in members:
        await member.client.post(f"{path}/committee/leader", {"member_id": leader})
    stage.say("declared", count=len(members))
    return committee, await members[0].client.post(f"{path}/evaluation")


async def _score(
    member: Person, path: str, committee: str, scheme: dict[str, Any], offer: dict[str, Any], *, spread: int
) -> None:
    """Give between 80 and 97 percent of each criterion, a little different for each member and bid."""
    share = Decimal(80 + spread % 18) / 100
    scores = {one["code"]: f"{Decimal(str(one['maximum'])) * share:.2f}" for one in scheme["criteria"]}
    said = {"bid": offer["bid"], "committee": committee, "format": SHEET, "remark": "", "scores": scores}
    await _signed(member, f"{path}/evaluation/sheets", said)


async def _report(stage: Stage, path: str, members: list[Person]) -> None:
    draft = await members[0].client.post(f"{path}/evaluation/report", {})
    for seat, member in enumerate(members):
        dissents = seat == len(members) - 1
        reason = "对第二名的技术评分持保留意见" if dissents else ""
        kind = "dissent" if dissents else "consent"
        said = {"format": OPINION, "kind": kind, "reason": reason, "report": draft["digest"]}
        await _signed(member, f"{path}/evaluation/report/opinions", said)
    await members[0].client.post(f"{path}/evaluation/report/end")
    for one in draft["result"]["candidates"]:
        total = draft["result"]["scores"][one["bid"]]["total"] if "scores" in draft["result"] else ""
        stage.say("candidate", rank=one["rank"], name=one["name"], price=one["price"], total=total)


async def _signed(member: Person, path: str, said: dict[str, Any]) -> None:
    message = signed.write(said, member.key.signing_key())
    await member.client.post(path, {"message": message.decode()})
