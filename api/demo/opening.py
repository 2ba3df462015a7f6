"""Act: the witness opens each lot with two of the three custodians' devices; prices are read out from the record."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

from api import custody
from api.client import Client
from api.demo.cast import PASSPHRASE, Cast, Person
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.patience import PAUSE, TRIES, patiently
from bidding import keyfile
from bidding.custodian import Pins
from kernel.entropy import Entropy

HELPERS = ("purchaser", "supervisor")  # any two of the three


async def open_all(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Open the first stage of both lots."""
    with stage.act("opening"):
        for lot in trade.lots:
            await open_lot(stage, cast, lot, 1)


async def open_lot(stage: Stage, cast: Cast, lot: dict[str, Any], number: int) -> None:
    """Begin the opening, let two devices check and answer the request, read out the record."""
    witness, path = cast["witness"].client, f"/api/v1/lots/{lot['id']}/openings/{number}"
    begun = await patiently(lambda: witness.post(f"{path}?hearing_minutes=0"))  # nobody sits in this hall
    stage.say("opening", lot=lot["number"], stage=number, envelopes=begun["envelopes"])
    for login in HELPERS:
        bidders = await help_open(cast[login], UUID(lot["id"]), number, cast.entropy)
        stage.say("share", name=cast[login].name, bidders=bidders)
    record = await _record(witness, path)
    for bid in record["bids"]:
        prices = [Decimal(one["form"]["price"]) for one in bid["envelopes"] if (one.get("form") or {}).get("price")]
        for price in prices:
            stage.say("price", name=bid["name"], price=f"{price:,.2f}")


async def help_open(person: Person, lot: UUID, stage: int, entropy: Entropy) -> int:
    """Do on a custodian's device what `ggzy open-share` does; return how many bids it was asked about."""
    pins = await pinned(person.client)
    asked = await patiently(lambda: custody.ask(person.client, person.key, lot, stage, pins))
    person.key = asked.keys
    keyfile.save(person.path, person.key, PASSPHRASE, entropy=entropy, strength=keyfile.Strength(8 << 10, 1))
    await custody.answer(person.client, asked, entropy=entropy)
    return len(asked.examined.bidders)


async def pinned(client: Client) -> Pins:
    """Return the keys that a custodian of the demo has pinned: those of the installation."""
    about = await client.get("/api/v1/installation")
    return custody.pins(about["tsa_chain"].encode(), about["log_vkey"])


async def _record(client: Client, path: str) -> dict[str, Any]:
    """Return the opening record once the last verdict is in."""
    for _ in range(TRIES):
        if (await client.get(path))["state"] == "finished":
            break
        await asyncio.sleep(PAUSE)
    found: dict[str, Any] = await client.get(f"{path}/record.json")
    return found
