"""Second factors over HTTP: what a password alone gives, what counts as shown, and that nothing is shown twice."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from api.accounts import credentials, factors, policy, services, totp
from api.wiring import Installation
from kernel.actor import EVERYWHERE, PARTY_ROLES, STAFF, SYSTEM, Actor, Grant, Role, party, site
from kernel.clock import SystemClock
from kernel.errors import GgzyError
from tests.api.authenticator import Passkey, enrol

Events = Callable[[str], Awaitable[list[bytes]]]
Make = Callable[..., Awaitable[Any]]
PASSWORD = "right password"
USCC = "91152502MA0N1A2B3C"
ORIGIN = "http://localhost:8000"
WITNESS = Grant(Role.WITNESS, site("152502"))


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.BIDDER, Role.EXPERT}), ids=str)
async def test_roles_are_in_nobodys_hands_before_the_second_factor(
    installation: Installation, client: httpx.AsyncClient, role: Role
) -> None:
    """Staff, supervisors, purchasers, agencies and administrators hold nothing by a password alone."""
    scope = party(USCC) if role in PARTY_ROLES else site("152502") if role in STAFF else EVERYWHERE
    await person(installation, "wang", Grant(role, scope))
    headers = await token(client, "wang")
    assert (await client.get("/api/v1/users", headers=headers)).json()["code"] == "factor.required"
    me = (await client.get("/api/v1/me", headers=headers)).json()
    assert (me["pending"], me["grants"]) == (True, [])
    await enrol(client, headers)
    me = (await client.get("/api/v1/me", headers=headers)).json()
    assert (me["pending"], me["grants"]) == (False, [f"{role}@{scope}"])


async def test_a_password_alone_reaches_nothing_but_enrolment(
    installation: Installation, client: httpx.AsyncClient
) -> None:
    """Whose second factor is awaited cannot enrol a device, change the password, read or write anything of theirs."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    for method, path in (
        ("POST", "/api/v1/me/device/challenge"), ("PUT", "/api/v1/me/password"), ("GET", "/api/v1/credentials"),
        ("GET", "/api/v1/me/factors"), ("POST", "/api/v1/me/recovery-codes"), ("GET", "/api/v1/tenders"),
    ):  # fmt: skip
        answer = await client.request(method, path, json={"old": PASSWORD, "new": "y" * 12}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "factor.required"), path


async def test_a_browser_waiting_for_its_factor_reads_as_nobody(
    installation: Installation, client: httpx.AsyncClient
) -> None:
    """Public things are public to it, personal ones ask to sign in, and writing is refused."""
    await person(installation, "wang", WITNESS)
    signed = await client.post("/api/v1/sessions", json={"login": "wang", "password": PASSWORD})
    assert signed.json()["pending"]
    assert (await client.get("/api/v1/tenders")).status_code == 200
    assert (await client.get("/api/v1/credentials")).json()["code"] == "account.sign_in"
    csrf = {"X-CSRF-Token": signed.json()["csrf"]}
    assert (await client.post("/api/v1/me/device/challenge", headers=csrf)).json()["code"] == "factor.required"


async def test_bidders_and_experts_may_do_without(installation: Installation, client: httpx.AsyncClient) -> None:
    """A bidder's password is enough until they enrol; then a code is asked of them as well."""
    await person(installation, "zhao", Grant(Role.BIDDER, party(USCC)))
    headers = await token(client, "zhao")
    assert (await client.get("/api/v1/me", headers=headers)).json()["grants"] == [f"bidder@party:{USCC}"]
    other = await token(client, "zhao")
    await enrol(client, headers)
    assert (await client.get("/api/v1/credentials", headers=headers)).status_code == 200
    assert (await client.get("/api/v1/credentials", headers=other)).json()["code"] == "factor.required"
    again = await client.post("/api/v1/tokens", json={"login": "zhao", "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (401, "factor.required")


async def test_a_code_counts_once(installation: Installation, client: httpx.AsyncClient, events: Events) -> None:
    """A code that was used is refused, the one before it as well; the next one counts. The event names it."""
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "wang"))
    here = SystemClock().now()
    answers = []
    for moment in (here, here - timedelta(seconds=30), here + timedelta(seconds=30), here + timedelta(seconds=30)):
        body = {"login": "wang", "password": PASSWORD, "otp": totp.code(secret, moment)}
        answers.append(await client.post("/api/v1/tokens", json=body))
    assert [answer.status_code for answer in answers] == [401, 401, 201, 401]
    assert {answer.json()["code"] for answer in answers if answer.is_error} == {"factor.wrong"}
    assert b'"proof":"totp"' in (await events("token.issued"))[-1]


