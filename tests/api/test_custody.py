"""A custodian's part over the real API: three devices make keys, one lies, one comes back; the commands do the same."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from nacl.signing import SigningKey

from api import custody
from api.cli import key, main
from api.client import Client
from api.wiring import Installation
from bidding import custodian, keyfile
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from bidding.transcript import Transcript
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.bidding.ceremonies import draft_lot, place
from tests.bidding.docket import DEADLINE, docket
from tests.bidding.stage import PURCHASER, SITE
from tests.bidding.table import Table
from tests.bidding.test_keymaking import lying_deal

ENTROPY = SystemEntropy()
QUICK = Strength(memory=8 << 10, passes=1)
SIDES = (
    Grant(Role.WITNESS, actors.site(SITE)),
    Grant(Role.PURCHASER, actors.party(PURCHASER)),
    Grant(Role.SUPERVISOR, actors.site(SITE)),
)


class Device:
    """A custodian with a key file in memory and a client."""

    def __init__(self, app: Litestar, who: Any) -> None:
        """Connect."""
        token = who.headers["Authorization"].removeprefix("Bearer ")
        transport = httpx.ASGITransport(app)
        self.client = Client("http://ggzy.test", token=token, transport=transport)
        self.who = who
        self.keys = KeyFile({DEVICE_SEED: who.device.encode()})

    def again(self, app: Litestar) -> Client:
        """Return another client of the same person."""
        return Client("http://ggzy.test", token=self.client.token, transport=httpx.ASGITransport(app))

    def keep(self, name: str, value: bytes) -> None:
        """Put a secret into the key file."""
        self.keys = self.keys.with_secret(name, value)

    async def make(self, ceremony: UUID) -> Transcript:
        """Take part to the end."""
        setup = await custody.setup_of(self.client, ceremony)
        return await custody.make_keys(self.client, self.keys, setup, keep=self.keep, entropy=ENTROPY, pause=0.02)


@pytest.fixture
async def devices(
    app: Litestar, installation: Installation, someone: Callable[..., Awaitable[Any]]
) -> tuple[Device, ...]:
    """Three custodians, one of each side."""
    async with installation.sessions.begin() as session:
        await place(session)
    return tuple([Device(app, await someone(side, name=str(side.role))) for side in SIDES])


async def begin(devices: tuple[Device, ...], count: int = 2) -> UUID:
    """Begin a key making as the witness."""
    pairs = zip(devices, SIDES, strict=True)
    people = [{"user": str(one.who.actor.user_id), "role": str(side.role)} for one, side in pairs]
    told = {"site": SITE, "purchaser": PURCHASER, "threshold": 2, "count": count, "custodians": people}
    return UUID((await devices[0].client.post("/api/v1/ceremonies", told))["id"])


async def test_three_devices_make_keys(devices: tuple[Device, ...], installation: Installation) -> None:
    """All come to one transcript, each holds its shares, and a lot takes a key whose transcript is public."""
    ceremony = await begin(devices)
    assert [one["id"] for one in await devices[1].client.get("/api/v1/ceremonies")] == [str(ceremony)]
    made = await asyncio.gather(*(one.make(ceremony) for one in devices))
    assert made[0] == made[1] == made[2]
    assert all(f"shares:{made[0].hash.hex()}" in one.keys.secrets for one in devices)
    async with installation.sessions.begin() as session:
        lot = await draft_lot(session)
    taken = await devices[0].client.post(f"/api/v1/lots/{lot}/opening-key")
    assert taken["key"] == made[0].keys[0].key_hash.hex()
    assert taken == await devices[0].client.get(f"/api/v1/lots/{lot}/opening-key")
    anybody = Client("http://ggzy.test", transport=devices[0].client._http._transport)
    async with anybody:
        content = await anybody.get(f"/api/v1/transcripts/{made[0].hash.hex()}")
    assert content["setup"]["ceremony"] == str(ceremony)
    held, index, share = await custody.held(devices[2].client, devices[2].keys, made[0].hash, 1)
    assert (held, index, len(share)) == (made[0].keys[1], 3, 32)


async def test_a_device_that_stopped_goes_on(devices: tuple[Device, ...]) -> None:
    """Broken off after its deal, or called again after the end, a device comes to the same keys."""
    ceremony = await begin(devices, count=1)
    waiting = asyncio.create_task(devices[0].make(ceremony))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    made = await asyncio.gather(*(one.make(ceremony) for one in devices))
    assert await devices[0].make(ceremony) == made[0]


async def test_a_liar_is_complained_about(devices: tuple[Device, ...]) -> None:
    """The device that gets a bad share posts the evidence; all others learn who lied and keep nothing."""
    ceremony = await begin(devices)
    setup = await custody.setup_of(devices[0].client, ceremony)
    keys: tuple[SigningKey, ...] = tuple(one.who.device for one in devices)
    lie = lying_deal(Table(setup, keys, ENTROPY), 2, victim=3, lie="share")
    await devices[1].client.post(f"/api/v1/ceremonies/{ceremony}/deal", {"message": lie.decode()})
    outcomes = await asyncio.gather(devices[0].make(ceremony), devices[2].make(ceremony), return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, GgzyError)]
    assert [error.code for error in errors] == ["custody.aborted", "keymaking.bad_share"]
    assert (errors[0].params["blamed"], errors[1].params["dealer"]) == (2, 2)
    assert not [name for name in devices[2].keys.secrets if name.startswith("shares:")]
    found = await devices[1].client.get(f"/api/v1/ceremonies/{ceremony}")
    assert (found["state"], found["reason"], found["blamed"]) == ("aborted", "bad_share", 2)


async def test_refusals_come_with_words(devices: tuple[Device, ...], client: httpx.AsyncClient) -> None:
    """An unknown person, a ceremony of others, a lot without keys: problem documents with code and Chinese words."""
    people = [{"user": str(uuid4()), "role": "witness"}] * 3
    told = {"site": SITE, "purchaser": PURCHASER, "custodians": people}
    with pytest.raises(GgzyError, match=r"user\.not_found"):
        await devices[0].client.post("/api/v1/ceremonies", told)
    ceremony = await begin(devices)
    answer = await client.get(f"/api/v1/ceremonies/{ceremony}")
    assert (answer.status_code, answer.json()["code"]) == (404, "ceremony.not_found")
    assert "密钥制作" in answer.text
    answer = await client.get(f"/api/v1/transcripts/{'00' * 32}")
    assert (answer.status_code, answer.json()["code"]) == (404, "transcript.not_found")


def test_deadlines_are_remembered_and_never_go_back() -> None:
    """The key file keeps the newest deadline of each lot."""
    first, second = uuid4(), uuid4()
    later = DEADLINE.replace(year=2027)
    keys = KeyFile({})
    assert custody.newest_seen(keys, first) is None
    keys = custody.remember(custody.remember(keys, first, later), second, DEADLINE)
    keys = custody.remember(keys, first, DEADLINE)
    assert (custody.newest_seen(keys, first), custody.newest_seen(keys, second)) == (later, DEADLINE)


def test_one_request_is_answered_for_a_lot_and_stage() -> None:
    """The same request as often as asked; another one, with a bid that was left out of the first, never."""
    case = docket(2)
    first = custodian.examine(case.stamped(), case.key, case.pins, newest_seen=None)
    keys = custody.bind(KeyFile({}), first)
    assert custody.bind(keys, first) == keys
    case.receive(2)
    second = custodian.examine(case.stamped(), case.key, case.pins, newest_seen=None)
    with pytest.raises(GgzyError, match=r"custodian\.other_request"):
        custody.bind(keys, second)
    assert custody.bind(KeyFile({}), second) != keys


async def test_the_commands_enrol_and_make(
    app: Litestar,
    installation: Installation,
    someone: Callable[..., Awaitable[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`ggzy key enrol` proves possession of the file's key; `ggzy key make` shows its people and keeps shares."""
    async with installation.sessions.begin() as session:
        await place(session)
    everybody = tuple([Device(app, await someone(side, name=str(side.role))) for side in SIDES])
    files = [tmp_path / f"{number}.key" for number in range(3)]
    for one, path in zip(everybody, files, strict=True):
        made = keyfile.create(ENTROPY)
        keyfile.save(path, made, "口令", entropy=ENTROPY, strength=QUICK)
        await key._enrol(one.again(app), made)
        me = await one.client.get("/api/v1/me")
        assert me["device_key"] == bytes(made.signing_key().verify_key).hex()
    ceremony = await begin(everybody, count=1)
    pairs = zip(everybody, files, strict=True)
    parts = (key._make(one.again(app), ceremony, (path, "口令"), yes=True) for one, path in pairs)
    transcripts = await asyncio.gather(*parts)
    assert len({made.hash for made in transcripts}) == 1
    assert all(f"shares:{transcripts[0].hash.hex()}" in keyfile.load(path, "口令").secrets for path in files)
    told = capsys.readouterr().out
    assert "3 位保管人中须 2 位到场" in told
    assert "演练环境" in told


def test_the_command_makes_a_key_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ggzy key new` writes a protected file with a fingerprint to compare, and never overwrites one."""
    monkeypatch.setenv("GGZY_PASSPHRASE", "正确 的 口令")
    path = tmp_path / "device.key"
    with pytest.raises(SystemExit) as left:
        main(["key", "new", "--key", str(path)])
    assert left.value.code == 0
    assert "设备指纹" in capsys.readouterr().out
    assert len(keyfile.load(path, "正确 的 口令").secret(DEVICE_SEED)) == 32
    with pytest.raises(SystemExit) as left:
        main(["key", "new", "--key", str(path)])
    assert left.value.code == 1
    assert "keyfile.exists" in capsys.readouterr().err
