"""A draw from the participants' devices, against the real application: nonces in key files, time from the authority."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api import custody, drawing, jobs, sandbox
from api.cli import draw as command
from api.client import Client
from api.wiring import Installation
from archive.timestamp import new_authority_keys
from bidding import keyfile
from bidding.keyfile import BIDDER_SECRET, DEVICE_SEED, KeyFile, Strength
from experts import draws
from experts.draws import Conditions
from experts.rounds import Draw
from experts.verification import verify_draw
from kernel.actor import EVERYWHERE, Grant, Role, party, site
from kernel.clock import SystemClock
from kernel.database import now
from kernel.errors import GgzyError
from tests.api.test_open_share import custodian_client, key_file
from tests.bidding import stage
from tests.experts import cast
from tests.experts import scene as scenes

Make = Callable[..., Awaitable[Any]]
LIGHT = Strength(8 << 10, 1)
PASSPHRASE = "口令"
GRANTS = {
    "centre": Grant(Role.WITNESS, site(cast.SITE)),
    "purchaser": Grant(Role.PURCHASER, party(stage.PURCHASER)),
    "supervisor": Grant(Role.SUPERVISOR, site(cast.SITE)),
}


class Round:
    """A prepared round and its participants' devices."""

    def __init__(self, app: Litestar, installation: Installation, folder: Path, people: dict[str, Any]) -> None:
        """Keep what there is."""
        self.app, self.installation, self.folder, self.people = app, installation, folder, people
        self.draw: Draw

    def client(self, role: str) -> Client:
        """Return a participant's client."""
        token = self.people[role].headers["Authorization"].removeprefix("Bearer ")
        return Client("http://ggzy.test", token=token, transport=httpx.ASGITransport(self.app))

    def anonymous(self) -> Client:
        """Return nobody's client."""
        return Client("http://ggzy.test", transport=httpx.ASGITransport(self.app))

    def file(self, role: str) -> Path:
        """Return a participant's key file."""
        return self.folder / f"{role}.key"

    async def commit(self) -> None:
        """Let every device commit, and fix the seed."""
        for role, one in self.people.items():
            held = KeyFile({DEVICE_SEED: bytes(one.device), BIDDER_SECRET: bytes(32)})
            keyfile.save(self.file(role), held, PASSPHRASE, entropy=self.installation.entropy, strength=LIGHT)
            await command._commit(self.client(role), self.draw.id, role, self.file(role), PASSPHRASE)
        await jobs.sequence(self.installation)
        async with self.client("centre") as client:
            await client.post(f"/api/v1/draws/{self.draw.id}/seed", {})

    async def reveal(self, role: str) -> Any:
        """Let a device reveal."""
        return await command._reveal(self.client(role), self.draw.id, self.file(role), PASSPHRASE)

    async def recover(self, index: int, chain: bytes | None = None) -> int:
        """Let a custodian help."""
        client = await custodian_client(self.app, self.installation, index)
        authority = (custody.TSA, chain or self.installation.chain_pem)
        file = (key_file(self.folder, index), PASSPHRASE)
        return await command._recover(self.anonymous(), client, self.draw.id, authority, file)


@pytest.fixture
async def prepared(app: Litestar, installation: Installation, someone: Make, tmp_path: Path) -> Round:
    """A round whose sealed nonces are released after a minute."""
    async with installation.sessions.begin() as session:
        scene = await scenes.build(session)
    people = {role: await someone(grant) for role, grant in GRANTS.items()}
    made = Round(app, installation, tmp_path, people)
    async with installation.sessions.begin() as session:
        conditions = Conditions(scenes.QUOTAS, release_minutes=1)
        actor = people["centre"].actor
        made.draw = await draws.prepare(session, actor, scene.lot_id, conditions, entropy=installation.entropy)
    return made


