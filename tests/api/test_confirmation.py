"""What would outlast a stolen session is done by who has just shown who they are, and by nobody else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from api.accounts import credentials, totp
from api.wiring import Installation
from kernel.actor import Grant, Role, party
from kernel.clock import SystemClock
from tests.api.authenticator import Passkey, enrol
from tests.api.test_factors import ORIGIN, PASSWORD, USCC, person, token

Events = Callable[[str], Awaitable[list[bytes]]]
BIDDER = Grant(Role.BIDDER, party(USCC))
PATH = "/api/v1/me/confirmation"
GRAVE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/api/v1/me/device/challenge", {}),
    ("PUT", "/api/v1/me/device", {"public_key": "0" * 64, "challenge": "0" * 64, "signature": "0" * 128}),
    ("DELETE", "/api/v1/me/device", {}),
    ("POST", "/api/v1/me/factors/totp", {}),
    ("POST", "/api/v1/me/factors/passkey/options", {}),
    ("POST", "/api/v1/me/recovery-codes", {}),
)


async def test_a_stale_credential_changes_no_key(
    installation: Installation, client: httpx.AsyncClient, events: Events
) -> None:
    """Ten minutes after the password was shown it is asked for again; a wrong one changes nothing."""
    await person(installation, "zhao", BIDDER)
    headers = await token(client, "zhao")
    secret = await enrol(client, headers)
    factor = (await client.get("/api/v1/me/factors", headers=headers)).json()["factors"][0]["id"]
    await age(installation)
    for method, path, body in (*GRAVE, ("DELETE", f"/api/v1/me/factors/{factor}", {})):
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "accounts.proof_needed"), path
    following = totp.code(secret, SystemClock().now() + timedelta(seconds=30))
    for body, code in (
        ({"password": "not it", "otp": following}, "login.wrong"),
        ({"password": PASSWORD}, "factor.required"),
        ({"password": PASSWORD, "otp": "000000"}, "factor.wrong"),
    ):
        assert (await client.post(PATH, json=body, headers=headers)).json()["code"] == code
    shown = await client.post(PATH, json={"password": PASSWORD, "otp": following}, headers=headers)
    assert (shown.status_code, shown.json()) == (200, {"csrf": None, "expires_at": None})
    assert (await client.post("/api/v1/me/device/challenge", headers=headers)).status_code == 201
    assert b'"proof":"totp"' in (await events("credential.confirmed"))[-1]


async def test_a_thief_is_not_carried_along(installation: Installation, client: httpx.AsyncClient) -> None:
    """Showing who one is gives a browser's session a new secret; whoever holds the old one holds nothing."""
    await person(installation, "zhao", BIDDER)
    signed = await client.post("/api/v1/sessions", json={"login": "zhao", "password": PASSWORD})
    stolen = client.cookies["ggzy_session"]
    await age(installation)
    csrf = {"X-CSRF-Token": signed.json()["csrf"]}
    shown = await client.post(PATH, json={"password": PASSWORD}, headers=csrf)
    assert shown.status_code == 200
    async with installation.sessions() as session:
        assert await credentials.owner(session, stolen, "session") is None
    fresh = {"X-CSRF-Token": shown.json()["csrf"]}
    assert (await client.post("/api/v1/me/device/challenge", headers=fresh)).status_code == 201


async def test_a_second_factor_alone_is_not_enough(installation: Installation, client: httpx.AsyncClient) -> None:
    """What the second step of signing in shows makes no old password fresh; a passkey beside the password does."""
    await person(installation, "zhao", BIDDER)
    passkey = Passkey(ORIGIN)
    signed = await client.post("/api/v1/sessions", json={"login": "zhao", "password": PASSWORD})
    csrf = {"X-CSRF-Token": signed.json()["csrf"]}
    asked = (await client.post("/api/v1/me/factors/passkey/options", headers=csrf)).json()
    made = await client.post("/api/v1/me/factors/passkey", json={"credential": passkey.create(asked)}, headers=csrf)
    csrf = {"X-CSRF-Token": made.json()["proven"]["csrf"]}
    await age(installation)
    for path, more in (("/api/v1/me/proof/passkey", {}), (PATH, {"password": PASSWORD})):
        refused = await client.post("/api/v1/me/device/challenge", headers=csrf)
        assert refused.json()["code"] == "accounts.proof_needed"
        asked = (await client.post("/api/v1/me/proof/passkey/options", headers=csrf)).json()
        shown = await client.post(path, json={"credential": passkey.get(asked), **more}, headers=csrf)
        assert shown.status_code == 200, shown.text
        csrf = {"X-CSRF-Token": shown.json()["csrf"]}
    assert (await client.post("/api/v1/me/device/challenge", headers=csrf)).status_code == 201


async def age(installation: Installation) -> None:
    """Let eleven minutes pass since anybody showed who they are."""
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE credential SET confirmed_at = confirmed_at - interval '11 minutes'"))
