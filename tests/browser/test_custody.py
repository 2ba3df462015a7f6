"""Custodians in the browser: keys made by clicks on three devices, shares given, refusals on the device."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from api import custody
from bidding import keyfile, keysetup
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from kernel import actor as actors
from kernel.actor import Grant, Role
from kernel.entropy import SystemEntropy
from tests.bidding.stage import PURCHASER, SITE
from tests.bidding.test_ceremony import place
from tests.browser.conftest import PHONE, Site, Visit, axe, no_sideways_scrolling, shot
from tests.conftest import Someone

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

    async def unlock(self) -> None:
        """Select the key file and give its passphrase."""
        await self.page.set_input_files("#keyfile", self.file)
        await self.page.fill("#passphrase", PASSPHRASE)
        await self.page.click("#unlock button")
        await expect(self.page.locator("#unlocked")).to_be_visible(timeout=LONG)

    async def take_part(self, ceremony: str) -> None:
        """Compare fingerprints and deal."""
        await self.page.goto(f"/custody/ceremonies/{ceremony}")
        await self.unlock()
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
        made.append(Custodian(who, key_file(tmp_path, number, who), await visit(who)))
    return tuple(made)


async def begin(witness: Page, count: int = 2) -> str:
    """Begin a key making by clicks, and return its id."""
    await witness.goto("/custody")
    await witness.click("text=发起密钥制作")
    await witness.fill("#purchaser", PURCHASER)
    await witness.click("main form button")
    for box in await witness.locator("input[name=people]").all():
        await box.check()
    await witness.fill("#count", str(count))
    await witness.click("main form button")
    await expect(witness.locator("h1")).to_contain_text(f"{count} 把")
    return witness.url.split("/")[-1].split("?")[0]


async def test_three_browsers_make_keys(custodians: tuple[Custodian, ...], site: Site) -> None:
    """A batch of keys by clicks: fingerprints compared, deals, backups proven, and every device holds its shares."""
    ceremony = await begin(custodians[0].page)
    for one in custodians:
        await one.take_part(ceremony)
    await axe(custodians[0].page)
    for one in custodians:
        await one.back_up()
    for one in custodians:
        await expect(one.page.locator("#finished")).to_be_visible(timeout=LONG)
    hashed = await custodians[2].page.locator("#hash").text_content()
    for number, one in enumerate(custodians, start=1):
        kept = keyfile.load(one.file, PASSPHRASE)
        assert custody.share_of(kept, bytes.fromhex(hashed or ""), 1)[0] == number
    await shot(custodians[0].page, "custody-made")
