"""Custodians in browsers: people with a key file on disk, a page of their own, and what they do on it."""

from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey
from playwright.async_api import Page, expect
from sqlalchemy import select

from api.accounts import devices, services
from api.wiring import Installation
from bidding import keyfile
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from bidding.keymaking_tables import CeremonyRow, CustodianRow
from kernel import actor as actors
from kernel.actor import SYSTEM, Grant, Role
from kernel.entropy import SystemEntropy
from tests.api import test_open_share
from tests.bidding import stage
from tests.bidding.stage import PURCHASER, SITE
from tests.browser.conftest import DESK, Site, Visit
from tests.conftest import ASSURED, Someone

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
