"""Device keys are enrolled by proof of possession only, one active per person."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from api.accounts import devices
from api.wiring import Installation

Make = Callable[..., Awaitable[Any]]


async def test_a_new_key_ends_the_old_one(
    client: httpx.AsyncClient, someone: Make, events: Callable[[str], Awaitable[list[bytes]]]
) -> None:
    """The person's actor carries the new key; the old one has an end; both stand in the trail."""
    person, key = await someone(), SigningKey.generate()
    assert (
        await client.put("/api/v1/me/device", json=await _proof(client, person, key), headers=person.headers)
    ).is_success
    me = (await client.get("/api/v1/me", headers=person.headers)).json()
    assert me["device_key"] == bytes(key.verify_key).hex()
    listed = (await client.get("/api/v1/me/devices", headers=person.headers)).json()
    assert [one["revoked_at"] is None for one in listed] == [True, False]
    event = json.loads((await events("device.enrolled"))[-1])
    assert event["data"] == {
        "public_key": bytes(key.verify_key).hex(),
        "replaced": bytes(person.device.verify_key).hex(),
    }


async def test_the_challenge_works_once(client: httpx.AsyncClient, someone: Make) -> None:
    """The same proof a second time is refused, as is an earlier challenge after a newer one."""
    person, key = await someone(), SigningKey.generate()
    proof = await _proof(client, person, key)
    await client.put("/api/v1/me/device", json=proof, headers=person.headers)
    again = await client.put("/api/v1/me/device", json=proof, headers=person.headers)
    assert again.json()["code"] == "device.no_challenge"
    early = await _proof(client, person, SigningKey.generate())
    await _proof(client, person, key)
    late = await client.put("/api/v1/me/device", json=early, headers=person.headers)
    assert late.json()["code"] == "device.no_challenge"


@pytest.mark.parametrize("wrong", ["signature", "user", "key", "small_order"])
async def test_bad_proofs(client: httpx.AsyncClient, someone: Make, wrong: str) -> None:
    """A flipped signature, another user's statement, another key, and a key of small order prove nothing."""
    person, other, key = await someone(), await someone(), SigningKey.generate()
    proof = await _proof(client, person, key, user=other if wrong == "user" else person)
    if wrong == "signature":
        flipped = bytes([bytes.fromhex(proof["signature"])[0] ^ 1])
        proof["signature"] = flipped.hex() + proof["signature"][2:]
    elif wrong == "key":
        proof["public_key"] = bytes(SigningKey.generate().verify_key).hex()
    elif wrong == "small_order":
        proof |= {"public_key": (b"\1" + bytes(31)).hex(), "signature": (b"\1" + bytes(63)).hex()}
    answer = await client.put("/api/v1/me/device", json=proof, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "device.bad_proof")
    me = (await client.get("/api/v1/me", headers=person.headers)).json()
    assert me["device_key"] == bytes(person.device.verify_key).hex()


async def test_a_key_serves_one_person_for_ever(client: httpx.AsyncClient, someone: Make) -> None:
    """A key that ever served somebody is refused to everybody, its owner included."""
    person, other = await someone(), await someone()
    assert (await client.delete("/api/v1/me/device", headers=person.headers)).status_code == 204
    for taker in (person, other):
        proof = await _proof(client, taker, person.device)
        answer = await client.put("/api/v1/me/device", json=proof, headers=taker.headers)
        assert answer.json()["code"] == "device.key_used"
    assert (await client.delete("/api/v1/me/device", headers=person.headers)).json()["code"] == "device.not_found"


async def test_an_expired_challenge(client: httpx.AsyncClient, someone: Make, installation: Installation) -> None:
    """A challenge is good for ten minutes of real time."""
    person = await someone()
    proof = await _proof(client, person, SigningKey.generate())
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE device_challenge SET expires_at = clock_timestamp()"))
    answer = await client.put("/api/v1/me/device", json=proof, headers=person.headers)
    assert answer.json()["code"] == "device.no_challenge"


async def test_the_database_holds_one_active_key(someone: Make, installation: Installation) -> None:
    """A second active key put in past the program is refused."""
    person = await someone()
    async with installation.sessions() as session:
        with pytest.raises(IntegrityError, match="uq_device_key_active"):
            await session.execute(
                text("INSERT INTO device_key VALUES (:key, :user, now())"),
                {"key": bytes(32), "user": person.actor.user_id},
            )


async def _proof(client: httpx.AsyncClient, person: Any, key: SigningKey, *, user: Any = None) -> dict[str, str]:
    asked = (await client.post("/api/v1/me/device/challenge", headers=person.headers)).json()
    challenge, public = bytes.fromhex(asked["challenge"]), bytes(key.verify_key)
    signed = devices.statement((user or person).actor.user_id, challenge, public)
    return {
        "public_key": public.hex(),
        "challenge": asked["challenge"],
        "signature": key.sign(signed).signature.hex(),
    }
