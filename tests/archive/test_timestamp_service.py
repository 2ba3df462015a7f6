"""The routes of the archive: the time authority for everybody, packages for those who may read them."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.jobs import sequence
from api.wiring import Installation
from archive import receipt as receipts
from archive import trail
from archive.package import Item, service, tar, verify
from archive.package.service import Desk
from archive.recipe import Pins
from kernel.actor import SYSTEM, Grant, Role, site
from tests.archive.filing import FACTS, TRADE, give

QUERY = {"Content-Type": "application/timestamp-query"}


async def test_openssl_gets_its_query_answered_over_http(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """What OpenSSL asks at /tsa comes back as a token that OpenSSL accepts under the published chain."""
    (tmp_path / "document").write_bytes(b"a document")
    await openssl(tmp_path, "-query", "-data", "document", "-sha256", "-cert", "-out", "query")
    answer = await client.post("/tsa", content=(tmp_path / "query").read_bytes(), headers=QUERY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/timestamp-reply")
    (tmp_path / "reply").write_bytes(answer.content)
    (tmp_path / "chain.pem").write_text((await client.get("/tsa/chain.pem")).text)
    await openssl(tmp_path, "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "chain.pem")


@pytest.mark.parametrize(
    ("content", "kind"), [(b"x", "text/plain"), (bytes(5000), "application/timestamp-query")], ids=["type", "size"]
)
async def test_other_requests_are_refused(client: httpx.AsyncClient, content: bytes, kind: str) -> None:
    """Another content type and an oversized body get a stable code."""
    answer = await client.post("/tsa", content=content, headers={"Content-Type": kind})
    assert answer.status_code in {400, 413, 422}
    assert answer.json()["code"] == "timestamp.bad_query"


async def test_garbage_gets_the_protocols_own_rejection(client: httpx.AsyncClient) -> None:
    """What is no request is answered within the protocol (RFC 3161 2.4.2), not by an error of HTTP."""
    answer = await client.post("/tsa", content=b"\x30\x03\x02\x01\x01", headers=QUERY)
    assert answer.status_code == 200
    assert answer.content[4:7] == b"\x02\x01\x02"


async def test_a_filed_package_is_downloaded_by_those_who_may(
    client: httpx.AsyncClient, installation: Installation, someone: Callable[..., Awaitable[Any]], tmp_path: Path
) -> None:
    """The archivist and the supervisor of the site get the tar and its receipt; for others it does not exist."""
    desk = Desk(
        installation.store,
        installation.authority,
        installation.chain_pem,
        installation.signer,
        installation.entropy,
        tmp_path / "scratch",
    )
    async with installation.sessions.begin() as session:
        await trail.record(session, SYSTEM, "notice.published", {}, trade=TRADE, entropy=installation.entropy)
    await sequence(installation)
    async with installation.sessions.begin() as session:
        items = give([Item("notices/a.txt", "notice", "公告", b"x")])
        gathered = await service.gather(session, TRADE, items, desk)
        packed = await service.stow(TRADE, await service.pack(FACTS, gathered, required=(), desk=desk), desk)
        filed = await service.complete(session, SYSTEM, FACTS, packed, desk)
    await sequence(installation)
    supervisor = await someone(Grant(Role.SUPERVISOR, site(FACTS.site)))
    path = f"/api/v1/tenders/{TRADE}/archive"
    assert (await client.get(path, headers=supervisor.headers)).json()["digest"] == filed.digest.hex()
    packed = await client.get(f"{path}/package.tar", headers=supervisor.headers)
    (tmp_path / "p.tar").write_bytes(packed.content)
    folder = await asyncio.to_thread(tar.unpack, tmp_path / "p.tar", tmp_path / "unpacked")
    holding, _ = verify(folder, Pins(installation.signer.vkey, installation.chain_pem))
    answers = [await client.get(f"{path}/receipt.{s}", headers=supervisor.headers) for s in RECEIPT]
    assert [answer.headers["content-type"].partition(";")[0] for answer in answers] == list(RECEIPT.values())
    parts = [answer.content for answer in answers]
    told, steps = receipts.verify(receipts.Files(*parts), installation.chain_pem, installation.signer.key)
    assert (told.event.kind, steps[-1].name) == ("trade.archived", "inclusion")
    assert holding.check_receipt(told).name == "filed"
    assert sha256(parts[0]).hexdigest() == parts[1].decode().strip()
    bidder = await someone(Grant(Role.SUPERVISOR, site("152527")))
    for hidden in (path, f"{path}/package.tar", f"{path}/receipt.json"):
        for headers in (bidder.headers, {}):
            assert (await client.get(hidden, headers=headers)).status_code == 404


RECEIPT = {
    "json": "application/json",
    "digest": "text/plain",
    "tsr": "application/timestamp-reply",
    "proof": "text/plain",
}


async def openssl(folder: Path, *arguments: str) -> None:
    """Run `openssl ts` in a folder; a non-zero exit fails the test."""
    command = ["openssl", "ts", *arguments]
    await asyncio.to_thread(subprocess.run, command, cwd=folder, check=True, capture_output=True)