async def test_one_code_lets_one_in(installation: Installation, client: httpx.AsyncClient) -> None:
    """The same code sent twenty times at the same moment opens one session."""
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "wang"))
    code = totp.code(secret, SystemClock().now() + timedelta(seconds=30))
    headers = [await _unproven(installation, "wang") for _ in range(8)]
    sent = [client.post("/api/v1/me/proof", json={"otp": code}, headers=one) for one in headers]
    answers = await asyncio.gather(*sent)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238 appendix B (SHA-1), cut to six digits; one step of drift either way, no more."""
    secret = b"12345678901234567890"
    for seconds, code in ((1234567890, "005924"), (1111111109, "081804"), (20000000000, "353130")):
        at = datetime.fromtimestamp(seconds, UTC)
        assert totp.code(secret, at) == code
        steps = [totp.step(secret, code, at + timedelta(seconds=30 * off)) for off in (-2, -1, 0, 1, 2)]
        assert steps == [None, seconds // 30, seconds // 30, seconds // 30, None]
    assert totp.step(secret, "00592", datetime.fromtimestamp(1234567890, UTC)) is None
    assert totp.step(secret, "x" * 5000, datetime.fromtimestamp(1234567890, UTC)) is None


async def test_tries_of_codes_are_limited(installation: Installation, client: httpx.AsyncClient) -> None:
    """Ten wrong codes in a quarter of an hour; then even the right one waits."""
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "wang"))
    headers = await _unproven(installation, "wang")
    for _ in range(10):
        wrong = await client.post("/api/v1/me/proof", json={"otp": "000000"}, headers=headers)
        assert wrong.json()["code"] == "factor.wrong"
    body = {"otp": totp.code(secret, SystemClock().now() + timedelta(seconds=30))}
    assert (await client.post("/api/v1/me/proof", json=body, headers=headers)).status_code == 429


async def test_a_recovery_code_counts_once(installation: Installation, client: httpx.AsyncClient) -> None:
    """Ten codes come with the first factor; each opens the door once, in place of the factor; new ones end the old."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    codes = await _codes(client, headers)
    assert len(set(codes)) == 10
    body = {"login": "wang", "password": PASSWORD, "otp": codes[0].replace("-", " ").upper()}
    assert [(await client.post("/api/v1/tokens", json=body)).status_code for _ in range(2)] == [201, 401]
    assert (await client.get("/api/v1/me/factors", headers=headers)).json()["recovery_codes"] == 9
    fresh = (await client.post("/api/v1/me/recovery-codes", headers=headers)).json()
    statuses = [
        (await client.post("/api/v1/tokens", json=body | {"otp": code})).status_code for code in (codes[1], fresh[0])
    ]
    assert statuses == [401, 201]


async def test_a_stolen_password_adds_no_factor(installation: Installation, client: httpx.AsyncClient) -> None:
    """Who has a factor shows it before adding another, ending one or getting recovery codes."""
    await person(installation, "wang", WITNESS)
    first = await token(client, "wang")
    await enrol(client, first)
    stolen = await _unproven(installation, "wang")
    for path in ("factors/totp", "factors/passkey/options", "recovery-codes"):
        answer = await client.post(f"/api/v1/me/{path}", json={}, headers=stolen)
        assert answer.json()["code"] == "factor.required", path
    second = await client.post("/api/v1/me/factors/totp", json={}, headers=first)
    assert second.status_code == 201


