"""Accounts over HTTP: duties apart, nothing seen that may not be seen, sessions and tokens that end."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from kernel.actor import Grant, Role

SYSTEM_ADMIN = Grant(Role.SYSTEM_ADMIN, "*")
SECURITY_ADMIN = Grant(Role.SECURITY_ADMIN, "*")
AUDIT_ADMIN = Grant(Role.AUDIT_ADMIN, "*")

Make = Callable[..., Awaitable[Any]]


async def test_users_are_made_by_one_admin_and_granted_by_another(client: httpx.AsyncClient, someone: Make) -> None:
    """The system administrator makes an account, the security administrator grants, and the person signs in."""
    system, security = await someone(SYSTEM_ADMIN), await someone(SECURITY_ADMIN)
    made = await client.post("/api/v1/users", json={"login": "wang", "name": "王某"}, headers=system.headers)
    assert made.status_code == 201, made.text
    user = made.json()["user"]
    body = {"user_id": user["id"], "role": "witness", "scope": "site:152502"}
    given = await client.post("/api/v1/grants", json=body, headers=security.headers)
    assert given.status_code == 201, given.text
    password = made.json()["password"]
    token = await client.post("/api/v1/tokens", json={"login": "wang", "password": password})
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token.json()['token']}"})
    assert me.json()["grants"] == ["witness@site:152502"]
