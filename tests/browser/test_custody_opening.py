"""Custodians give shares in the browser: an opening, refusals on the device, nonces of a draw."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from nacl.signing import SigningKey
from playwright.async_api import Route, expect

from api import jobs, sandbox
from api.wiring import Installation
from archive.note import new_signer
from archive.timestamp import LocalAuthority
from bidding import opening_request
from experts import draws
from experts.draws import Conditions
from kernel import canonical
from kernel.actor import EVERYWHERE, Role
from kernel.clock import FixedClock
from kernel.database import now
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.browser.conftest import DESK, PHONE, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.browser.custodians import ENTROPY, LONG, SIDES, Custodian, enrolled, holder, key_file
from tests.experts import scene as draw_scenes


@pytest.fixture
async def scene(site: Site, tmp_path: Path) -> Scene:
    """A lot whose deadline has passed, with three bids that Python sealed; its opening has begun."""
    made = await scenes.prepare(site.installation, tmp_path)
    for number in range(3):
        await made.hand_in(number)
    await made.pass_deadline()
    await made.begin()
    return made


async def test_two_browsers_open_a_lot(scene: Scene, site: Site, visit: Visit, tmp_path: Path) -> None:
    """Each device shows its checks and every bid before its one button; the second answer opens the bids."""
    for index, size in ((1, DESK), (3, PHONE)):
        one = await holder(site, visit, tmp_path, index, size)
        await one.page.goto("/custody")
        await one.page.click("text=第 1 标段")
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
    chain = hashlib.sha256(site.installation.chain_pem).digest().hex(" ", 4)  # as /verify shows it
    await expect(one.page.locator("#pin-chain")).to_have_text(chain)
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
