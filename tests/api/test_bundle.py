"""What browsers are served is in the log: hashed, published once a change, and provable to anybody."""

import hashlib
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from api import bundle, jobs
from api.web import assets
from api.wiring import Installation
from archive import note, proof
from archive.event import commit
from kernel import canonical

Events = Callable[[str], Awaitable[list[bytes]]]


async def test_what_is_served_is_what_was_published(
    installation: Installation, client: httpx.AsyncClient, events: Events
) -> None:
    """Every file that a page may load is in the manifest with the hash of its bytes; a second start adds nothing."""
    await bundle.publish(installation)
    await bundle.publish(installation)
    assert len(await events("client.published")) == 1
    told = (await client.get("/client.json")).json()
    files = assets.load(installation.settings.node_modules, installation.settings.seal_colour)
    for path, digest in told["files"].items():
        sent = await client.get(files.url(path))
        assert hashlib.sha256(sent.content).hexdigest() == digest, path
    assert set(told["files"]) == set(files.files)
    lines = (await client.get("/client.sha256")).text
    assert hashlib.sha256(lines.encode()).hexdigest() == told["manifest"]
    assert files.url("site.css").split("/")[2] == told["manifest"][:16]


async def test_a_stranger_finds_it_in_the_log(installation: Installation, client: httpx.AsyncClient) -> None:
    """From client.json and client.proof alone the entry is proven under the pinned key of the log."""
    await bundle.publish(installation)
    await jobs.sequence(installation)
    content = (await client.get("/client.json")).content
    told = canonical.decode(content)
    assert canonical.encode(told) == content
    commitment = commit(canonical.encode(told["event"]), bytes.fromhex(told["salt"]))
    key = note.parse_key(installation.signer.vkey)
    _, head = proof.verify_proof((await client.get("/client.proof")).content, commitment, key)
    assert head.origin == told["log"]
    assert (told["event"]["kind"], told["event"]["data"]["manifest"]) == ("client.published", told["manifest"])


async def test_a_changed_file_is_a_new_release(
    installation: Installation, client: httpx.AsyncClient, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed byte is published before it is served; what was before stays to be found."""
    await bundle.publish(installation)
    before = (await client.get("/client.json")).json()
    files = assets.load(installation.settings.node_modules, installation.settings.seal_colour)
    changed = assets.Assets(files.files | {"site.css": assets.Asset(b"/* other */", "text/css", None)})
    monkeypatch.setattr(assets, "load", lambda *_: changed)
    await bundle.publish(installation)
    assert [json.loads(body)["data"]["manifest"] for body in await events("client.published")] == [
        before["manifest"], hashlib.sha256(changed.listing.encode()).hexdigest(),
    ]  # fmt: skip
    earlier = await client.get("/client.sha256", params={"release": before["manifest"][:16]})
    assert hashlib.sha256(earlier.content).hexdigest() == before["manifest"]
    unknown = await client.get("/client.sha256", params={"release": "0" * 16})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "client.not_found")


async def test_releases_stay_on_record(installation: Installation) -> None:
    """What was published is not rewritten."""
    await bundle.publish(installation)
    for statement in ("UPDATE client_release SET manifest = ''", "DELETE FROM client_release"):
        async with installation.sessions() as session:
            with pytest.raises(IntegrityError, match="never removed"):
                await session.execute(text(statement))
