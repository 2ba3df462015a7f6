"""The log over HTTP: an outsider checks it from what is served, a supervisor opens it, nobody else does."""

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api.wiring import Installation
from archive import event as events
from archive import merkle, note, proof, sequencer, tiles, timestamp, trail
from kernel.actor import SYSTEM, Grant, Role


@pytest.fixture
async def commitments(installation: Installation) -> list[bytes]:
    """Three hundred events in the log of the running application."""
    async with installation.sessions.begin() as session:
        made = [
            (
                await trail.record(
                    session, SYSTEM, "bid.received", {}, trade=UUID(int=n % 2), entropy=installation.entropy
                )
            ).commitment
            for n in range(300)
        ]
    await sequence(installation)
    return made


async def sequence(installation: Installation) -> None:
    """Run one batch now."""
    async with installation.sessions.begin() as session:
        await trail.sequence(session, installation.signer, entropy=installation.entropy)


async def test_an_outsider_checks_the_whole_log(
    client: httpx.AsyncClient, commitments: list[bytes], tmp_path: Path
) -> None:
    """What /log serves is a folder that verifies, and every event recorded is in it."""
    (tmp_path / "tile").mkdir()
    for name in ("vkey", "checkpoint"):
        (tmp_path / name).write_bytes((await client.get(f"/log/{name}")).content)
    size = int((tmp_path / "checkpoint").read_text().split("\n")[1])
    for tile in tiles.tiles_of(size):
        answer = await client.get(f"/log/{tiles.path(tile)}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        (tmp_path / tiles.path(tile)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / tiles.path(tile)).write_bytes(answer.content)
    assert proof.verify_log(tmp_path).size == size
    assert set(commitments) <= set(proof.read_commitments(tmp_path, size))


async def test_what_is_not_there(client: httpx.AsyncClient, commitments: list[bytes]) -> None:
    """Malformed paths are refused and absent things are not found."""
    for path, status in {
        "/log/tile/0/999": 404,
        "/log/tile/0/000.p/256": 422,
        "/log/tile/0/0": 422,
        "/log/tile/8/000": 422,
        "/log/tile/entries/x000/000": 422,
        "/api/v1/trail/999999/proof": 404,
        "/api/v1/trail/consistency?old=5&new=4": 422,
        "/api/v1/trail/consistency?old=5&new=999999": 404,
        "/api/v1/trail/999999": 404,
        "/api/v1/trail/-1": 400,
        "/api/v1/trail/99999999999999999999": 400,
    }.items():
        assert (await client.get(path)).status_code == status, path


async def test_proofs_are_for_everybody(client: httpx.AsyncClient, commitments: list[bytes]) -> None:
    """Anybody gets inclusion and consistency proofs; they show commitments only."""
    key = note.parse_key((await client.get("/log/vkey")).text.strip())
    bundle = (await client.get("/log/tile/entries/000")).content
    entry = tiles.split_entries(bundle, 256)[17]
    index, head = proof.verify_proof((await client.get("/api/v1/trail/17/proof")).text, entry, key)
    assert index == 17
    answer = (await client.get("/api/v1/trail/consistency", params={"old": 256, "new": head.size})).json()
    old = merkle.root([merkle.leaf_hash(leaf) for leaf in tiles.split_entries(bundle, 256)])
    merkle.verify_consistency(256, old, head.size, head.root, [base64.b64decode(h) for h in answer["hashes"]])


async def test_supervisors_read_the_trail_page_by_page(
    client: httpx.AsyncClient, commitments: list[bytes], someone: Callable[..., Awaitable[Any]]
) -> None:
    """Filters narrow, the index is the cursor, and each opening opens its commitment."""
    headers = (await someone(Grant(Role.SUPERVISOR, "*"))).headers
    found: list[bytes] = []
    query: dict[str, str | int] = {"trade": str(UUID(int=1)), "kind": "bid.received", "limit": 60}
    while True:
        page = (await client.get("/api/v1/trail", params=query, headers=headers)).json()
        for entry in page["entries"]:
            opening = trail.Opening(
                entry["event"].encode(), bytes.fromhex(entry["salt"]), bytes.fromhex(entry["commitment"])
            )
            assert events.verify(opening).trade == UUID(int=1)
            found.append(opening.commitment)
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found == commitments[1::2]
    for wrong, code in (("limit=5000", "trail.wrong_page"), ("since=2026-11-21T00:00:00", "trail.wrong_time")):
        assert (await client.get(f"/api/v1/trail?{wrong}", headers=headers)).json()["code"] == code
    for none in ("since=2100-01-01T00:00:00Z", "until=2000-01-01T00:00:00Z", f"by={UUID(int=9)}", "before=0"):
        assert (await client.get(f"/api/v1/trail?{none}", headers=headers)).json()["entries"] == []


async def test_nobody_else_opens_anything(
    client: httpx.AsyncClient, commitments: list[bytes], someone: Callable[..., Awaitable[Any]]
) -> None:
    """To the public and to other roles the trail and its closed entries do not exist."""
    staff = (await someone(Grant(Role.WITNESS, "site:152502"), Grant(Role.ARCHIVIST, "site:152502"))).headers
    for headers in ({}, staff):
        assert (await client.get("/api/v1/trail", headers=headers)).status_code == 404
        assert (await client.get("/api/v1/trail/17", headers=headers)).status_code == 404
    supervisor = (await someone(Grant(Role.SUPERVISOR, "*"))).headers
    bundle = tiles.split_entries((await client.get("/log/tile/entries/000")).content, 256)
    at = next(index for index, commitment in enumerate(bundle) if commitment == commitments[17])
    assert (await client.get(f"/api/v1/trail/{at}", headers=supervisor)).json()["index"] == at


async def test_the_newest_stamp_covers_its_checkpoint(
    client: httpx.AsyncClient, commitments: list[bytes], installation: Installation
) -> None:
    """The token that is served verifies over the checkpoint that is served with it."""
    async with installation.sessions.begin() as session:
        await sequencer.stamp(session, installation.authority)
    served = (await client.get("/api/v1/trail/stamp")).json()
    digest = sequencer.stamped_digest(served["checkpoint"])
    timestamp.verify(base64.b64decode(served["response"]), digest, installation.chain_pem)


async def test_what_the_log_does_not_have_leaves_no_trace(
    client: httpx.AsyncClient, installation: Installation, commitments: list[bytes]
) -> None:
    """A crawler that asks for tiles to come adds nothing to the log."""
    for place in ("0/999", "0/x999/999", "8/000"):
        assert (await client.get(f"/log/tile/{place}")).status_code in {404, 422}
    async with installation.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM event WHERE kind = 'request.refused'")) == 0


async def test_who_is_refused_at_a_bid_is_not_shown(
    client: httpx.AsyncClient, installation: Installation, someone: Callable[..., Awaitable[Any]]
) -> None:
    """A bidder's refusal under /bids or /uploads is in the log, and supervisors cannot open it."""
    bidder = (await someone(Grant(Role.BIDDER, "party:91152502MA0N7E8T0X"))).headers
    for path in (f"/api/v1/bids/{UUID(int=3)}", f"/api/v1/uploads/{UUID(int=3)}", f"/api/v1/draws/{UUID(int=3)}"):
        assert (await client.get(path, headers=bidder)).status_code == 404
    await sequence(installation)
    supervisor = (await someone(Grant(Role.SUPERVISOR, "*"))).headers
    entries = (await client.get("/api/v1/trail", headers=supervisor)).json()["entries"]
    refused = [entry["event"] for entry in entries if "refused" in entry["event"]]
    assert len(refused) == 1
    assert "/draws/" in refused[0]
