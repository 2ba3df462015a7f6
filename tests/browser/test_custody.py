"""Custodians in the browser: keys made by clicks on three devices, shares given, refusals on the device."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from nacl.signing import SigningKey
from playwright.async_api import Page, Route, expect
from sqlalchemy import select

from api import custody, jobs, sandbox
from api.accounts import devices, services
from api.client import Client
from api.wiring import Installation
from archive.note import new_signer
from archive.timestamp import LocalAuthority
from bidding import keyfile, opening_request
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from bidding.keymaking_tables import CeremonyRow, CustodianRow
from experts import draws
from experts.draws import Conditions
from kernel import actor as actors
from kernel import canonical
from kernel.actor import EVERYWHERE, SYSTEM, Grant, Role
from kernel.clock import FixedClock
from kernel.database import now
from kernel.entropy import SystemEntropy
from tests.api import test_open_share
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.ceremonies import place
from tests.bidding.scene import Scene
from tests.bidding.stage import PURCHASER, SITE
from tests.bidding.table import Table
from tests.bidding.test_keymaking import lying_deal
from tests.browser.conftest import DESK, PHONE, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.conftest import ASSURED, Someone
from tests.experts import scene as draw_scenes

ENTROPY = SystemEntropy()
PASSPHRASE = "三月的 口令"
QUICK = Strength(memory=8 << 10, passes=1)
SIDES = (
    Grant(Role.WITNESS, actors.site(SITE)),
    Grant(Role.PURCHASER, actors.party(PURCHASER)),
    Grant(Role.SUPERVISOR, actors.site(SITE)),
)
NAMES = ("哈斯", "王芳", "李强")
LONG = 60_000


@dataclass
class Custodian:
    """Somebody with a key file on disk and a browser of their own."""

    who: Someone
    file: Path
    page: Page

    async def unlock(self, passphrase: str = PASSPHRASE, *, kept: bool = False) -> None:
        """Select the key file, unless the browser keeps it, and give its passphrase."""
        await expect(self.page.locator("#unlock")).to_be_visible()
        if not kept:
            await self.page.set_input_files("#keyfile", self.file)
        await self.page.fill("#passphrase", passphrase)
        await self.page.click("#unlock button")
        await expect(self.page.locator("#unlocked")).to_be_visible(timeout=LONG)

    async def take_part(self, ceremony: str) -> None:
        """Compare fingerprints and deal."""
        await self.page.goto(f"/custody/ceremonies/{ceremony}")
        await self.unlock()
        await expect(self.page.locator("#people tr")).to_have_count(3)
        await self.page.check("#compared")
        await self.page.click("#compare button")

    async def back_up(self) -> None:
        """Save the key file with the shares and select it again."""
        await expect(self.page.locator("#backup")).to_be_visible(timeout=LONG)
        async with self.page.expect_download() as waiting:
            await self.page.click("#save")
        saved = await waiting.value
        self.file = self.file.with_name(f"saved-{self.file.name}")
        await saved.save_as(self.file)
        await self.page.set_input_files("#saved", self.file)


def key_file(folder: Path, number: int, who: Someone) -> Path:
    """Write a person's key file as `ggzy key new` does."""
    path = folder / f"custodian-{number}.key"
    keyfile.save(path, KeyFile({DEVICE_SEED: bytes(who.device)}), PASSPHRASE, entropy=ENTROPY, strength=QUICK)
    return path


@pytest.fixture
async def custodians(
    site: Site, visit: Visit, someone: Callable[..., Awaitable[Someone]], tmp_path: Path
) -> tuple[Custodian, ...]:
    """One custodian of each side, each in a browser of their own."""
    async with site.installation.sessions.begin() as session:
        await place(session)
    made = []
    for number, (side, name) in enumerate(zip(SIDES, NAMES, strict=True), start=1):
        who = await someone(side, name=name)
        size = PHONE if number == len(SIDES) else DESK
        made.append(Custodian(who, key_file(tmp_path, number, who), await visit(who, size)))
    return tuple(made)


