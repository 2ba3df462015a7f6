"""Acts one to three: people and parties, the tender with its documents, the way to its announcement."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.client import Client
from api.demo import drawings, papers
from api.demo.cast import MAIN, Cast, bidders, party_code
from api.demo.console import Stage
from kernel.clock import isoformat

NOTICE_DAYS = 25
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK = 1 << 20
SEATS = 4  # of the opening room, for each lot
OPENING_TAKES = timedelta(hours=3)
# The demo's staff serve all four sites.
STAFF = (
    ("acceptance", "acceptance", "其木格（受理）"),
    ("witness", "witness", "陈立（见证）"),
    ("venue", "venue", "巴特尔（场地）"),
    ("archivist", "archivist", "刘芳（档案）"),
    ("supervisor", "supervisor", "赵刚（行业监管）"),
)


@dataclass(slots=True)
class Trade:
    """What the acts tell each other about the trade."""

    work: Path
    """Where the documents are made."""
    bids: int
    megabytes: int
    """The size of the drawing sets; 0: short documents without drawings."""
    tale: dict[str, Any] = field(default_factory=papers.story)
    """Title and lots."""
    deadline: datetime = EPOCH
    """Set when the tender is registered, unless it was before."""
    tender: dict[str, Any] = field(default_factory=dict)
    lots: list[dict[str, Any]] = field(default_factory=list)
    handed_in: list[Any] = field(default_factory=list)
    """The bids that stand at the deadline."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What goes into summary.json."""


