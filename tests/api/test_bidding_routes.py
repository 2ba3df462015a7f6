"""Bids and openings over HTTP, on the real application: from the seal target to the files of an opened bid."""

import asyncio
import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from api import jobs, openings
from api.wiring import Installation
from archive import receipt, timestamp
from archive.note import parse_key
from archive.proof import verify_proof
from archive.tables import EventRow
from bidding import bidfile, statement
from bidding import target as targets
from bidding.bidfile import BidFile
from bidding.segments import part_root
from bidding.tables import WITHDRAWAL, BidRow
from kernel import actor as actors
from kernel import canonical
from kernel.actor import Grant, Role
from kernel.clock import parse
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """An announced lot with an opening key."""
    return await scenes.prepare(installation, tmp_path)


@pytest.fixture
def bidder(someone: Make) -> Callable[[int], Awaitable[Any]]:
    """Make a signed-in person of bidder n."""

    async def make(number: int = 0) -> Any:
        return await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[number])))

    return make


async def sealed(client: httpx.AsyncClient, scene: Scene, who: Any, **how: Any) -> BidFile:
    """Fetch the target and seal a bid for it, as a bidder's machine does."""
    answer = await client.get(f"/api/v1/lots/{scene.lot_id}/seal-target")
    assert answer.status_code == 200, answer.text
    path = scene.folder / f"{who.actor.user_id}.sealed"
    return await asyncio.to_thread(stage.seal, who, targets.parse(answer.content), path, **how)


async def uploaded(client: httpx.AsyncClient, scene: Scene, who: Any, bid: BidFile) -> str:
    """Open a session and send all parts; return its id."""
    bodies = {envelope.kind.value: envelope.length for envelope in bid.manifest.envelopes}
    draft = {"bidder": bid.manifest.bidder, "bodies": bodies}
    opened = await client.post(f"/api/v1/lots/{scene.lot_id}/uploads", json=draft, headers=who.headers)
    assert opened.status_code == 201, opened.text
    data = bid.path.read_bytes()
    for envelope in bid.manifest.envelopes:
        for part in bidfile.parts(bid, envelope.kind):
            answer = await client.put(
                f"/api/v1/uploads/{opened.json()['id']}/{part.kind.value}/{part.number}",
                content=data[part.offset : part.offset + part.size],
                headers=who.headers | {"Part-Root": part.root.hex()},
            )
            assert answer.status_code == 200, answer.text
    return str(opened.json()["id"])


def finalise(upload: str, bid: BidFile) -> dict[str, str]:
    """The body that hands in an uploaded bid."""
    return {"upload": upload, "manifest": bid.encoded.decode(), "signature": bid.signature.hex()}


async def hand_in(client: httpx.AsyncClient, scene: Scene, who: Any, **how: Any) -> httpx.Response:
    """Seal, upload, finalise."""
    bid = await sealed(client, scene, who, **how)
    body = finalise(await uploaded(client, scene, who, bid), bid)
    return await client.post(f"/api/v1/lots/{scene.lot_id}/bids", json=body, headers=who.headers)


async def test_a_receipt_at_once_and_its_proof_soon(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, installation: Installation
) -> None:
    """The answer to the last request is the receipt; its files, served singly and zipped, check with pinned keys."""
    who = await bidder(0)
    answer = await hand_in(client, scene, who)
    assert answer.status_code == 201, answer.text
    bid = answer.json()
    url = f"/api/v1/bids/{bid['id']}/receipt"
    waiting = await client.get(f"{url}.proof", headers=who.headers)
    assert waiting.json()["code"] == "trail.not_sequenced"
    early = await client.get(f"{url}.zip", headers=who.headers)
    assert zipfile.ZipFile(io.BytesIO(early.content)).namelist() == [f"receipt.{s}" for s in ("digest", "json", "tsr")]
    await jobs.sequence(installation)
    files = {}
    for suffix in ("json", "digest", "tsr", "proof"):
        got = await client.get(f"{url}.{suffix}", headers=who.headers)
        assert got.status_code == 200, got.text
        files[suffix] = got.content
    packed = zipfile.ZipFile(io.BytesIO((await client.get(f"{url}.zip", headers=who.headers)).content))
    assert {name.removeprefix("receipt."): packed.read(name) for name in packed.namelist()} == files
    assert files["json"].decode() == bid["receipt"]["json"]
    assert files["tsr"] == base64.b64decode(bid["receipt"]["tsr"])
    digest = hashlib.sha256(files["json"]).digest()
    assert files["digest"] == f"{digest.hex()}\n".encode()
    timestamp.verify(files["tsr"], digest, installation.chain_pem)
    claim = receipt.decode(files["json"])
    verify_proof(files["proof"], claim.commitment, parse_key(installation.signer.vkey))


