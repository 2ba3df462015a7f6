"""Accounts over HTTP: duties apart, nothing seen that may not be seen, sessions and tokens that end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from api.accounts import bootstrap, credentials, login, services
from api.wiring import Installation
from kernel.actor import ADMINS, SYSTEM, Grant, Role
from kernel.errors import GgzyError
from tests.api.authenticator import enrol

SYSTEM_ADMIN = Grant(Role.SYSTEM_ADMIN, "*")
SECURITY_ADMIN = Grant(Role.SECURITY_ADMIN, "*")
AUDIT_ADMIN = Grant(Role.AUDIT_ADMIN, "*")
USCC = "91152502MA0N1A2B3C"

Make = Callable[..., Awaitable[Any]]
Events = Callable[[str], Awaitable[list[bytes]]]


async def test_users_are_made_by_one_admin_and_granted_by_another(client: httpx.AsyncClient, someone: Make) -> None:
    """The system administrator makes an account, the security administrator grants, and the person signs in."""
    system, security = await someone(SYSTEM_ADMIN), await someone(SECURITY_ADMIN)
    made = await client.post("/api/v1/users", json={"login": "wang", "name": "王某"}, headers=system.headers)
    assert made.status_code == 201, made.text
    user = made.json()["user"]
    body = {"user_id": user["id"], "role": "witness", "scope": "site:152502"}
    given = await client.post("/api/v1/grants", json=body, headers=security.headers)
    assert given.status_code == 201, given.text
    token = await _token(client, "wang", made.json()["password"])
    assert (await client.get("/api/v1/me", headers=token)).json()["pending"]
    await enrol(client, token)
    assert (await client.get("/api/v1/me", headers=token)).json()["grants"] == ["witness@site:152502"]


@pytest.mark.parametrize("grant", [SECURITY_ADMIN, AUDIT_ADMIN, Grant(Role.SUPERVISOR, "*")], ids=lambda g: g.role)
async def test_only_the_system_admin_makes_users(client: httpx.AsyncClient, someone: Make, grant: Grant) -> None:
    """No other administrator and no supervisor makes or closes accounts."""
    person, victim = await someone(grant), await someone()
    made = await client.post("/api/v1/users", json={"login": "wang", "name": "王某"}, headers=person.headers)
    closed = await client.delete(f"/api/v1/users/{victim.actor.user_id}", headers=person.headers)
    assert [made.json()["code"], closed.json()["code"]] == ["account.not_your_duty"] * 2


@pytest.mark.parametrize("grant", [SYSTEM_ADMIN, AUDIT_ADMIN, Grant(Role.ACCEPTANCE, "*")], ids=lambda g: g.role)
async def test_only_the_security_admin_grants(client: httpx.AsyncClient, someone: Make, grant: Grant) -> None:
    """No other administrator and no staff gives roles."""
    person, other = await someone(grant), await someone()
    body = {"user_id": str(other.actor.user_id), "role": "expert", "scope": "*"}
    assert (await client.post("/api/v1/grants", json=body, headers=person.headers)).status_code == 403


async def test_nobody_grants_to_himself(client: httpx.AsyncClient, someone: Make) -> None:
    """The security administrator can give himself nothing; nor can the database be brought to it."""
    security = await someone(SECURITY_ADMIN)
    body = {"user_id": str(security.actor.user_id), "role": "expert", "scope": "*"}
    answer = await client.post("/api/v1/grants", json=body, headers=security.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "grant.to_oneself")


@pytest.mark.parametrize("held", [SYSTEM_ADMIN, Grant(Role.BIDDER, f"party:{USCC}")], ids=lambda g: g.role)
@pytest.mark.parametrize("wanted", sorted(ADMINS), ids=str)
async def test_administrators_hold_one_role(
    client: httpx.AsyncClient, someone: Make, held: Grant, wanted: Role
) -> None:
    """三员分立: who holds an administrator's role holds no other, in whichever order they are given."""
    security, person = await someone(SECURITY_ADMIN), await someone(held)
    body = {"user_id": str(person.actor.user_id), "role": wanted, "scope": "*"}
    answer = await client.post("/api/v1/grants", json=body, headers=security.headers)
    assert answer.json()["code"] == "grant.duties_apart"


async def test_the_database_keeps_duties_apart(installation: Installation, someone: Make) -> None:
    """Rows put in past the program are refused too: mixed duties, and a grant to oneself."""
    person = await someone(SYSTEM_ADMIN)
    insert = text(
        "INSERT INTO account_grant (id, user_id, role, scope, granted_by, granted_at)"
        " VALUES (:id, :user, :role, '*', :by, now())"
    )
    rows = (
        {"id": uuid4(), "user": person.actor.user_id, "role": "expert", "by": uuid4()},
        {"id": uuid4(), "user": (await someone()).actor.user_id, "role": "expert", "by": None},
    )
    rows[1]["by"] = rows[1]["user"]
    for row, words in zip(rows, ("administrators hold one role", "ck_account_grant_not_to_oneself"), strict=True):
        async with installation.sessions() as session:
            with pytest.raises(IntegrityError, match=words):
                await session.execute(insert, row)