async def people(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Employ staff, supervisor and registrar, register purchaser, agency and bidders."""
    with stage.act("people"):
        sites = await cast.admin("audit").get("/api/v1/sites")
        for site in sites:
            stage.say("site", name=site["name"], code=site["code"])
        for login, role, name in STAFF:
            await cast.employ(login, name, *(f"{role}@site:{site['code']}" for site in sites))
        tale = papers.story()
        await cast.register("purchaser", "孙建国（招标人代表）", "purchaser", tale["purchaser"])
        await cast.register("agency", "周洁（代理机构）", "agency", tale["agency"])
        parties = bidders(trade.bids)
        for number, party in enumerate(parties, 1):
            await cast.register(f"bidder{number}", f"{party['leader']}（投标人）", "bidder", party)
            if number <= len(tale["bidder"]):
                stage.say("party", name=party["name"], uscc=party_code(party))
        stage.say("parties", count=trade.bids + 2)


async def tender(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Register the tender with its documents, enter it, have it accepted."""
    with stage.act("tender"):
        await register(stage, cast, trade)
        await enter(stage, cast, trade)
        await accept(stage, cast, trade)


async def register(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Register the tender, make and upload its documents."""
    client = cast["agency"].client
    now = await platform_time(client)
    if trade.deadline == EPOCH:
        trade.deadline = nine_o_clock(now + timedelta(days=NOTICE_DAYS))
    trade.tender = await client.post("/api/v1/tenders", _draft(trade))
    trade.lots = trade.tender["lots"]
    stage.say("tender", code=trade.tender["code"], title=trade.tender["title"], lots=len(trade.lots))
    for kind, title, path in await asyncio.to_thread(_documents, trade, f"{now:%Y年%m月%d日}"):
        await attach(stage, client, trade.tender["id"], path, kind=kind, title=title)


async def enter(_: Stage, cast: Cast, trade: Trade) -> None:
    """Enter the tender by notification (告知承诺)."""
    await cast["agency"].client.post(f"/api/v1/tenders/{trade.tender['id']}/steps", {"step": "enter"})


async def accept(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Have the tender accepted by the centre."""
    await cast["acceptance"].client.post(f"/api/v1/tenders/{trade.tender['id']}/steps", {"step": "accept"})
    stage.say("accepted", code=trade.tender["code"])
    for lot in trade.lots:
        await _book(cast, trade, lot["id"])


async def announce(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Publish the tender notice and let every bidder take the documents."""
    with stage.act("announce"):
        client, tender_id = cast["agency"].client, trade.tender["id"]
        notice = {"step": "announce", "text": _call(trade)}
        await client.post(f"/api/v1/tenders/{tender_id}/steps", notice)
        stage.say("announced", deadline=isoformat(trade.deadline))
        for number, party in enumerate(bidders(trade.bids), 1):
            for lot in trade.lots:
                issue = {"bidder": party_code(party)}
                await cast[f"bidder{number}"].client.post(f"/api/v1/lots/{lot['id']}/issues", issue)
        stage.say("issued", count=trade.bids)


async def attach(stage: Stage, client: Client, tender_id: str, path: Path, **draft: Any) -> None:
    """Store a file under its SHA-256 and attach it as a document of this kind and title."""
    digest, size = await asyncio.to_thread(_measure, path)
    with stage.progress("uploading", size, name=draft["title"]) as advance:
        await client.upload(f"/api/v1/files/{digest}", lambda: _chunks(path, advance))
    stated = {"sha256": digest, "media_type": "application/pdf"}
    await client.post(f"/api/v1/tenders/{tender_id}/documents", draft | stated)
    stage.say("attached", title=draft["title"], size=f"{size / 1e6:.1f}", sha256=digest[:16])


def nine_o_clock(moment: datetime) -> datetime:
    """Return nine in the morning of that day in China."""
    return moment.replace(hour=1, minute=0, second=0, microsecond=0)


async def platform_time(client: Client) -> datetime:
    """Return the platform's time, the one that decides."""
    return datetime.fromisoformat((await client.get("/api/v1/installation"))["now"])


async def advance(cast: Cast, to: datetime) -> None:
    """Move the sandbox's clock forward; the only liberty that the demo takes with time."""
    await cast.admin("sys").post("/api/v1/sandbox/clock", {"advance_to": isoformat(to)})


async def _book(cast: Cast, trade: Trade, lot_id: str) -> None:
    """Book the first free seats of the site's opening room for a lot's opening."""
    client, site = cast["venue"].client, trade.tender["site"]
    rooms = await client.get("/api/v1/halls")
    room = next(one for one in rooms if one["site"] == site and one["kind"] == "opening")
    time = {"begins_at": isoformat(trade.deadline), "ends_at": isoformat(trade.deadline + OPENING_TAKES)}
    taken = await client.get("/api/v1/bookings", site=site, **time)
    first = 1 + max((one["last"] for one in taken if one["hall"]["id"] == room["id"]), default=0)
    wanted = {"hall": room["id"], "lot": lot_id, "first": first, "last": first + SEATS - 1}
    await client.post("/api/v1/bookings", wanted | time)


def _call(trade: Trade) -> str:
    """Return what the tender notice says, with a line for each lot."""
    said = papers.story()["notice"]["lot"]
    amounts = ("ceiling", "bond")
    lots = [
        said.format(**lot | {name: papers.yuan(lot[name]) for name in amounts} | {"works": "、".join(lot["works"])})
        for lot in trade.tale["lot"]
    ]
    return papers.notice("tender", trade.tender, lots="\n".join(lots), deadline=papers.civil(trade.deadline))


def _draft(trade: Trade) -> dict[str, Any]:
    tale = papers.story()
    return {
        "title": trade.tale["title"],
        "site": trade.tale.get("site", MAIN),
        "region": trade.tale.get("site", MAIN),
        "purchaser": party_code(tale["purchaser"]),
        "agency": party_code(tale["agency"]),
        "lots": [_lot(lot, trade) for lot in trade.tale["lot"]],
    }


def _lot(lot: dict[str, Any], trade: Trade) -> dict[str, Any]:
    return {
        "number": lot["number"],
        "title": lot["title"],
        "estimate": lot["estimate"],
        "ceiling": lot["ceiling"],
        "bond": lot["bond"],
        "deadline": isoformat(trade.deadline),
        "envelopes": [{"kind": kind, "stage": stage} for kind, stage in lot["stages"].items()],
        "evaluation": {
            "method": "comprehensive",
            "formula": "lowest_price",
            "weights": {"qualification": "10", "technical": "60", "price": "30"},
        },
    }


def _documents(trade: Trade, date: str) -> list[tuple[str, str, Path]]:
    """Make the tender documents and the drawing set; return kind, title and path of each."""
    code = trade.tender["code"]
    data = papers.tender_data(trade.tale, code, date, "锡林浩特主平台", sandbox=True)
    documents = papers.render("tender.typ", data, trade.work / "tender.pdf")
    made = [("tender_documents", "招标文件.pdf", documents)]
    if trade.megabytes:
        sheets = drawings.write(trade.work / "drawings.pdf", trade.megabytes)
        made.append(("drawings", "施工图设计文件.pdf", sheets))
    return made


def _measure(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


async def _chunks(path: Path, advance: Any) -> Any:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
            advance(len(chunk))