async def test_the_clear_errors_of_an_upload(client: httpx.AsyncClient, scene: Scene, bidder: Make) -> None:
    """A wrong digest, a part of nowhere, a missing header, missing parts: each its code, and the rest goes on."""
    who = await bidder(0)
    bid = await sealed(client, scene, who)
    bodies = {envelope.kind.value: envelope.length for envelope in bid.manifest.envelopes}
    draft = {"bidder": stage.USCCS[0], "bodies": bodies}
    opened = (await client.post(f"/api/v1/lots/{scene.lot_id}/uploads", json=draft, headers=who.headers)).json()
    url = f"/api/v1/uploads/{opened['id']}"
    part = next(bidfile.parts(bid, bid.manifest.envelopes[0].kind))
    data = bid.path.read_bytes()[part.offset : part.offset + part.size]
    root = {"Part-Root": part.root.hex()}

    async def put(place: str, content: bytes, headers: dict[str, str]) -> Any:
        return (await client.put(f"{url}/{place}", content=content, headers=who.headers | headers)).json()

    kind = part.kind.value
    assert (await put(f"{kind}/0", b"x" + data[1:], root))["code"] == "part.wrong_digest"
    assert (await put(f"{kind}/0", data[:-1], root))["code"] == "part.wrong_length"
    assert (await put(f"{kind}/1", data, root))["code"] == "part.out_of_range"
    assert (await put("nothing/0", data, root))["code"] == "part.out_of_range"
    assert (await put(f"{kind}/0", data, {}))["status"] == 400
    assert (await put(f"{kind}/0", data, {"Part-Root": "zz"}))["status"] == 400
    refused = await client.post(
        f"/api/v1/lots/{scene.lot_id}/bids", json=finalise(opened["id"], bid), headers=who.headers
    )
    assert refused.json()["code"] == "bid.parts_missing"
    assert refused.json()["params"]["missing"] == "price/0, technical/0"
    assert (await put(f"{kind}/0", data, root))["root"] == part.root.hex()
    assert (await put(f"{kind}/0", data, root))["root"] == part.root.hex()
    there = (await client.get(url, headers=who.headers)).json()["present"]
    assert there == {"price": [], "technical": [0]} if kind == "technical" else {"price": [0], "technical": []}
    other = b"y" * len(data)
    assert (await put(f"{kind}/0", other, {"Part-Root": part_root(other).hex()}))["code"] == "part.conflict"


async def test_what_is_not_sealed_is_refused_with_a_prompt(
    client: httpx.AsyncClient, scene: Scene, bidder: Make
) -> None:
    """An unsealed bid is told so (电子招标投标办法 第二十六条)."""
    who = await bidder(0)
    bid = await sealed(client, scene, who)
    body = finalise(await uploaded(client, scene, who, bid), bid) | {"manifest": "PK..."}
    answer = await client.post(f"/api/v1/lots/{scene.lot_id}/bids", json=body, headers=who.headers)
    assert answer.json()["code"] == "bid.not_sealed"


async def test_late_is_refused_and_recorded_with_its_time(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, installation: Installation
) -> None:
    """A late bid is refused with both times, and an event keeps when it arrived (实施条例 第三十六条)."""
    who = await bidder(0)
    bid = await sealed(client, scene, who)
    body = finalise(await uploaded(client, scene, who, bid), bid)
    await scene.pass_deadline()
    answer = await client.post(f"/api/v1/lots/{scene.lot_id}/bids", json=body, headers=who.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "bid.late")
    async with installation.sessions() as session:
        kept = (await session.scalars(select(EventRow.body).where(EventRow.kind == "bid.refused"))).one()
        assert await session.scalar(select(func.count()).select_from(BidRow)) == 0
    said = canonical.decode(kept)["data"]
    assert said["arrived"] == answer.json()["params"]["arrived"]
    assert said["arrived"] >= said["deadline"]


async def test_who_begins_late_is_recorded_too(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, installation: Installation
) -> None:
    """A bidder who only begins to send after the deadline is refused, and the event keeps who came when."""
    who = await bidder(0)
    bid = await sealed(client, scene, who)
    await scene.pass_deadline()
    bodies = {envelope.kind.value: envelope.length for envelope in bid.manifest.envelopes}
    draft = {"bidder": bid.manifest.bidder, "bodies": bodies}
    answer = await client.post(f"/api/v1/lots/{scene.lot_id}/uploads", json=draft, headers=who.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "bid.late")
    async with installation.sessions() as session:
        kept = (await session.scalars(select(EventRow.body).where(EventRow.kind == "bid.refused"))).one()
    said = canonical.decode(kept)["data"]
    assert (said["bidder"], said["upload"]) == (bid.manifest.bidder, None)
    assert said["arrived"] == answer.json()["params"]["arrived"]


