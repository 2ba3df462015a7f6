"""`ggzy open-share` against the real application: checks first, shows in Chinese, remembers, then answers."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from api import custody, sandbox
from api.accounts import credentials, devices, services
from api.cli import open_share
from api.client import Client
from api.wiring import Installation
from archive import timestamp
from archive.note import new_signer
from bidding import keyfile, opening_request, quorum
from bidding.custodian import Pins
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from kernel.actor import EVERYWHERE, SYSTEM, Role
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.bidding import docket, stage
from tests.bidding import scene as scenes
from tests.bidding.scene import Scene
from tests.conftest import ASSURED
from trading import lots

ENTROPY = SystemEntropy()
PASSPHRASE = "口令"
QUICK = Strength(memory=8 << 10, passes=1)


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """A lot that is announced, with three bids."""
    scene = await scenes.prepare(installation, tmp_path)
    for number in range(3):
        await scene.hand_in(number)
    return scene


async def custodian_client(app: Litestar, installation: Installation, index: int) -> Client:
    """Sign a custodian of the stage in, whose own device is enrolled."""
    device = stage.custodians().people[index - 1].device
    async with installation.sessions.begin() as session:
        user = await services.add(session, SYSTEM, f"custodian{index}", "保管人", "!", entropy=ENTROPY)
        actor = await services.actor(session, user.id, proven=True)
        asked = await devices.challenge(session, actor, assurance=ASSURED, entropy=ENTROPY)
        public = bytes(device.verify_key)
        proof = device.sign(devices.statement(user.id, asked.challenge, public)).signature
        await devices.enrol(session, actor, public, asked.challenge, proof, assurance=ASSURED, entropy=ENTROPY)
        token = await credentials.issue(session, actor, "token", "test", entropy=ENTROPY, proof="test")
    return Client("http://ggzy.test", token=token.secret, transport=httpx.ASGITransport(app))


def key_file(folder: Path, index: int) -> Path:
    """Write a custodian's key file as `ggzy key make` leaves it."""
    made = stage.custodians()
    secrets = {
        DEVICE_SEED: made.people[index - 1].device.encode(),
        f"shares:{made.key.transcript.hex()}": bytes([index]) + made.shares[index],
    }
    path = folder / f"custodian-{index}.key"
    keyfile.save(path, KeyFile(secrets), PASSPHRASE, entropy=ENTROPY, strength=QUICK)
    return path


def pins(scene: Scene) -> Pins:
    """What the custodians pinned beforehand."""
    return custody.pins(scene.installation.chain_pem, f"{scene.installation.signer.vkey}\n")


async def test_two_custodians_open_a_lot(
    app: Litestar, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second answer opens the bids; each device said what it was doing and remembers the deadline."""
    await scene.pass_deadline()
    await scene.begin()
    await scene.sequence()
    for index in (1, 3):
        path = key_file(tmp_path, index)
        client = await custodian_client(app, scene.installation, index)
        given = await open_share._help_open(client, scene.lot_id, 1, pins(scene), (path, PASSPHRASE), yes=True)
        assert given == 6
        told = capsys.readouterr().out
        assert "将要开启" in told
        assert f"第 {index} 位保管人" in told
        kept = custody.newest_seen(keyfile.load(path, PASSPHRASE), scene.lot_id)
        assert kept is not None
    assert (await scene.proceed()).state == "finished"


async def test_nothing_is_given_before_the_deadline(app: Litestar, scene: Scene, tmp_path: Path) -> None:
    """The platform itself refuses a request that comes early; nothing is written to the key file."""
    path = key_file(tmp_path, 1)
    before = path.read_bytes()
    client = await custodian_client(app, scene.installation, 1)
    with pytest.raises(GgzyError, match=r"shares\.too_early"):
        await open_share._help_open(client, scene.lot_id, 1, pins(scene), (path, PASSPHRASE), yes=True)
    assert path.read_bytes() == before


async def test_an_authority_that_is_behind_spoils_no_request(scene: Scene) -> None:
    """A request made at the very deadline has a token that devices take, although the authority is behind."""
    async with scene.installation.sessions.begin() as session:
        deadline = (await lots.facts(session, scene.lot_id)).deadline
        assert deadline is not None
        admin = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
        await sandbox.advance(session, admin, deadline, entropy=ENTROPY)
    await scene.begin()
    await scene.sequence()

    class Behind:
        async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
            slow = at - timedelta(seconds=0.9)
            return await docket.authority(slow).stamp(digest, at=slow)

    who = stage.custodians().people[0].actor
    async with scene.installation.sessions.begin() as session:
        stamped = await quorum.request(session, who, scene.lot_id, 1, authority=Behind())
    content, token = opening_request.unstamp(stamped)
    chain = docket.authority(deadline).chain_pem
    assert timestamp.verify(token, opening_request.digest(content), chain) >= deadline


async def test_wrong_pins_and_foreign_key_files_give_nothing(app: Litestar, scene: Scene, tmp_path: Path) -> None:
    """Another log key than the platform's, or a key file without a share of this key: refused on the device."""
    await scene.pass_deadline()
    await scene.begin()
    await scene.sequence()
    path = key_file(tmp_path, 2)
    wrong = custody.pins(scene.installation.chain_pem, new_signer(scene.installation.signer.name, ENTROPY)[0].vkey)
    client = await custodian_client(app, scene.installation, 2)
    async with client:
        with pytest.raises(GgzyError, match=r"custodian\.not_in_log"):
            await custody.ask(client, keyfile.load(path, PASSPHRASE), scene.lot_id, 1, wrong)
        foreign = KeyFile({DEVICE_SEED: bytes(32)})
        with pytest.raises(GgzyError, match=r"custody\.no_share"):
            await custody.ask(client, foreign, scene.lot_id, 1, pins(scene))
