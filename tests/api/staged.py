"""A trade before its opening with something of every kind in it, and a person of every role: who may call what."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import httpx
import msgspec
from litestar import Litestar
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api import bundle
from api.accounts import credentials
from api.wiring import Installation
from bidding import uploads
from experts.tables import CommitteeRow, ExpertRow, MemberRow
from kernel import database
from kernel.actor import EVERYWHERE, SYSTEM, Grant, Role, party, site
from kernel.database import now
from tests.api.hostile import Operation
from tests.api.test_trading_routes import code, party_body, tender_body
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.experts import scene as drawing
from trading import files, lots, notices
from trading.tables import DocumentRow, FileRow, LotRow, PartyRow, TenderRow

Make = Callable[..., Awaitable[Any]]
PARTY, UNKNOWN = code(7), code(8)
HERE, THERE = site(stage.SITE), site("152527")
GRANTS: dict[str, Grant | None] = {
    "nobody": None,
    "bidder": Grant(Role.BIDDER, party(stage.USCCS[0])),
    "rival": Grant(Role.BIDDER, party(stage.USCCS[1])),
    "purchaser": Grant(Role.PURCHASER, party(stage.PURCHASER)),
    "agency": Grant(Role.AGENCY, party(stage.USCCS[9])),
    "acceptance": Grant(Role.ACCEPTANCE, HERE),
    "witness": Grant(Role.WITNESS, HERE),
    "archivist": Grant(Role.ARCHIVIST, HERE),
    "supervisor": Grant(Role.SUPERVISOR, HERE),
    "acceptance there": Grant(Role.ACCEPTANCE, THERE),
    "witness there": Grant(Role.WITNESS, THERE),
    "archivist there": Grant(Role.ARCHIVIST, THERE),
    "supervisor there": Grant(Role.SUPERVISOR, THERE),
    "member": Grant(Role.EXPERT, EVERYWHERE),
    "expert": Grant(Role.EXPERT, EVERYWHERE),
    "system": Grant(Role.SYSTEM_ADMIN, EVERYWHERE),
    "security": Grant(Role.SECURITY_ADMIN, EVERYWHERE),
    "audit": Grant(Role.AUDIT_ADMIN, EVERYWHERE),
}
# A text for every form that the API's schemas ask for: the first that fits is taken.
SAMPLES = (stage.SITE, "0" * 64, "0" * 128, stage.PURCHASER, "a", "a/b", "0479-1234567", "1", "x" * 10)


@dataclass
class Staged:
    """The trade: the application, the headers of each role, and what exists, by the name of the parameter."""

    app: Litestar
    client: httpx.AsyncClient
    installation: Installation
    headers: dict[str, dict[str, str]]
    known: dict[str, str]
    schemas: dict[str, Any]

    async def ask(self, operation: Operation, role: str, known: dict[str, str] | None = None) -> httpx.Response:
        """Send a request that fits the schema; whatever it does is taken back."""
        async with self._taken_back():
            return await self.client.request(**self.request(operation, role, self.known | (known or {})))

    def request(self, operation: Operation, role: str, known: dict[str, str]) -> dict[str, Any]:
        """Return a fitting request of an operation."""
        path, query, headers = operation.path, {}, dict(self.headers[role])
        for one in operation.parameters:
            value = str(known.get(one["name"]) or self.example(one["schema"]))
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", value)
            elif one["in"] == "header":
                headers[one["name"]] = value
            elif one.get("required"):
                query[one["name"]] = value
        content = None if operation.method in ("GET", "DELETE") else b""
        if operation.body is not None:
            content = msgspec.json.encode(self.body(operation))
            headers["content-type"] = "application/json"
        return {"method": operation.method, "url": path, "params": query, "headers": headers, "content": content}

    def body(self, operation: Operation) -> Any:
        """Return a fitting body, with what only a person can know: whose bid, which upload."""
        made = self.example(operation.body or {})
        own = {
            "uploads": {"bidder": stage.USCCS[0]},
            "issues": {"bidder": stage.USCCS[0]},
            "questions": {"bidder": stage.USCCS[0]},
            "bids": {"upload": self.known["upload_id"]},
            "changes": {"action": "suspend"},
            "parties": {"uscc": UNKNOWN},
            "{uscc}": {"uscc": PARTY},
        }
        if operation.path in ("/api/v1/tenders", "/api/v1/tenders/{tender_id}"):
            return tender_body(site=stage.SITE, purchaser=stage.PURCHASER)
        return made | own.get(operation.path.rpartition("/")[2], {})

    def example(self, schema: dict[str, Any]) -> Any:  # noqa: PLR0911 - one per type
        """Return the smallest value that fits a schema."""
        if "$ref" in schema:
            return self.example(self.schemas[schema["$ref"].rpartition("/")[2]])
        if "enum" in schema or "const" in schema:
            return (schema.get("enum") or [schema["const"]])[0]
        if "oneOf" in schema or "anyOf" in schema:
            return self.example((schema.get("oneOf") or schema["anyOf"])[0])
        match schema.get("type"):
            case "object":
                names = schema.get("required", ())
                more = {"technical": 1} if "additionalProperties" in schema and not names else {}
                return more | {name: self.example(schema["properties"][name]) for name in names}
            case "array":
                return [self.example(schema["items"]) for _ in range(schema.get("minItems", 0))]
            case "integer":
                return int(schema.get("minimum", 1))
            case "boolean":
                return True
        return self._text(schema)

    def _text(self, schema: dict[str, Any]) -> str:
        formats = {"uuid": self.known["user_id"], "date-time": "2030-01-01T00:00:00Z", "date": "2030-01-01"}
        if schema.get("format") in formats:
            return formats[schema["format"]]
        if schema.get("format") == "decimal":
            return "1"
        pattern, short = schema.get("pattern", "").replace(r"(?!\n)", ""), schema.get("minLength", 0)
        long = schema.get("maxLength", 10**6)
        return next(one for one in SAMPLES if re.search(pattern, one) and short <= len(one) <= long)

    @asynccontextmanager
    async def _taken_back(self) -> Any:
        async with self.installation.engine.connect() as connection, connection.begin() as outer:
            held = async_sessionmaker(bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
            self.app.state.installation = replace(self.installation, sessions=held)
            try:
                with patch.object(
                    database, "snapshot", lambda sessions: sessions()
                ):  # the connection's transaction has begun long before
                    yield
            finally:
                self.app.state.installation = self.installation
                await outer.rollback()


async def build(app: Litestar, client: httpx.AsyncClient, someone: Make, folder: Path, schemas: Any) -> Staged:
    """Announce a lot, hand in a bid, prepare a draw, seat a committee; sign everybody in."""
    installation: Installation = app.state.installation
    people = {name: await someone(grant) for name, grant in GRANTS.items() if grant is not None}
    await bundle.publish(installation)
    scene = await scenes.prepare(installation, folder)
    bid = await scene.hand_in(0)
    async with installation.sessions.begin() as session:
        known = await _furnish(session, installation, people, scene.lot_id)
    await scene.sequence()
    known |= {"bid_id": str(bid), "transcript_hash": scene.made.key.transcript.hex(), "uscc": PARTY}
    headers = {"nobody": {}} | {name: one.headers for name, one in people.items()}
    return Staged(app, client, installation, headers, known, schemas)


async def _furnish(
    session: AsyncSession, installation: Installation, people: dict[str, Any], lot_id: UUID
) -> dict[str, str]:
    entropy, moment = installation.entropy, await now(session)
    lot = await lots.facts(session, lot_id)
    trade = drawing.Scene(session, lot_id)
    await drawing.fill(trade, 30)
    draw = await trade.prepare()
    expert = await session.scalar(select(ExpertRow.id).limit(1))
    committee, sha256 = (
        CommitteeRow(id=uuid4(), lot_id=lot_id, tender_id=lot.tender_id, made_at=moment),
        await _store(installation),
    )
    profile = party_body(PARTY)["profile"]
    session.add(PartyRow(uscc=PARTY, name="乙", revision=1, profile=profile, registered_at=moment))
    session.add_all([committee, FileRow(sha256=sha256, size=1, by=uuid4(), at=moment)])
    await session.flush()
    member = people["member"].actor
    session.add(_member(committee.id, member.user_id, moment))
    document = _document(lot.tender_id, sha256, moment)
    session.add(document)
    notice = await notices.publish(session, SYSTEM, lot, "announcement", title="公告", text="正文", entropy=entropy)
    bodies = {"technical": 100, "price": 100}
    bidder = people["bidder"].actor
    upload = await uploads.begin(session, bidder, lot_id, stage.USCCS[0], bodies, entropy=entropy)
    held = await credentials.issue(session, bidder, "token", "another", entropy=entropy)
    return {
        "lot_id": str(lot_id),
        "tender_id": str(lot.tender_id),
        "draw_id": str(draw.id),
        "document_id": str(document.id),
        "notice_id": str(notice.id),
        "upload_id": str(upload.id),
        "credential_id": str(held.id),
        "user_id": str(bidder.user_id),
        "expert_id": str(expert),
        "stage": "1",
        "year": "2026",
        "month": "11",
        "number": "0",
        "position": "0",
        "index": "0",
        "old": "0",
        "new": "1",
        "kind": "technical",
        "place": "0/000.p/1",
        "sha256": hashlib.sha256(b"").hexdigest(),
    }


async def _store(installation: Installation) -> bytes:
    digest = hashlib.sha256(b"x").digest()
    await installation.store.put(files.key(digest), stage.chunks(b"x"), 1)
    return digest


def _member(committee: UUID, user: UUID, moment: Any) -> MemberRow:
    told = {"name": "代表", "reason": "", "replaced_because": "", "source": "representative"}
    return MemberRow(id=uuid4(), committee_id=committee, user_id=user, joined_at=moment, declared_at=moment, **told)


def _document(tender: UUID, sha256: bytes, moment: Any) -> DocumentRow:
    told = {"kind": "tender_documents", "title": "招标文件", "version": 1, "media_type": "application/pdf"}
    return DocumentRow(id=uuid4(), tender_id=tender, sha256=sha256, by=uuid4(), at=moment, **told)


async def draft(staged: Staged) -> dict[str, str]:
    """Bring in a second trade like the first, which nobody has announced; return its ids."""
    ids = {"tender_id": uuid4(), "lot_id": uuid4()}
    async with staged.installation.sessions.begin() as session:
        for table, name in ((TenderRow, "tender_id"), (LotRow, "lot_id")):
            row = await session.get_one(table, UUID(staged.known[name]))
            copied = {column.key: getattr(row, column.key) for column in table.__table__.columns}
            changed = {
                "id": ids[name],
                "code": "draft",
                "announced_at": None,
                "state": "draft",
                "opening_key_hash": None,
            }
            known = {key: value for key, value in changed.items() if key in copied}
            owner = {"tender_id": ids["tender_id"]} if name == "lot_id" else {}
            session.add(table(**copied | known | owner))
            await session.flush()
    return {name: str(value) for name, value in ids.items()}