async def begin(witness: Page, count: int = 2) -> str:
    """Begin a key making by clicks, and return its id."""
    await witness.goto("/custody")
    await witness.click("text=发起密钥制作")
    await witness.fill("#purchaser", PURCHASER)
    await witness.click("main form button")
    await axe(witness)
    await shot(witness, "custody-begin")
    for box in await witness.locator("input[name=people]").all():
        await box.check()
    await witness.fill("#count", str(count))
    await witness.click("main form button")
    await expect(witness.locator("h1")).to_contain_text(f"{count} 把")
    return witness.url.split("/")[-1].split("?")[0]


@pytest.fixture
async def scene(site: Site, tmp_path: Path) -> Scene:
    """A lot whose deadline has passed, with three bids that Python sealed; its opening has begun."""
    made = await scenes.prepare(site.installation, tmp_path)
    for number in range(3):
        await made.hand_in(number)
    await made.pass_deadline()
    await made.begin()
    return made


async def holder(site: Site, visit: Visit, folder: Path, index: int, size: tuple[int, int] = DESK) -> Custodian:
    """Return a custodian of the scene's key in a browser of their own, whose device made the key with Python."""
    person = stage.custodians().people[index - 1]
    who = await enrolled(site.installation, person.device, NAMES[index - 1], SIDES[index - 1])
    async with site.installation.sessions.begin() as session:
        ceremony = (await session.scalars(select(CeremonyRow.id))).one()
        own = {"user_id": who.actor.user_id, "device_key": bytes(person.device.verify_key)}
        session.add(CustodianRow(ceremony_id=ceremony, number=index, role=str(SIDES[index - 1].role), **own))
    return Custodian(who, test_open_share.key_file(folder, index), await visit(who, size))


async def enrolled(installation: Installation, device: SigningKey, name: str, grant: Grant) -> Someone:
    """Make an account whose device key is this one."""
    async with installation.sessions.begin() as session:
        user = await services.add(session, SYSTEM, f"u{ENTROPY.token(6).hex()}", name, "!", entropy=ENTROPY)
        await services.give(session, SYSTEM, user.id, grant.role, grant.scope, entropy=ENTROPY)
        actor = await services.actor(session, user.id, proven=True)
        asked = await devices.challenge(session, actor, assurance=ASSURED, entropy=ENTROPY)
        public = bytes(device.verify_key)
        proof = device.sign(devices.statement(user.id, asked.challenge, public)).signature
        await devices.enrol(session, actor, public, asked.challenge, proof, assurance=ASSURED, entropy=ENTROPY)
        return Someone(await services.actor(session, user.id, proven=True), {}, device)


async def test_three_browsers_make_keys(custodians: tuple[Custodian, ...], site: Site) -> None:
    """A batch of keys by clicks: fingerprints compared, deals, backups proven, and every device holds its shares."""
    ceremony = await begin(custodians[0].page)
    for one in custodians:
        await one.take_part(ceremony)
    for one in custodians:
        await expect(one.page.locator("#backup")).to_be_visible(timeout=LONG)
        await axe(one.page)
        await no_sideways_scrolling(one.page)
    await shot(custodians[2].page, "custody-backup")
    for one in custodians:
        await one.back_up()
    for one in custodians:
        await expect(one.page.locator("#finished")).to_be_visible(timeout=LONG)
    hashed = await custodians[2].page.locator("#hash").text_content()
    for number, one in enumerate(custodians, start=1):
        kept = keyfile.load(one.file, PASSPHRASE)
        assert custody.share_of(kept, bytes.fromhex(hashed or ""), 1)[0] == number
    await shot(custodians[0].page, "custody-made")
    page = custodians[2].page
    for path, name in (("/custody", "custody-home"), ("/custody/about", "custody-about")):
        await page.goto(path)
        await axe(page)
        await no_sideways_scrolling(page)
        await shot(page, name)


