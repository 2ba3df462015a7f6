"""Acts: experts are imported, five are drawn for each lot by three sealed nonces, one declines and is followed."""

import asyncio
import csv
import io
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from stdnum.cn import ric

from api import drawing
from api.demo.cast import MAIN, PASSPHRASE, Cast, Person
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.patience import patiently
from api.drawing import Keep
from bidding import keyfile
from bidding.keyfile import KeyFile
from experts import application

POOL = 24
SIDES = {"centre": "witness", "purchaser": "purchaser", "supervisor": "supervisor"}
QUOTAS = [{"specialty": "A04", "count": 3}, {"specialty": "A08", "count": 2}]
SURNAMES, GIVEN = "白云包乌额巴斯特高娜沙丽", ("建军", "玉兰", "志强", "其其格", "海龙", "晓梅")


@dataclass(slots=True)
class Panel:
    """The experts of the pool with accounts, and who sits for which lot."""

    experts: list[Person] = field(default_factory=list)
    seated: dict[str, list[Person]] = field(default_factory=dict)
    draws: dict[str, str] = field(default_factory=dict)


async def gather(stage: Stage, cast: Cast) -> Panel:
    """Import the pool from a table file and give every expert an account."""
    with stage.act("pool"):
        keeper = cast["supervisor"].client
        done = await keeper.upload("/api/v1/experts/import", table(), method="POST")
        stage.say("pool", count=done["count"], sha256=done["sha256"][:16])
        found = await keeper.get("/api/v1/experts", limit=100)
        people = await asyncio.gather(*(_account(cast, *one) for one in enumerate(found, 1)))
        return Panel(list(people))


async def draw_all(stage: Stage, cast: Cast, trade: Trade, panel: Panel) -> None:
    """Draw a committee for each lot."""
    with stage.act("draw"):
        for lot in trade.lots:
            await draw(stage, cast, lot, panel, decline=lot["number"] == 1)


def table() -> bytes:
    """Return the pool as the CSV file that a province's expert office would hand over."""
    columns = (*application.REQUIRED, application.TRAINED)
    out = io.StringIO()
    rows = csv.DictWriter(out, columns)
    rows.writeheader()
    rows.writerows(_expert(number) for number in range(POOL))
    return out.getvalue().encode()


async def _account(cast: Cast, number: int, expert: dict[str, Any]) -> Person:
    person = await cast.employ(f"expert{number}", expert["name"], "expert@*")
    link = {"user_id": person.user_id}
    await cast["supervisor"].client.post(f"/api/v1/experts/{expert['id']}/account", link)
    return person


def _expert(number: int) -> dict[str, str]:
    body = f"{MAIN}19{70 + number % 20}0{1 + number % 9}15{100 + number:03d}"
    return {
        application.NAME: SURNAMES[number % len(SURNAMES)] + GIVEN[number % len(GIVEN)],
        application.NUMBER: body + ric.calc_check_digit(body + "0"),
        application.SPECIALTIES: "A0401" if number % 2 else "A0802",
        application.SITES: (MAIN, "152527", "152524", "152525")[number % 4],
        application.EMPLOYER: f"内蒙古第{number + 1}设计研究院",
        application.PHONE: f"139{number:08d}",
        application.FROM: "2026-01-01",
        application.UNTIL: "2029-12-31",
        application.TRAINED: "2027-12-31",
    }


async def draw(stage: Stage, cast: Cast, lot: dict[str, Any], panel: Panel, *, decline: bool = False) -> None:
    """Draw the committee of one lot by three sealed nonces; if asked, the first one called declines."""
    prepared = await cast["witness"].client.post(f"/api/v1/lots/{lot['id']}/draws", {"quotas": QUOTAS})
    draw_id = panel.draws[lot["id"]] = prepared["id"]
    for role, login in SIDES.items():
        await _commit(cast, login, UUID(draw_id), role)
    stage.say("committed", lot=lot["number"], roster=prepared["roster"][:16])
    await patiently(lambda: cast["witness"].client.post(f"/api/v1/draws/{draw_id}/seed", {}))
    for login in SIDES.values():
        person = cast[login]
        await drawing.reveal(person.client, UUID(draw_id), person.key, keep=_keeper(cast, person))
    stage.say("drawn", lot=lot["number"])
    panel.seated[lot["id"]] = await _answer(stage, panel, draw_id, decline=decline)
    stage.say("seated", lot=lot["number"], count=len(panel.seated[lot["id"]]))


async def _commit(cast: Cast, login: str, draw: UUID, role: str) -> None:
    person = cast[login]
    await drawing.commit(person.client, draw, role, person.key, keep=_keeper(cast, person), entropy=cast.entropy)


def _keeper(cast: Cast, person: Person) -> Keep:
    """Return what keeps a secret in a person's key file."""

    def keep(name: str, value: bytes) -> KeyFile:
        person.key = keyfile.add(person.path, PASSPHRASE, name, value, entropy=cast.entropy)
        return person.key

    return keep


async def _answer(stage: Stage, panel: Panel, draw_id: str, *, decline: bool) -> list[Person]:
    """Let everybody who is called accept; if asked, the first one called declines and the next name is called."""
    seated: list[Person] = []
    while called := [person for person in panel.experts if await _is_called(person, draw_id)]:
        for person in called:
            said: dict[str, Any] = {"accept": not decline}
            if decline:
                said["reason"] = "本周出差，无法到场"
                stage.say("declined")
            else:
                seated.append(person)
            decline = False
            await person.client.post(f"/api/v1/invitations/{draw_id}/answer", said)
    return seated


async def _is_called(person: Person, draw_id: str) -> bool:
    calls = await person.client.get("/api/v1/invitations")
    return any(call["draw_id"] == draw_id and call["state"] == "invited" for call in calls)
