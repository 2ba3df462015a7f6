"""An opened lot for evaluation tests: bids on the record as bidding leaves them, a committee that has declared."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from archive.note import Signer
from bidding import signed
from bidding.tables import BidRow, OpeningRow, UploadRow
from experts import committees, evaluations, reports
from experts.rounds import Draw
from experts.scoring import DECLARATION, OPINION, SHEET, VOTE
from kernel import canonical
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.database import now
from kernel.entropy import Entropy, new_id
from tests.bidding import stage
from tests.experts import scene as scenes
from tests.experts.scene import PURCHASER, SIGNER, Scene, device_of
from trading.tables import LotRow, PartyRow

SCHEME: dict[str, Any] = {
    "formula": "lowest_price",
    "method": "comprehensive",
    "parameters": {},
    "weights": {"price": "40", "technical": "60"},
}
PRICES = ("1000000.00", "1100000.00", "1250000.00")


@dataclass
class Panel:
    """A lot under evaluation: its scene, members' accounts, bids by number."""

    scene: Scene
    members: list[Actor]
    bids: list[UUID]
    committee: UUID

    @property
    def session(self) -> AsyncSession:
        """The session."""
        return self.scene.session

    @property
    def lot(self) -> UUID:
        """The lot."""
        return self.scene.lot_id

    @property
    def entropy(self) -> Entropy:
        """Randomness."""
        return self.scene.entropy

    def says(self, member: Actor, form: str, **fields: Any) -> bytes:
        """A message signed by the member's device."""
        return signed.write({"format": form, **fields}, device_of(member.user_id))

    def sheet(self, member: Actor, number: int, points: str, **changes: Any) -> bytes:
        """A score sheet."""
        fields = {
            "bid": str(self.bids[number]),
            "committee": str(self.committee),
            "remark": "",
            "scores": {"technical": points},
        }
        return self.says(member, SHEET, **fields | changes)

    async def score(self, member: Actor, bid: int, points: str) -> None:
        """Hand in a sheet."""
        message = self.sheet(member, bid, points)
        await evaluations.score(self.session, member, self.lot, message, entropy=self.entropy)

    async def score_all(self, points: list[list[str]]) -> None:
        """Hand in all sheets: points by bid and member."""
        for bid, row in enumerate(points):
            for member, value in zip(self.members, row, strict=True):
                await self.score(member, bid, value)

    async def vote(self, member: Actor, bid: int, ground: str, *, reject: bool = True, reason: str = "理由") -> None:
        """Hand in a vote."""
        fields = {"bid": str(self.bids[bid]), "committee": str(self.committee)}
        message = self.says(member, VOTE, ground=ground, reason=reason, reject=reject, **fields)
        await evaluations.vote(self.session, member, self.lot, message, entropy=self.entropy)

    async def sign(self, member: Actor, kind: str = "consent", reason: str = "") -> None:
        """Sign the live draft."""
        digest = (await reports.current(self.session, member, self.lot)).digest.hex()
        message = self.says(member, OPINION, kind=kind, reason=reason, report=digest)
        await reports.sign(self.session, member, self.lot, message, entropy=self.entropy)

    async def declare(self, member: Actor, *, conflict: bool = False, reason: str = "") -> None:
        """Declare."""
        fields = {"committee": str(self.committee), "conflict": conflict, "reason": reason}
        message = self.says(member, DECLARATION, **fields)
        await committees.declare(self.session, member, self.lot, message, entropy=self.entropy)


async def assembled(session: AsyncSession, signer: Signer = SIGNER, **changes: Any) -> Panel:
    """A committee that has not declared yet, over three opened bids."""
    scene = await scenes.build(session, signer=signer)
    return await seat(scene, await scene.drawn(), **changes)


async def seat(scene: Scene, draw: Draw, **changes: Any) -> Panel:
    """Let everybody who is called accept, put three opened bids on record, and form the committee."""
    session = scene.session
    members = await scene.accept_all(draw)
    bids = await record(session, scene, changes.pop("prices", PRICES))
    # the stage's lot has no scheme, and an announced lot keeps its rules: the triggers rest while it gets one
    await session.execute(text("SET LOCAL session_replication_role = replica"))
    values = {"state": "opened", "evaluation": SCHEME | changes}
    await session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(values))
    await session.execute(text("SET LOCAL session_replication_role = origin"))
    formed = await committees.assemble(session, PURCHASER, scene.lot_id, entropy=scene.entropy)
    return Panel(scene, members, bids, formed.id)


async def panel(session: AsyncSession, signer: Signer = SIGNER, **changes: Any) -> Panel:
    """A committee at work."""
    made = await assembled(session, signer, **changes)
    for member in made.members:
        await made.declare(member)
    found = await committees.find(session, made.members[0], made.lot)
    for member in made.members[:3]:
        await committees.vote_leader(session, member, made.lot, found.members[0].id, entropy=made.entropy)
    await evaluations.begin(session, made.members[0], made.lot, entropy=made.entropy)
    return made


async def record(session: AsyncSession, scene: Scene, prices: tuple[str, ...]) -> list[UUID]:
    """Insert bids and the finished record of their opening."""
    moment = await now(session)
    bids, told = [], []
    for number, price in enumerate(prices):
        uscc = stage.USCCS[number]
        session.add(PartyRow(uscc=uscc, name=f"投标人{number}", revision=1, profile={}, registered_at=moment))
        upload = UploadRow(
            id=new_id(scene.entropy),
            lot_id=scene.lot_id,
            party=uscc,
            user_id=PURCHASER.user_id,
            bodies=[],
            state="used",
            made_at=moment,
            expires_at=moment + timedelta(hours=1),
        )
        session.add(upload)
        await session.flush()
        bid = BidRow(
            id=new_id(scene.entropy),
            lot_id=scene.lot_id,
            party=uscc,
            user_id=PURCHASER.user_id,
            upload_id=upload.id,
            state="live",
            manifest=b"{}",
            signature=bytes(64),
            deadline=moment + timedelta(hours=1),
            received_at=moment,
            receipt=b"",
            token=b"",
            digest=scene.entropy.token(32),
            commitment=scene.entropy.token(32),
        )
        session.add(bid)
        bids.append(bid.id)
        envelope = {"code": None, "form": {"price": price}, "kind": "price", "opened_at": "", "outcome": "opened"}
        told.append({"bid": str(bid.id), "bidder": uscc, "envelopes": [envelope], "name": f"投标人{number}"})
    await session.flush()
    session.add(
        OpeningRow(
            id=new_id(scene.entropy),
            lot_id=scene.lot_id,
            stage=1,
            state="finished",
            user_id=PURCHASER.user_id,
            key_hash=stage.custodians().key.key_hash,
            began_at=moment,
            finished_at=moment,
            record=canonical.encode({"bids": told, "finished_at": isoformat(moment)}),
            token=b"",
            commitment=b"",
        )
    )
    await session.flush()
    return bids