async def test_two_browsers_open_a_lot(scene: Scene, site: Site, visit: Visit, tmp_path: Path) -> None:
    """Each device shows its checks and every bid before its one button; the second answer opens the bids."""
    for index, size in ((1, DESK), (3, PHONE)):
        one = await holder(site, visit, tmp_path, index, size)
        await one.page.goto("/custody")
        await one.page.click("text=一标段")
        await one.unlock("口令")
        await one.page.check("#pinned")
        await one.page.click("#pins button")
        await expect(one.page.locator("#give")).to_be_visible(timeout=LONG)
        await expect(one.page.locator(".checks .passed:visible")).to_have_count(7)
        await expect(one.page.locator("#bids tr")).to_have_count(3)
        await axe(one.page)
        await no_sideways_scrolling(one.page)
        await shot(one.page, f"custody-give-{size[0]}")
        await one.page.click("#give button")
        await expect(one.page.locator("#finished")).to_be_visible(timeout=LONG)
        await expect(one.page.locator("#given")).to_contain_text("给出 6 个信封的份额，拒绝 0 个")
    assert (await scene.record())["stage"] == 1
    await one.page.goto("/custody")
    await expect(one.page.locator("main")).to_contain_text("目前没有等待您给出份额的开标")


async def test_the_device_refuses_an_early_request_and_another_transcript(
    scene: Scene, site: Site, visit: Visit, watch: Watch, tmp_path: Path
) -> None:
    """A token from before the deadline, a changed transcript, another key of the log: nothing can be given."""
    one = await holder(site, visit, tmp_path, 1)
    place = f"/custody/openings/{scene.lot_id}/1"
    early = await early_request(scene, site.installation)
    await one.page.route("**/openings/1/request", lambda route: route.fulfill(body=early))
    await one.page.goto(place)
    await one.unlock("口令")
    await one.page.check("#pinned")
    await one.page.click("#pins button")
    await expect(one.page.locator("#trouble")).to_contain_text("custodian.too_early")
    await expect(one.page.locator("#trouble")).not_to_contain_text("Z")
    await expect(one.page.locator('[data-step="4"] .failed')).to_be_visible()
    await expect(one.page.locator("#give")).to_be_hidden()
    await shot(one.page, "custody-refused")

    async def twisted(route: Route) -> None:
        answer = await route.fetch()
        told = json.loads(await answer.body())
        told["deals"][0]["digest"] = "00" * 32
        await route.fulfill(body=canonical.encode(told))

    await one.page.unroute("**/openings/1/request")
    await one.page.route("**/api/v1/transcripts/*", twisted)
    await one.page.goto(place)
    await one.unlock("口令", kept=True)
    await expect(one.page.locator("#trouble")).to_contain_text("keymaking.bad_signature")

    async def other_log(route: Route) -> None:
        told = await (await route.fetch()).json()
        other = new_signer(site.installation.signer.name, ENTROPY)[0].vkey
        await route.fulfill(json={**told, "log_vkey": other})

    await one.page.route("**/api/v1/installation", other_log)
    await one.page.goto(place)
    await one.unlock("口令", kept=True)
    await expect(one.page.locator("#trouble")).to_contain_text("page.pins_changed")
    await expect(one.page.locator("#give")).to_be_hidden()


async def early_request(scene: Scene, installation: Installation) -> bytes:
    """Return the server's request with a token of a minute before the deadline."""
    content, _ = opening_request.unstamp(await scene.request())
    deadline = opening_request.parse(content).closes_at
    moment = deadline - timedelta(minutes=1)
    folder = installation.settings.data_dir / "tsa"
    authority = LocalAuthority.load(folder, clock=FixedClock(moment), entropy=ENTROPY)
    return opening_request.stamp(content, await authority.stamp(opening_request.digest(content), at=moment))


async def test_a_browser_and_the_command_line_make_keys_together(custodians: tuple[Custodian, ...], site: Site) -> None:
    """Two custodians in browsers, the third by what `ggzy key make` runs: one transcript."""
    ceremony = await begin(custodians[0].page, count=1)
    third = custodians[2]
    held = keyfile.load(third.file, PASSPHRASE)

    def keep(name: str, value: bytes) -> None:
        keyfile.add(third.file, PASSPHRASE, name, value, entropy=ENTROPY)

    token = third.who.headers["Authorization"].removeprefix("Bearer ")
    async with Client(site.url, token=token) as client:
        setup = await custody.setup_of(client, UUID(ceremony))
        making = asyncio.create_task(custody.make_keys(client, held, setup, keep=keep, entropy=ENTROPY, pause=0.3))
        for one in custodians[:2]:
            await one.take_part(ceremony)
        for one in custodians[:2]:
            await one.back_up()
        made = await making
    for one in custodians[:2]:
        await expect(one.page.locator("#hash")).to_have_text(made.hash.hex(), timeout=LONG)


