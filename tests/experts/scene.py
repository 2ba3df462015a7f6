"""A scene for draw and evaluation tests: a lot with a real opening key, a pool, participants with devices."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint, feed, proof, sequencer, trail
from archive import note as notes
from archive.event import commit
from archive.note import Signer
from bidding import keysetup, transcript
from bidding.keymaking_tables import CeremonyRow, OpeningKeyRow
from experts import calls, draws, invitations, nonce, pool, quota, reveals, roster, rounds
from experts import draw as drawing
from experts import transcript as transcripts
from experts.draws import Conditions
from experts.quota import Quota
from experts.rounds import Draw
from experts.tables import CallRow, ExpertRow
from kernel import canonical
from kernel.actor import SYSTEM, Actor, Grant, Role, party, site
from kernel.database import now
from kernel.entropy import Entropy, SeededEntropy
from tests.bidding import stage
from tests.experts import cast
from trading import sites
from trading.tables import LotRow

PEPPER = b"p" * 32
SIGNER = Signer("test.example/log", b"s" * 32)
QUOTAS = (Quota("A01", 2), Quota("A02", 2), Quota("B01", 1, stage.SITE))


def participant(number: int, role: Role, scope: str) -> tuple[Actor, SigningKey]:
    """Return somebody with an enrolled device."""
    device = SigningKey(hashlib.sha256(b"participant" + bytes([number])).digest())
    actor = Actor(UUID(int=0xBEE0000 + number), role.value, frozenset({Grant(role, scope)}), bytes(device.verify_key))
    return actor, device


PEOPLE = {
    "centre": participant(1, Role.WITNESS, site(stage.SITE)),
    "purchaser": participant(2, Role.PURCHASER, party(stage.PURCHASER)),
    "supervisor": participant(3, Role.SUPERVISOR, site(stage.SITE)),
}
WITNESS, PURCHASER, SUPERVISOR = (PEOPLE[role][0] for role in ("centre", "purchaser", "supervisor"))


@dataclass
class Scene:
    """One lot and its draw, on one session."""

    session: AsyncSession
    lot_id: UUID
    entropy: Entropy = field(default_factory=lambda: SeededEntropy(b"scene"))
    nonces: dict[str, bytes] = field(default_factory=dict)
    signer: Signer = SIGNER

    async def prepare(self, quotas: tuple[Quota, ...] = QUOTAS, **conditions: object) -> Draw:
        """Prepare a round as the witness."""
        asked = Conditions(quotas, **conditions)  # type: ignore[arg-type]
        return await draws.prepare(self.session, WITNESS, self.lot_id, asked, entropy=self.entropy)

    async def commit(self, draw: Draw, *roles: str) -> None:
        """Let participants commit."""
        for role in roles or PEOPLE:
            actor, device = PEOPLE[role]
            self.nonces[role] = self.entropy.token(32)
            message = nonce.commit(draw.plan(), role, self.nonces[role], device, self.entropy)
            await draws.commit(self.session, actor, draw.id, message, entropy=self.entropy)

    async def sequence(self) -> None:
        """Run one batch of the sequencer."""
        await sequencer.sequence(self.session, self.signer, entropy=self.entropy)

    async def fixed(self, quotas: tuple[Quota, ...] = QUOTAS, **conditions: object) -> Draw:
        """Prepare, commit, fix."""
        draw = await self.prepare(quotas, **conditions)
        await self.commit(draw)
        await self.sequence()
        return await draws.fix(self.session, WITNESS, draw.id, entropy=self.entropy)

    async def reveal(self, draw: Draw, *roles: str) -> Draw:
        """Let participants reveal."""
        for role in roles or PEOPLE:
            actor, device = PEOPLE[role]
            seed = (await draws.find(self.session, actor, draw.id)).seed()
            message = nonce.reveal(draw.id, self.nonces[role], seed, device)
            draw = await reveals.reveal(self.session, actor, draw.id, message, entropy=self.entropy)
        return draw

    async def drawn(self, quotas: tuple[Quota, ...] = QUOTAS, **conditions: object) -> Draw:
        """Run a whole draw."""
        return await self.reveal(await self.fixed(quotas, **conditions))

    async def called(self, draw: Draw, state: str = "invited") -> list[Actor]:
        """Return the accounts of those called, by position."""
        query = (
            select(ExpertRow.user_id)
            .join(CallRow, CallRow.expert_id == ExpertRow.id)
            .where(CallRow.draw_id == draw.id, CallRow.state == state)
            .order_by(CallRow.position)
        )
        return [expert(user) for user in await self.session.scalars(query) if user is not None]

    async def accept_all(self, draw: Draw) -> list[Actor]:
        """Let everybody who is called accept."""
        for actor in await self.called(draw):
            await invitations.answer(self.session, actor, draw.id, accept=True, entropy=self.entropy)
        return await self.called(draw, "accepted")


async def recover(scene: Scene, draw: Draw) -> None:
    """Let two custodians open what is withheld, after the release time."""
    await pass_time(scene.session, timedelta(minutes=2))
    made = stage.custodians()
    if (await draws.find(scene.session, WITNESS, draw.id)).state != "fixed":
        return
    for one in await reveals.sealed(scene.session, made.people[0].actor, draw.id):
        committed, later = nonce.read(one.message, one.device_key), await now(scene.session)
        for number in (1, 3):
            person = made.people[number - 1]
            given = nonce.answer(
                committed,
                made.key,
                number,
                made.shares[number],
                person.device,
                seed=draw.seed(),
                now=later,
                entropy=scene.entropy,
            )
            role = committed.role
            await reveals.share(scene.session, person.actor, draw.id, role, given, entropy=scene.entropy)


async def grind(scene: Scene, draw: Draw, honest: dict[str, Any]) -> bytes:
    """Log the draw again from a later checkpoint with nonces that are known by now; return its transcript."""
    events = [entry["event"] for entry in honest["entries"]]
    later = rounds.own_signature(await feed.signed_checkpoint(scene.session))
    root = checkpoint.parse(notes.parse(later).text).root
    prk = drawing.extract([bytes.fromhex(e["data"]["nonce"]) for e in events[5:8]], b"", root)
    entries, quotas = roster.read(honest["roster"]), quota.read(events[0]["data"]["quotas"])
    places = drawing.draw(entries, quotas, prk, draw.tender_id, 1)
    again = [
        ("draw.fixed", {**events[4]["data"], "checkpoint": later}),
        *((event["kind"], event["data"]) for event in events[5:8]),
        ("draw.drawn", {**events[8]["data"], "members": calls.seats(places)}),
    ]
    made = [
        await trail.record(scene.session, SYSTEM, kind, data, trade=draw.tender_id, entropy=scene.entropy)
        for kind, data in again
    ]
    await scene.sequence()
    kept = [(canonical.encode(e["event"]), bytes.fromhex(e["salt"])) for e in honest["entries"][:4]]
    openings = [*kept, *((one.event, one.salt) for one in made)]
    proven = []
    for event, salt in openings:
        found = proof.parse(await trail.proof(scene.session, commit(event, salt)))
        proven.append(transcripts.Proven(event, salt, found.index, found.hashes))
    head = rounds.own_signature(found.checkpoint)
    sizes = (checkpoint.parse(notes.parse(text).text).size for text in (later, head))
    return transcripts.write(
        seed=later,
        head=head,
        consistency=await trail.consistency(scene.session, *sizes),
        entries=proven,
        roster=honest["roster"],
        members=[],
        names=None,
        key=None if honest["key"] is None else canonical.encode(honest["key"]),
    )


def device_of(user: UUID) -> SigningKey:
    """Return the device of an expert's account."""
    return SigningKey(hashlib.sha256(user.bytes).digest())