async def test_equal_submits_with_one_key_are_one(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, installation: Installation
) -> None:
    """A hundred equal requests with one idempotency key make one bid and get one answer."""
    who = await bidder(0)
    bid = await sealed(client, scene, who)
    body = finalise(await uploaded(client, scene, who, bid), bid)
    headers = who.headers | {"Idempotency-Key": "once"}

    async def send() -> httpx.Response:
        while True:
            answer = await client.post(f"/api/v1/lots/{scene.lot_id}/bids", json=body, headers=headers)
            if answer.status_code != 409 or answer.json()["code"] != "idempotency.in_flight":
                return answer
            await asyncio.sleep(0.02)

    answers = await asyncio.gather(*(send() for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    async with installation.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(BidRow)) == 1
    other = await client.post(
        f"/api/v1/lots/{scene.lot_id}/bids", json=body | {"signature": "00" * 64}, headers=headers
    )
    assert other.status_code == 422


async def test_nobody_else_learns_of_a_bid(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, someone: Make
) -> None:
    """Before the opening rivals, purchaser, staff, supervisors and public get what they would get without bids."""
    who = await bidder(0)
    bid = (await hand_in(client, scene, who)).json()
    others = [
        await bidder(1),
        await someone(Grant(Role.PURCHASER, actors.party(stage.PURCHASER))),
        await someone(Grant(Role.WITNESS, actors.site(stage.SITE))),
        await someone(Grant(Role.SUPERVISOR, actors.site(stage.SITE))),
    ]
    for headers in [other.headers for other in others] + [{}]:
        listed = await client.get(f"/api/v1/lots/{scene.lot_id}/bids", headers=headers)
        assert (listed.status_code, listed.json()) == (200, [])
        for path in ("", "/receipt.json", "/receipt.proof", "/files"):
            answer = await client.get(f"/api/v1/bids/{bid['id']}{path}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "bid.not_found")
        opening = await client.get(f"/api/v1/lots/{scene.lot_id}/openings/1", headers=headers)
        assert opening.status_code == 404
    own = await client.get(f"/api/v1/lots/{scene.lot_id}/bids", headers=who.headers)
    assert [one["id"] for one in own.json()] == [bid["id"]]


async def test_withdrawn_over_http(client: httpx.AsyncClient, scene: Scene, bidder: Make) -> None:
    """A signed withdrawal is answered with a receipt, which is served afterwards too."""
    who = await bidder(0)
    bid = (await hand_in(client, scene, who)).json()
    claim = json.loads(bid["receipt"]["json"])
    said = statement.write(
        WITHDRAWAL,
        who.device,
        lot=scene.lot_id,
        bid=UUID(bid["id"]),
        receipt=bytes.fromhex(bid["receipt"]["digest"]),
        deadline=parse(claim["event"]["data"]["deadline"]),
    )
    url = f"/api/v1/bids/{bid['id']}/withdrawal"
    answer = await client.post(url, json={"statement": said.decode()}, headers=who.headers)
    assert answer.status_code == 201, answer.text
    served = await client.get(f"{url}/receipt.json", headers=who.headers)
    assert served.text == answer.json()["json"]
    assert (await client.get(f"{url}/receipt.exe", headers=who.headers)).status_code == 404
    assert (await client.get(f"/api/v1/bids/{bid['id']}", headers=who.headers)).json()["state"] == "withdrawn"


async def test_an_opening_over_http(
    client: httpx.AsyncClient, scene: Scene, bidder: Make, someone: Make, installation: Installation
) -> None:
    """Three bids, an opening by two of three, a public record, and the files for who may read them."""
    people = [await bidder(number) for number in range(3)]
    bids = [(await hand_in(client, scene, who)).json() for who in people]
    witness = await someone(Grant(Role.WITNESS, actors.site(stage.SITE)))
    url = f"/api/v1/lots/{scene.lot_id}/openings/1"
    early = await client.post(url, headers=witness.headers)
    assert early.json()["code"] == "opening.too_early"
    await scene.pass_deadline()
    begun = await client.post(url, headers=witness.headers)
    assert (begun.status_code, begun.json()["state"]) == (201, "began"), begun.text
    assert (await client.get(f"{url}/request", headers=people[0].headers)).status_code == 404
    await jobs.sequence(installation)
    stamped = await client.get(f"{url}/request", headers=witness.headers)
    assert stamped.content == (await client.get(f"{url}/request", headers=witness.headers)).content
    for index in (2, 3):
        body = {"answer": scene.answer(stamped.content, index).decode()}
        given = await client.post(f"{url}/shares", json=body, headers=witness.headers)
        assert given.status_code == 200, given.text
    assert (given.json()["state"], given.json()["decided"]) == ("finished", 6)
    record = await client.get(f"{url}/record.json")
    assert [bid["bid"] for bid in record.json()["bids"]] == [bid["id"] for bid in bids]
    assert (await client.get(url)).json()["custodians"] == [2, 3]
    await openings.extract(installation, scene.lot_id, 1)
    assert (await client.get(f"/api/v1/bids/{bids[0]['id']}/files", headers=people[1].headers)).status_code == 404
    own = await client.get(f"/api/v1/bids/{bids[0]['id']}/files", headers=people[0].headers)
    assert (own.status_code, own.json()) == (200, [])