async def test_two_admin_grants_at_once_give_one(installation: Installation, someone: Make) -> None:
    """Two administrators' roles granted to one person at the same moment: one is refused."""
    security, person = await someone(SECURITY_ADMIN), await someone()

    async def grant(role: Role) -> str:
        try:
            async with installation.sessions.begin() as session:
                who = (session, security.actor, person.actor.user_id)
                await services.grant(*who, role, "*", entropy=installation.entropy)
        except GgzyError as error:
            return error.code
        return "given"

    outcomes = await asyncio.gather(grant(Role.SYSTEM_ADMIN), grant(Role.AUDIT_ADMIN))
    assert sorted(outcomes) == ["given", "grant.duties_apart"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account_grant SET scope = '*'",
        "DELETE FROM account_grant",
        "TRUNCATE account_grant",
        "UPDATE device_key SET enrolled_at = now()",
        "DELETE FROM device_key",
        "TRUNCATE device_key",
        "DELETE FROM account",
        "TRUNCATE account CASCADE",
    ],
)
async def test_people_stay_on_record(installation: Installation, someone: Make, statement: str) -> None:
    """Accounts, what was granted and what was enrolled can be ended but not rewritten or removed."""
    await someone(Grant(Role.WITNESS, "site:152502"))
    async with installation.sessions() as session:
        with pytest.raises(IntegrityError, match=r"only ended|never removed"):
            await session.execute(text(statement))


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("bidder", "*"),
        ("bidder", "party:short"),
        ("witness", f"party:{USCC}"),
        ("witness", "site:1525"),
        ("expert", "site:152502"),
        ("audit_admin", "site:152502"),
    ],
)
async def test_a_role_must_fit_its_scope(client: httpx.AsyncClient, someone: Make, role: str, scope: str) -> None:
    """Party roles are held for a party, staff at a site, the others everywhere."""
    security, person = await someone(SECURITY_ADMIN), await someone()
    body = {"user_id": str(person.actor.user_id), "role": role, "scope": scope}
    answer = await client.post("/api/v1/grants", json=body, headers=security.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "grant.bad_scope")


async def test_what_may_not_be_seen_does_not_exist(client: httpx.AsyncClient, someone: Make) -> None:
    """Lists of people are 404 for all but administrators, as is the grant list of a real person."""
    person = await someone(Grant(Role.BIDDER, f"party:{USCC}"))
    for path in ("/api/v1/users", f"/api/v1/users/{person.actor.user_id}/grants"):
        answer = await client.get(path, headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "account.not_found")
    audit = await someone(AUDIT_ADMIN)
    seen = await client.get(f"/api/v1/users/{person.actor.user_id}/grants", headers=audit.headers)
    assert [given["role"] for given in seen.json()] == ["bidder"]


async def test_a_revoked_role_is_gone_at_once(client: httpx.AsyncClient, someone: Make) -> None:
    """The next request of the person runs without the role."""
    security, person = await someone(SECURITY_ADMIN), await someone(Grant(Role.WITNESS, "*"))
    listed = await client.get(f"/api/v1/users/{person.actor.user_id}/grants", headers=security.headers)
    ended = await client.delete(f"/api/v1/grants/{listed.json()[0]['id']}", headers=security.headers)
    assert ended.status_code == 204
    assert (await client.get("/api/v1/me", headers=person.headers)).json()["grants"] == []
    again = await client.delete(f"/api/v1/grants/{listed.json()[0]['id']}", headers=security.headers)
    assert again.status_code == 404


async def test_a_closed_account_is_shut_out(client: httpx.AsyncClient, someone: Make) -> None:
    """Closing ends tokens at once and for ever."""
    system, person = await someone(SYSTEM_ADMIN), await someone()
    await client.delete(f"/api/v1/users/{person.actor.user_id}", headers=system.headers)
    assert (await client.get("/api/v1/me", headers=person.headers)).status_code == 401


async def test_no_administrator_shuts_out_another_alone(client: httpx.AsyncClient, someone: Make) -> None:
    """The system administrator closes an administrator's account once the security administrator took the role."""
    system, audit, security = [await someone(one) for one in (SYSTEM_ADMIN, AUDIT_ADMIN, SECURITY_ADMIN)]
    path = f"/api/v1/users/{audit.actor.user_id}"
    for target in (audit, security, system):
        refused = await client.delete(f"/api/v1/users/{target.actor.user_id}", headers=system.headers)
        assert refused.json()["code"] == "account.administrator"
    assert (await client.get("/api/v1/me", headers=audit.headers)).status_code == 200
    held = (await client.get(f"{path}/grants", headers=system.headers)).json()
    await client.delete(f"/api/v1/grants/{held[0]['id']}", headers=security.headers)
    assert (await client.delete(path, headers=system.headers)).status_code == 204