def expert(user: UUID) -> Actor:
    """Return an expert's account with its device."""
    return Actor(user, "expert", frozenset({Grant(Role.EXPERT, "*")}), bytes(device_of(user).verify_key))


async def build(session: AsyncSession, experts: int = 30, signer: Signer = SIGNER, **lot: object) -> Scene:
    """Set up sites, a pool with accounts, and an opened lot with an opening key; `signer` is the log's."""
    await pass_time(session, timedelta(0))
    key = stage.custodians().key
    lot_id = await stage.lot(session, key_hash=key.key_hash, after=timedelta(hours=1), **lot)  # type: ignore[arg-type]
    scene = Scene(session, lot_id, signer=signer)
    known = {one.code for one in await sites.page(session)}
    plans = tuple(plan for plan in sites.shipped() if plan.code not in known and plan.kind == "branch")
    for plan in plans:
        await sites.establish(session, SYSTEM, plan, entropy=scene.entropy)
    await place_key(session, lot_id)
    await session.execute(update(LotRow).where(LotRow.id == lot_id).values(state="opened"))
    await fill(scene, experts)
    return scene


async def fill(scene: Scene, count: int, start: int = 0, **changes: str) -> None:
    """Take experts into the pool and give each an account."""
    data = cast.table([cast.row(number, **changes) for number in range(start, start + count)])
    await pool.import_file(scene.session, cast.SUPERVISOR, data, pepper=PEPPER, entropy=scene.entropy)
    await scene.session.execute(update(ExpertRow).where(ExpertRow.user_id.is_(None)).values(user_id=ExpertRow.id))
    scene.session.expire_all()


async def pass_time(session: AsyncSession, span: timedelta) -> None:
    """Let time pass: this database becomes a sandbox whose clock goes forward. Rolled back with the test."""
    sandbox = text(
        "INSERT INTO installation (sandbox, clock_offset) VALUES (true, :span) "
        "ON CONFLICT (id) DO UPDATE SET clock_offset = installation.clock_offset + :span"
    )
    await session.execute(sandbox, {"span": span})
    session.info.pop("sandbox", None)


async def place_key(session: AsyncSession, lot_id: UUID) -> None:
    """Store the custodians' key as a finished key making leaves it."""
    made = stage.custodians()
    read = transcript.verify_transcript(made.transcript)
    moment = await now(session)
    row = CeremonyRow(
        id=read.setup.ceremony,
        site=stage.SITE,
        purchaser=stage.PURCHASER,
        setup=keysetup.write(read.setup),
        threshold=2,
        size=3,
        count=1,
        state="finished",
        made_by=WITNESS.user_id,
        made_at=moment,
        expires_at=moment + timedelta(hours=1),
        ended_at=moment,
        transcript=made.transcript,
        transcript_hash=read.hash,
    )
    session.add(row)
    await session.flush()
    session.add(
        OpeningKeyRow(
            key_hash=made.key.key_hash,
            ceremony_id=row.id,
            number=0,
            public_key=made.key.public_key,
            verification_shares=b"".join(made.key.verification_shares),
            lot_id=lot_id,
            assigned_at=moment,
        )
    )
    await session.flush()
