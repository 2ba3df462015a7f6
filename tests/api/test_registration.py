"""Self-registration: one form, one transaction, nothing half done."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from stdnum.cn import uscc

from api.accounts import registration
from api.wiring import Installation
from kernel.actor import Grant, Role
from trading.party import COMMITMENT_VERSION

BODY = "91152502MA0N7T0X1"  # without its check digit
FORM: dict[str, Any] = {
    "login": "jianshe",
    "password": "a long password",
    "name": "赵某",
    "role": "bidder",
    "profile": {
        "name": "某建设有限公司",
        "legal_representative": "赵某",
        "address": "锡林浩特市某街 1 号",
        "contact": "赵某",
        "phone": "0479-8200000",
        "region": "152502",
    },
    "commitment": {"version": COMMITMENT_VERSION, "signed_by": "赵某"},
}


@pytest.fixture
def form() -> dict[str, Any]:
    """A form that is right."""
    return FORM | {"uscc": BODY + uscc.calc_check_digit(BODY)}


async def test_one_form_makes_person_party_and_role(
    client: httpx.AsyncClient, form: dict[str, Any], events: Callable[[str], Awaitable[list[bytes]]]
) -> None:
    """The person signs in at once and acts for the party; three events say how it came."""
    made = await client.post("/api/v1/registrations", json=form)
    assert made.status_code == 201, made.text
    assert made.json()["grants"] == [f"bidder@party:{form['uscc']}"]
    body = {"login": form["login"], "password": form["password"]}
    token = (await client.post("/api/v1/tokens", json=body)).json()["token"]
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["grants"] == made.json()["grants"]
    for kind in ("account.made", "grant.given", "party.registered"):
        assert made.json()["id"] in (await events(kind))[-1].decode(), kind
    assert form["password"] not in json.dumps([body.decode() for body in await events("account.made")])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"uscc": "911525020000000000"}, "party.bad_uscc"),
        ({"role": "supervisor"}, "registration.bad_role"),
        ({"role": "system_admin"}, "registration.bad_role"),
        ({"password": "short"}, "password.unfit"),
        ({"login": "A B"}, "account.bad_login"),
        ({"commitment": {"version": "1999", "signed_by": "赵某"}}, "party.commitment_outdated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bad_form_leaves_nothing(
    client: httpx.AsyncClient, form: dict[str, Any], installation: Installation, change: dict[str, Any], code: str
) -> None:
    """Whatever is wrong, neither account nor party nor role remains."""
    answer = await client.post("/api/v1/registrations", json=form | change)
    assert answer.json()["code"] == code
    async with installation.sessions() as session:
        for table in ("account", "account_grant", "party"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 - names from above


async def test_who_registered_himself_acts_for_parties_alone(
    client: httpx.AsyncClient, form: dict[str, Any], someone: Callable[..., Awaitable[Any]]
) -> None:
    """The security administrator cannot make staff or an administrator of an account that anybody could have made."""
    security = await someone(Grant(Role.SECURITY_ADMIN, "*"))
    made = (await client.post("/api/v1/registrations", json=form)).json()
    held = (await client.get(f"/api/v1/users/{made['id']}/grants", headers=security.headers)).json()
    await client.delete(f"/api/v1/grants/{held[0]['id']}", headers=security.headers)
    for role, scope in (("system_admin", "*"), ("witness", "site:152502"), ("expert", "*"), ("supervisor", "*")):
        body = {"user_id": made["id"], "role": role, "scope": scope}
        refused = await client.post("/api/v1/grants", json=body, headers=security.headers)
        assert refused.json()["code"] == "grant.self_registered"
    body = {"user_id": made["id"], "role": "agency", "scope": f"party:{form['uscc']}"}
    assert (await client.post("/api/v1/grants", json=body, headers=security.headers)).status_code == 201


async def test_registrations_are_limited(
    client: httpx.AsyncClient, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one address only so many registrations are looked at in a while; refused ones count too."""
    monkeypatch.setattr(registration, "TRIES_PER_ADDRESS", 3)
    for _ in range(3):
        answer = await client.post("/api/v1/registrations", json=form | {"password": "short"})
        assert answer.json()["code"] == "password.unfit"
    answer = await client.post("/api/v1/registrations", json=form)
    assert (answer.status_code, answer.json()["code"]) == (429, "registration.too_many")


async def test_a_known_party_is_not_taken_over(client: httpx.AsyncClient, form: dict[str, Any]) -> None:
    """Somebody else's registration for a registered party is refused: its people are granted by the administrator."""
    await client.post("/api/v1/registrations", json=form)
    answer = await client.post("/api/v1/registrations", json=form | {"login": "stranger"})
    assert (answer.status_code, answer.json()["code"]) == (409, "party.known")
    signed = await client.post("/api/v1/tokens", json={"login": "stranger", "password": form["password"]})
    assert signed.status_code == 401