async def test_a_liar_is_found_out_in_the_browser(custodians: tuple[Custodian, ...], site: Site) -> None:
    """Who gets a share that does not fit complains with evidence by itself; everybody is told who lied."""
    ceremony = await begin(custodians[0].page, count=1)
    token = custodians[1].who.headers["Authorization"].removeprefix("Bearer ")
    async with Client(site.url, token=token) as client:
        setup = await custody.setup_of(client, UUID(ceremony))
        table = Table(setup, tuple(one.who.device for one in custodians), ENTROPY)
        lie = lying_deal(table, 2, victim=3, lie="share")
        await client.post(f"/api/v1/ceremonies/{ceremony}/deal", {"message": lie.decode()})
    await custodians[2].take_part(ceremony)
    await custodians[0].take_part(ceremony)
    await expect(custodians[2].page.locator("#trouble")).to_contain_text("第 2 位保管人", timeout=LONG)
    await expect(custodians[0].page.locator("#progress")).to_contain_text("第 2 位保管人的设备出了问题", timeout=LONG)


async def test_a_custodian_comes_back(custodians: tuple[Custodian, ...]) -> None:
    """Closed after the deal, opened again: the device goes on; an old copy of the file proves no backup."""
    ceremony = await begin(custodians[0].page, count=1)
    first = custodians[0]
    await first.take_part(ceremony)
    await expect(first.page.locator("#doing")).to_contain_text("等待其他保管人")
    old = first.file
    for one in custodians[1:]:
        await one.take_part(ceremony)
    await first.page.reload()
    await first.unlock(kept=True)
    await expect(first.page.locator("#backup")).to_be_visible(timeout=LONG)
    await first.page.set_input_files("#saved", old)
    await expect(first.page.locator("#trouble")).to_contain_text("custody.bad_backup")
    for one in custodians:
        await one.back_up()
    await expect(first.page.locator("#finished")).to_be_visible(timeout=LONG)


async def test_nonces_of_a_draw(site: Site, visit: Visit, tmp_path: Path) -> None:
    """Committed to and revealed by clicks; a withheld one is opened by two custodians' browsers after its time."""
    installation = site.installation
    async with installation.sessions.begin() as session:
        scene = await draw_scenes.build(session)
    people: dict[str, Custodian] = {}
    for role, grant in zip(("centre", "purchaser", "supervisor"), SIDES, strict=True):
        who = await enrolled(installation, SigningKey.generate(), role, grant)
        people[role] = Custodian(who, key_file(tmp_path, len(people) + 1, who), await visit(who))
    async with installation.sessions.begin() as session:
        asked = Conditions(draw_scenes.QUOTAS, release_minutes=1)
        made = await draws.prepare(session, people["centre"].who.actor, scene.lot_id, asked, entropy=ENTROPY)
    for one in people.values():
        await step(one, made.id, "commit")
    await jobs.sequence(installation)
    async with installation.sessions.begin() as session:
        await draws.fix(session, people["centre"].who.actor, made.id, entropy=ENTROPY)
    for role in ("centre", "purchaser"):
        await step(people[role], made.id, "reveal", kept=True)
    async with installation.sessions.begin() as session:
        admin = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
        moment = await now(session)
        await sandbox.advance(session, admin, moment + timedelta(minutes=2), entropy=ENTROPY)
    for index in (1, 3):
        one = await holder(site, visit, tmp_path, index)
        await one.page.goto(f"/custody/draws/{made.id}")
        await one.unlock("口令")
        await one.page.click("#recover button")
        await one.page.check("#pinned")
        await one.page.click("#pins button")
        await expect(one.page.locator("#doing")).to_contain_text("已给出 1 份", timeout=LONG)
    await expect(one.page.locator("#progress")).to_contain_text("已抽出", timeout=LONG)


async def step(one: Custodian, draw: UUID, name: str, *, kept: bool = False) -> None:
    """Commit or reveal by a click."""
    await one.page.goto(f"/custody/draws/{draw}")
    await one.unlock(kept=kept)
    await axe(one.page)
    await one.page.click(f"#{name} button")
    await expect(one.page.locator("#backup")).to_be_visible(timeout=LONG)
    await shot(one.page, f"custody-{name}")
