"""Sandbox or earnest: said once and for ever; a sandbox's clock moves forward, everywhere at once."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from api import sandbox
from api.settings import Settings
from api.wiring import Installation, installed
from archive import timestamp
from kernel import database
from kernel.actor import Actor, Grant, Role
from kernel.clock import isoformat
from kernel.database import Sessions
from kernel.errors import GgzyError

SYSTEM_ADMIN = Grant(Role.SYSTEM_ADMIN, "*")
ADMIN = Actor(UUID(int=7), "admin", frozenset({SYSTEM_ADMIN}))
Make = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(("first", "code"), [(False, "installation.earnest"), (True, "installation.sandbox")])
async def test_a_database_is_one_or_the_other_for_ever(sessions: Sessions, *, first: bool, code: str) -> None:
    """What the first start said, no later start changes."""
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=first)
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=first)
    async with sessions() as session:
        with pytest.raises(GgzyError, match=code):
            await sandbox.declare(session, sandbox=not first)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE installation SET sandbox = NOT sandbox",
        "UPDATE installation SET clock_offset = clock_offset - interval '1 second'",
        "UPDATE installation SET made_at = now()",
        "DELETE FROM installation",
        "TRUNCATE installation",
        "INSERT INTO installation (id, sandbox) VALUES (2, true)",
    ],
)
@pytest.mark.parametrize("kind", [True, False], ids=["sandbox", "earnest"])
async def test_the_row_is_final(sessions: Sessions, statement: str, *, kind: bool) -> None:
    """PostgreSQL itself refuses to rewrite, remove or double the row."""
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=kind)
    async with sessions() as session:
        with pytest.raises(IntegrityError):
            await session.execute(text(statement))


async def test_an_earnest_clock_cannot_be_moved_by_sql(sessions: Sessions) -> None:
    """In earnest the offset is zero by constraint."""
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=False)
    async with sessions() as session:
        with pytest.raises(DBAPIError, match=r"ck_installation_earnest|installation_check"):
            await session.execute(text("UPDATE installation SET clock_offset = interval '1 day'"))


async def test_the_clock_moves_forward_for_everybody(
    client: httpx.AsyncClient,
    someone: Make,
    installation: Installation,
    events: Callable[[str], Awaitable[list[bytes]]],
) -> None:
    """Database, authority and the API show the new time, the trail has the move, and the token is a sandbox's."""
    admin, target = await someone(SYSTEM_ADMIN), datetime.now(UTC) + timedelta(days=20)
    body = {"advance_to": isoformat(target)}
    moved = await client.post("/api/v1/sandbox/clock", json=body, headers=admin.headers)
    assert moved.status_code == 200, moved.text
    told = (await client.get("/api/v1/installation")).json()
    assert told["sandbox"] is True
    assert datetime.fromisoformat(told["now"]) >= target
    async with installation.sessions() as session:
        now = await database.now(session)
    token = await installation.authority.stamp(bytes(32), at=now)
    assert timestamp.verify(token, bytes(32), installation.chain_pem) >= target - timedelta(seconds=1)
    event = json.loads((await events("clock.advanced"))[0])
    assert event["sandbox"] is True
    assert event["data"]["after"] >= body["advance_to"]


async def test_the_clock_never_moves_back(client: httpx.AsyncClient, someone: Make) -> None:
    """A time that has passed is refused."""
    admin = await someone(SYSTEM_ADMIN)
    body = {"advance_to": isoformat(datetime.now(UTC) - timedelta(hours=1))}
    answer = await client.post("/api/v1/sandbox/clock", json=body, headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "clock.backward")


@pytest.mark.parametrize("role", [Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.SUPERVISOR])
async def test_only_the_system_admin_moves_it(client: httpx.AsyncClient, someone: Make, role: Role) -> None:
    """Nobody else moves a sandbox's clock, and not the public either."""
    body = {"advance_to": isoformat(datetime.now(UTC) + timedelta(hours=1))}
    person = await someone(Grant(role, "*"))
    assert (await client.post("/api/v1/sandbox/clock", json=body, headers=person.headers)).status_code == 403
    assert (await client.post("/api/v1/sandbox/clock", json=body)).status_code == 401


async def test_a_start_in_earnest_on_a_sandbox_fails(settings: Settings, installation: Installation) -> None:
    """Settings that say earnest do not open a sandbox's database."""
    with pytest.raises(GgzyError, match=r"installation\.sandbox"):
        async with installed(settings.model_copy(update={"sandbox": False})):
            pass


async def test_in_earnest_nothing_moves(sessions: Sessions, entropy: Any) -> None:
    """Advancing an earnest clock is ``clock.not_sandbox`` for everybody."""
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=False)
    async with sessions() as session:
        with pytest.raises(GgzyError, match=r"clock\.not_sandbox"):
            await sandbox.advance(session, ADMIN, datetime.now(UTC) + timedelta(days=1), entropy=entropy)


async def test_keys_are_made_once_and_private(settings: Settings, installation: Installation) -> None:
    """The log's seed and the authority's keys are made at first start, readable by us alone, and kept."""
    folder = settings.data_dir
    private = [folder / "log" / "seed", folder / "tsa" / "tsa-key.pem", folder / "tsa" / "root-key.pem"]
    assert [path.stat().st_mode & 0o777 for path in private] == [0o600] * 3
    before = [path.read_bytes() for path in private]
    async with installed(settings) as again:
        assert again.signer.vkey == installation.signer.vkey
        assert again.chain_pem == installation.chain_pem
    assert [path.read_bytes() for path in private] == before