async def test_participants_draw_from_their_devices(prepared: Round) -> None:
    """Commit, seal, fix and reveal over HTTP with key files; names stay codes; the transcript replays."""
    await prepared.commit()
    for role in GRANTS:
        answer = await prepared.reveal(role)
    assert answer["state"] == "drawn"
    assert answer["calls"] == {"invited": 5}
    await jobs.sequence(prepared.installation)
    async with prepared.client("supervisor") as client:
        data = await client.content(f"/api/v1/draws/{prepared.draw.id}/transcript")
    assert len(verify_draw(data, prepared.installation.signer.key)) == 12


async def test_calls_time_out_by_themselves(prepared: Round) -> None:
    """When a call's time has passed, the job lets it time out and calls the next; before, it changes nothing."""
    await prepared.commit()
    for role in GRANTS:
        await prepared.reveal(role)
    await jobs.expire_calls(prepared.installation)
    async with prepared.client("centre") as client:
        path = f"/api/v1/draws/{prepared.draw.id}"
        assert (await client.get(path))["calls"] == {"invited": 5}
        await _pass(prepared.installation, timedelta(minutes=31))
        await jobs.expire_calls(prepared.installation)
        assert (await client.get(path))["calls"] == {"invited": 5, "timed_out": 5}


async def test_a_commitment_is_made_once(prepared: Round) -> None:
    """A device that commits again after a lost answer has the same nonce in its key file."""
    await prepared.commit()
    name = f"draw-nonce:{prepared.draw.id}"
    before = keyfile.load(prepared.file("centre"), PASSPHRASE).secrets[name]
    with pytest.raises(GgzyError):
        await command._commit(
            prepared.client("centre"), prepared.draw.id, "centre", prepared.file("centre"), PASSPHRASE
        )
    assert keyfile.load(prepared.file("centre"), PASSPHRASE).secrets[name] == before


async def test_two_custodians_recover_a_withheld_nonce(prepared: Round) -> None:
    """After the release time, told by the time authority, two custodians' devices overrule who does not reveal."""
    await prepared.commit()
    await prepared.reveal("centre")
    await prepared.reveal("purchaser")
    await _pass(prepared.installation, timedelta(minutes=2))
    assert [await prepared.recover(index) for index in (1, 3)] == [1, 1]
    async with prepared.client("centre") as client:
        assert (await client.get(f"/api/v1/draws/{prepared.draw.id}"))["state"] == "drawn"


async def test_the_device_believes_no_time_but_the_pinned_authority(prepared: Round, tmp_path: Path) -> None:
    """A platform that shows nonces early gets no share; nor does one whose time another authority signs."""
    await prepared.commit()
    await _pass(prepared.installation, timedelta(minutes=2))
    new_authority_keys(tmp_path / "other", clock=SystemClock(), entropy=prepared.installation.entropy, sandbox=True)
    with pytest.raises(GgzyError, match=r"timestamp\."):
        await prepared.recover(1, (tmp_path / "other" / "chain.pem").read_bytes())
    async with prepared.anonymous() as client:
        told = await custody.trusted_time(
            client, prepared.installation.chain_pem, entropy=prepared.installation.entropy
        )
    held = keyfile.load(key_file(tmp_path, 2), PASSPHRASE)
    client = await custodian_client(prepared.app, prepared.installation, 2)
    early = told - timedelta(minutes=2)
    async with client:
        with pytest.raises(GgzyError, match=r"draw\.not_released"):
            await drawing.recover(
                client, prepared.draw.id, held, early, keep=held.with_secret, entropy=prepared.installation.entropy
            )


async def test_a_key_that_is_not_the_transcripts_is_refused(prepared: Round) -> None:
    """The device seals to a key that a transcript proves, or to none."""
    async with prepared.client("centre") as client:
        with pytest.raises(GgzyError, match=r"draw\.untrusted_key"):
            await drawing.opening_key(client, str(prepared.draw.lot_id), "00" * 32)


async def _pass(installation: Installation, span: timedelta) -> None:
    actor = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
    async with installation.sessions.begin() as session:
        moment = await now(session)
        await sandbox.advance(session, actor, moment + span, entropy=installation.entropy)