async def test_the_last_factor_stays_while_a_role_needs_it(
    installation: Installation, client: httpx.AsyncClient, events: Events
) -> None:
    """Staff end a factor only beside another one; a bidder may go back to the password alone."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    await enrol(client, headers)
    mine = (await client.get("/api/v1/me/factors", headers=headers)).json()["factors"]
    refused = await client.delete(f"/api/v1/me/factors/{mine[0]['id']}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "factor.last")
    await enrol(client, headers)
    assert (await client.delete(f"/api/v1/me/factors/{mine[0]['id']}", headers=headers)).status_code == 204
    await person(installation, "zhao", Grant(Role.BIDDER, party(USCC)))
    bidder = await token(client, "zhao")
    await enrol(client, bidder)
    mine = (await client.get("/api/v1/me/factors", headers=bidder)).json()["factors"]
    assert (await client.delete(f"/api/v1/me/factors/{mine[0]['id']}", headers=bidder)).status_code == 204
    assert [len(await events(kind)) for kind in ("factor.enrolled", "factor.revoked")] == [3, 2]


async def test_lost_factors_are_ended_by_the_security_administrator(
    installation: Installation, client: httpx.AsyncClient, someone: Make, events: Events
) -> None:
    """Not by another, not for oneself; sessions end too, and the person enrols anew with the password."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    await enrol(client, headers)
    user = (await client.get("/api/v1/me", headers=headers)).json()["id"]
    system, security = await someone(Grant(Role.SYSTEM_ADMIN, "*")), await someone(Grant(Role.SECURITY_ADMIN, "*"))
    path = f"/api/v1/users/{user}/factors"
    assert (await client.delete(path, headers=system.headers)).json()["code"] == "account.not_your_duty"
    own = await client.delete(f"/api/v1/users/{security.actor.user_id}/factors", headers=security.headers)
    assert own.json()["code"] == "grant.to_oneself"
    assert (await client.delete(path, headers=security.headers)).status_code == 204
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    await enrol(client, await token(client, "wang"))
    assert user in (await events("factor.reset"))[-1].decode()


async def test_a_passkey_is_a_second_factor(installation: Installation, client: httpx.AsyncClient) -> None:
    """Enrolled with the password, shown at the next sign-in; the session gets a new secret when it is proven."""
    await person(installation, "wang", WITNESS)
    passkey = Passkey(ORIGIN)
    csrf = await _session(client, "wang")
    before = client.cookies["ggzy_session"]
    made = await _create(client, csrf, passkey)
    assert (made.status_code, len(made.json()["recovery_codes"])) == (201, 10), made.text
    assert client.cookies["ggzy_session"] != before
    assert (await client.get("/api/v1/me")).json()["grants"] == ["witness@site:152502"]
    csrf = await _session(client, "wang")
    assert (await client.get("/api/v1/credentials")).json()["code"] == "account.sign_in"
    asked = (await client.post("/api/v1/me/proof/passkey/options", headers=csrf)).json()
    answer = {"credential": passkey.get(asked)}
    shown = await client.post("/api/v1/me/proof/passkey", json=answer, headers=csrf)
    assert shown.status_code == 200, shown.text
    assert (await client.get("/api/v1/credentials")).status_code == 200
    replayed = await client.post(
        "/api/v1/me/proof/passkey", json=answer, headers={"X-CSRF-Token": shown.json()["csrf"]}
    )
    assert replayed.json()["code"] == "factor.no_challenge"


@pytest.mark.parametrize("what", ["origin", "key", "counter", "host", "nonsense"])
async def test_a_wrong_passkey_proves_nothing(installation: Installation, client: httpx.AsyncClient, what: str) -> None:
    """Another site's, another key's, a copied one whose counter stands still, or no WebAuthn at all: one refusal."""
    await person(installation, "wang", WITNESS)
    passkey = Passkey(ORIGIN, count=5)
    await _create(client, await _session(client, "wang"), passkey)
    csrf = await _session(client, "wang")
    asked = (await client.post("/api/v1/me/proof/passkey/options", headers=csrf)).json()
    match what:
        case "origin":
            passkey.origin = "https://evil.example"
        case "key":
            passkey.key = Passkey(ORIGIN).key
        case "counter":
            passkey.count = 3
        case "host":
            asked["rpId"] = "evil.example"
    answer = passkey.get(asked) if what != "nonsense" else {"id": passkey.create({"rp": {"id": ""}, **asked})["id"]}
    shown = await client.post("/api/v1/me/proof/passkey", json={"credential": answer}, headers=csrf)
    assert (shown.status_code, shown.json()["code"]) == (401, "factor.wrong")