async def test_the_first_admins_are_made_once(installation: Installation, client: httpx.AsyncClient) -> None:
    """Three administrators with one role each; a second time is refused; their passwords work."""
    async with installation.sessions.begin() as session:
        made = await bootstrap.first_admins(session, installation.passwords, entropy=installation.entropy)
    assert {one.role for one in made} == set(ADMINS)
    for one in made:
        headers = await _token(client, one.login, one.password)
        await enrol(client, headers)
        me = await client.get("/api/v1/me", headers=headers)
        assert me.json()["grants"] == [f"{one.role}@*"]
    async with installation.sessions() as session:
        with pytest.raises(GgzyError, match=r"admin\.exist"):
            await bootstrap.first_admins(session, installation.passwords, entropy=installation.entropy)


async def test_passwords_and_tokens_rest_hashed(installation: Installation, client: httpx.AsyncClient) -> None:
    """Neither a password nor a token nor a session's secret stands anywhere in the database."""
    await _user(installation, "zhao", "a long password")
    token = (await _token(client, "zhao", "a long password"))["Authorization"].removeprefix("Bearer ")
    await client.post("/api/v1/sessions", json={"login": "zhao", "password": "a long password"})
    cookie = client.cookies["ggzy_session"]
    async with installation.sessions() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            rows = (await session.scalars(text(f"SELECT x::text FROM {table} x"))).all()  # noqa: S608 - names from the catalogue
            for secret in ("a long password", token, cookie):
                assert not any(secret in row or secret.encode().hex() in row for row in rows), table


async def test_passwords_are_argon2id(installation: Installation) -> None:
    """Passwords rest as argon2id; short and endless ones are refused."""
    assert (await installation.passwords.digest("long enough")).startswith("$argon2id$")
    for password in ("short", "x" * 257):
        with pytest.raises(GgzyError, match=r"password\.unfit"):
            await installation.passwords.digest(password)


async def test_changing_a_password_ends_everything(installation: Installation, client: httpx.AsyncClient) -> None:
    """The old password must be known; afterwards it and all tokens are worth nothing."""
    await _user(installation, "qian", "first password")
    headers = await _token(client, "qian", "first password")
    wrong = await client.put("/api/v1/me/password", json={"old": "no", "new": "second password"}, headers=headers)
    assert wrong.json()["code"] == "login.wrong"
    body = {"old": "first password", "new": "second password"}
    assert (await client.put("/api/v1/me/password", json=body, headers=headers)).status_code == 204
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    old = await client.post("/api/v1/tokens", json={"login": "qian", "password": "first password"})
    assert old.json()["code"] == "login.wrong"
    await _token(client, "qian", "second password")


