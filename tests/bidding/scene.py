"""A lot from its announcement to its opening on a real installation (a sandbox), played by services."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from api import openings as work
from api import sandbox
from api.routes.bidding import desk
from api.wiring import Installation
from archive import note, trail
from bidding import custodian, opening_shares, openings, quorum, record, submissions
from bidding.openings import Progress
from kernel import canonical
from kernel.actor import EVERYWHERE, SYSTEM, Role
from kernel.database import now
from kernel.entropy import SystemEntropy
from tests.bidding import stage
from trading import lots


@dataclass
class Scene:
    """A lot with an opening key, its custodians, and whoever bids."""

    installation: Installation
    folder: Path
    lot_id: UUID
    made: stage.Custodians

    async def hand_in(self, number: int, price: str = "980000.00", files: Any = None) -> UUID:
        """Hand in a bid of bidder `number` and return its id."""
        who, store = stage.bidder(number), self.installation.store
        async with self.installation.sessions.begin() as session:
            where = stage.target(await lots.facts(session, self.lot_id), self.made.key)
            path = self.folder / f"{number}.sealed"
            sealed = await asyncio.to_thread(stage.seal, who, where, path, price=price, files=files)
            given = stage.submission(await stage.upload(session, store, who, self.lot_id, sealed), sealed)
            bid = await submissions.receive(session, who.actor, self.lot_id, given, desk=desk(self.installation))
        return bid.id

    async def pass_deadline(self) -> None:
        """Let the sandbox's clock run past the deadline."""
        async with self.installation.sessions.begin() as session:
            facts = await lots.facts(session, self.lot_id)
            assert facts.deadline is not None
            admin = stage.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
            until = max(facts.deadline + timedelta(seconds=2), await now(session))
            await sandbox.advance(session, admin, until, entropy=SystemEntropy())

    async def sequence(self) -> None:
        """Run the log's sequencer once."""
        async with self.installation.sessions.begin() as session:
            await trail.sequence(session, self.installation.signer, entropy=SystemEntropy())

    async def begin(self, number: int = 1) -> Progress:
        """The witness begins the opening of a stage."""
        async with self.installation.sessions.begin() as session:
            who = stage.witness().actor
            return await openings.begin(session, who, self.lot_id, number, entropy=SystemEntropy())

    async def request(self, number: int = 1) -> bytes:
        """What the first custodian's device is given."""
        await self.sequence()
        async with self.installation.sessions.begin() as session:
            who, authority = self.made.people[0].actor, self.installation.authority
            return await quorum.request(session, who, self.lot_id, number, authority=authority)

    def answer(self, stamped: bytes, index: int) -> bytes:
        """What a custodian's device answers after examining the request."""
        made = self.made
        pins = custodian.Pins(self.installation.chain_pem, note.parse_key(self.installation.signer.vkey))
        examined = custodian.examine(stamped, made.key, pins, newest_seen=None)
        device = made.people[index - 1].device
        return opening_shares.write(examined.question, index, made.shares[index], device, SystemEntropy())

    async def give(self, answer: bytes, index: int, number: int = 1) -> Progress:
        """A custodian gives its shares."""
        async with self.installation.sessions.begin() as session:
            who = self.made.people[index - 1].actor
            return await quorum.take(session, who, self.lot_id, number, answer)

    async def quorum(self, number: int = 1) -> None:
        """Two of the three custodians answer."""
        stamped = await self.request(number)
        for index in (1, 3):
            await self.give(self.answer(stamped, index), index, number)

    async def proceed(self, number: int = 1) -> Progress:
        """Open what can be opened."""
        return await work.proceed(self.installation, self.lot_id, number)

    async def record(self, number: int = 1) -> Any:
        """The published record, parsed strictly."""
        async with self.installation.sessions() as session:
            return canonical.decode((await record.find(session, self.lot_id, number)).content)

    async def log(self, kind: str, data: dict[str, Any]) -> None:
        """Record an event of another package about the lot's tender."""
        async with self.installation.sessions.begin() as session:
            facts = await lots.facts(session, self.lot_id)
            await trail.record(session, SYSTEM, kind, data, trade=facts.tender_id, entropy=SystemEntropy())
        await self.sequence()


async def prepare(
    installation: Installation, folder: Path, *, made: stage.Custodians | None = None, **how: Any
) -> Scene:
    """Announce a lot with an opening key made by three custodians."""
    made = made or stage.custodians()
    async with installation.sessions.begin() as session:
        lot_id = await stage.lot(session, key_hash=made.key.key_hash, **how)
        await stage.give_key(session, lot_id, made)
        await stage.announce(session, await lots.facts(session, lot_id))
    return Scene(installation, folder, lot_id, made)
