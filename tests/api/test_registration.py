"""Self-registration: one form, one transaction, nothing half done."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from stdnum.cn import uscc

from api.wiring import Installation
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


async def test_a_known_party_is_not_taken_over(client: httpx.AsyncClient, form: dict[str, Any]) -> None:
    """Somebody else's registration for a registered party is refused: its people are granted by the administrator."""
    await client.post("/api/v1/registrations", json=form)
    answer = await client.post("/api/v1/registrations", json=form | {"login": "stranger"})
    assert (answer.status_code, answer.json()["code"]) == (409, "party.known")
    signed = await client.post("/api/v1/tokens", json={"login": "stranger", "password": form["password"]})
    assert signed.status_code == 401