async def test_seeds_rest_sealed(installation: Installation, client: httpx.AsyncClient) -> None:
    """Neither a generator's seed nor a recovery code stands in the database; another key reads nothing."""
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "wang"))
    async with installation.sessions() as session:
        row = (await session.execute(text("SELECT secret FROM second_factor"))).scalar_one()
        assert secret not in bytes(row)
        assert installation.vault.open(bytes(row)) == secret
    with pytest.raises(GgzyError, match=r"factor\.unreadable"):
        type(installation.vault)(bytes(32)).open(bytes(row))


async def test_codes_are_shown_in_a_sandbox_alone(installation: Installation, client: httpx.AsyncClient) -> None:
    """Who asked for it has the code shown; who did not has not; in earnest the database itself refuses."""
    await person(installation, "demo", WITNESS)
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "demo"), shown=True)
    await enrol(client, await token(client, "wang"))
    shown = []
    async with installation.sessions() as session:
        for login in ("demo", "wang"):
            user = await session.scalar(text("SELECT id FROM account WHERE login = :login"), {"login": login})
            shown.append(await factors.shown_code(session, user, vault=installation.vault))
    assert shown == [totp.code(secret, SystemClock().now()), None]
    async with installation.sessions() as session:
        for statement in ("ALTER TABLE installation DISABLE TRIGGER ALL", "DELETE FROM installation"):
            await session.execute(text(statement))
        with pytest.raises(IntegrityError, match="sandbox alone"):
            await session.execute(text("UPDATE second_factor SET label = 'x' WHERE shown"))


async def test_what_was_used_stays_on_record(installation: Installation, client: httpx.AsyncClient) -> None:
    """A factor that counted is ended, never removed."""
    await person(installation, "wang", WITNESS)
    await enrol(client, await token(client, "wang"))
    for statement in ("DELETE FROM second_factor", "TRUNCATE second_factor"):
        async with installation.sessions() as session:
            with pytest.raises(IntegrityError, match="never removed"):
                await session.execute(text(statement))


def test_new_roles_need_a_factor_unless_said_otherwise() -> None:
    """Only bidders and experts do without."""
    assert set(Role) - policy.FACTOR_ROLES == {Role.BIDDER, Role.EXPERT}


async def person(installation: Installation, login: str, *held: Grant) -> Actor:
    """Make a person with a password."""
    async with installation.sessions.begin() as session:
        digest = await installation.passwords.digest(PASSWORD)
        user = await services.add(session, SYSTEM, login, login, digest, entropy=installation.entropy)
        for one in held:
            await services.give(session, SYSTEM, user.id, one.role, one.scope, entropy=installation.entropy)
        return await services.actor(session, user.id)


async def token(client: httpx.AsyncClient, login: str) -> dict[str, str]:
    """Get a token by the password alone."""
    answer = await client.post("/api/v1/tokens", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def _unproven(installation: Installation, login: str) -> dict[str, str]:
    """Give a token that was issued before its owner had a factor."""
    async with installation.sessions.begin() as session:
        user = await session.scalar(text("SELECT id FROM account WHERE login = :login"), {"login": login})
        made = await credentials.issue(session, Actor(user, login), "token", "", entropy=installation.entropy)
    return {"Authorization": f"Bearer {made.secret}"}


async def _codes(client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    begun = (await client.post("/api/v1/me/factors/totp", json={}, headers=headers)).json()
    code = totp.code(base64.b32decode(begun["secret"]), SystemClock().now())
    made = await client.post(f"/api/v1/me/factors/totp/{begun['id']}", json={"otp": code}, headers=headers)
    return list(made.json()["recovery_codes"])


async def _session(client: httpx.AsyncClient, login: str) -> dict[str, str]:
    signed = await client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD})
    return {"X-CSRF-Token": signed.json()["csrf"]}


async def _create(client: httpx.AsyncClient, csrf: dict[str, str], passkey: Passkey) -> httpx.Response:
    asked = (await client.post("/api/v1/me/factors/passkey/options", headers=csrf)).json()
    body = {"credential": passkey.create(asked), "label": "钥匙"}
    return await client.post("/api/v1/me/factors/passkey", json=body, headers=csrf)