async def test_signing_in_tells_nothing(installation: Installation, client: httpx.AsyncClient) -> None:
    """A wrong password, an unknown login and a closed account are answered alike."""
    await _user(installation, "sun", "right password")
    answers = [
        await client.post("/api/v1/tokens", json={"login": login, "password": "wrong password"})
        for login in ("sun", "nobody")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == 401


async def test_tries_are_limited_over_all_workers(installation: Installation, client: httpx.AsyncClient) -> None:
    """After ten wrong passwords even the right one must wait; the count stands in the database."""
    await _user(installation, "li.si", "right password")
    codes = [
        (await client.post("/api/v1/tokens", json={"login": "li.si", "password": "wrong password"})).json()["code"]
        for _ in range(login.TRIES_PER_LOGIN_AND_ADDRESS * 2 + 1)
    ]
    assert codes[0] == "login.wrong"
    assert codes[-1] == "login.too_many"
    answer = await client.post("/api/v1/tokens", json={"login": "li.si", "password": "right password"})
    assert (answer.status_code, answer.json()["code"]) == (429, "login.too_many")


async def test_strangers_lock_nobody_out(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the owner has signed in within thirty days they still get in, however often strangers guess elsewhere."""
    monkeypatch.setattr(login, "TRIES_PER_LOGIN", 2)
    await _user(installation, "li.si", "right password")

    async def told(password: str, address: str) -> str:
        try:
            await login.sign_in(installation.sessions, installation.passwords, "li.si", password, address)
        except GgzyError as error:
            return error.code
        return "in"

    assert await told("right password", "home") == "in"
    guesses = [await told("a guess", f"stranger {number}") for number in range(6)]  # a slot may end in between
    assert guesses[-1] == "login.too_many"
    assert await told("right password", "elsewhere") == "login.too_many"
    assert await told("right password", "home") == "in"
    at_home = [await told("a guess", "home") for _ in range(login.TRIES_PER_LOGIN_AND_ADDRESS * 2 + 1)]
    assert (at_home[0], at_home[-1]) == ("login.wrong", "login.too_many")
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE known_address SET seen_at = seen_at - interval '31 days'"))
        await session.execute(text("DELETE FROM counter WHERE name LIKE 'login/li.si@%'"))
    assert await told("right password", "home") == "login.too_many"


async def test_a_browser_session(installation: Installation, client: httpx.AsyncClient) -> None:
    """The cookie is out of scripts' reach, fresh at every sign-in, and a write needs the CSRF token beside it."""
    await _user(installation, "zhou", "right password")
    signed = await client.post("/api/v1/sessions", json={"login": "zhou", "password": "right password"})
    cookie = signed.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    me = (await client.get("/api/v1/me")).json()
    assert (me["name"], me["csrf"]) == ("zhou", signed.json()["csrf"])
    path = f"/api/v1/credentials/{signed.json()['id']}"
    assert (await client.delete(path)).json()["code"] == "csrf.missing"
    first = client.cookies["ggzy_session"]
    again = await client.post("/api/v1/sessions", json={"login": "zhou", "password": "right password"})
    assert client.cookies["ggzy_session"] != first
    async with installation.sessions() as session:
        assert await credentials.owner(session, first, "session") is None
    ended = await client.delete(
        f"/api/v1/credentials/{again.json()['id']}", headers={"X-CSRF-Token": again.json()["csrf"]}
    )
    assert ended.status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_another_site_signs_nobody_in(installation: Installation, client: httpx.AsyncClient) -> None:
    """What a browser sends for another site's form without asking, text or form data, opens no session."""
    await _user(installation, "zhou", "right password")
    body = b'{"login": "zhou", "password": "right password", "label": "="}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await client.post("/api/v1/sessions", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
        assert "set-cookie" not in answer.headers


async def test_a_stolen_session_does_not_try_passwords(client: httpx.AsyncClient, someone: Make) -> None:
    """The present password of a signed-in person is asked for ten times in a quarter of an hour."""
    person = await someone()
    body = {"old": "a guess at it", "new": "a new password"}
    codes = [
        (await client.put("/api/v1/me/password", json=body, headers=person.headers)).json()["code"] for _ in range(11)
    ]
    assert codes == ["login.wrong"] * 10 + ["login.too_many"]


async def test_a_stale_cookie_keeps_nobody_out(installation: Installation, client: httpx.AsyncClient) -> None:
    """With a cookie that is worth nothing any more one reads what is public, and signs in again."""
    await _user(installation, "wu.liu", "right password")
    client.cookies.set("ggzy_session", "stale")
    assert (await client.get("/api/v1/installation")).status_code == 200
    signed = await client.post("/api/v1/sessions", json={"login": "wu.liu", "password": "right password"})
    assert signed.status_code == 201


async def test_credentials_end(installation: Installation, client: httpx.AsyncClient, someone: Make) -> None:
    """A revoked or expired token is 401, another person's cannot be revoked, and a session is not a token."""
    person, other = await someone(), await someone()
    listed = (await client.get("/api/v1/credentials", headers=person.headers)).json()
    foreign = await client.delete(f"/api/v1/credentials/{listed[0]['id']}", headers=other.headers)
    assert foreign.json()["code"] == "credential.not_found"
    async with installation.sessions.begin() as session:
        await session.execute(
            text("UPDATE credential SET expires_at = clock_timestamp() WHERE id = :id"), {"id": UUID(listed[0]["id"])}
        )
        secret = (await credentials.issue(session, other.actor, "session", "", entropy=installation.entropy)).secret
    for headers in (person.headers, {"Authorization": f"Bearer {secret}"}, {"Authorization": "Basic x"}):
        assert (await client.get("/api/v1/me", headers=headers)).json()["code"] == "credential.invalid"


async def test_nobody_is_somebody_without_signing_in(client: httpx.AsyncClient) -> None:
    """Personal routes are 401 to the public."""
    for path in ("/api/v1/me", "/api/v1/credentials", "/api/v1/me/devices"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "account.sign_in")


async def _user(installation: Installation, login: str, password: str) -> None:
    async with installation.sessions.begin() as session:
        digest = await installation.passwords.digest(password)
        await services.add(session, SYSTEM, login, login, digest, entropy=installation.entropy)


async def _token(client: httpx.AsyncClient, login: str, password: str) -> dict[str, str]:
    answer = await client.post("/api/v1/tokens", json={"login": login, "password": password})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}
