"""Second factors in software: a generator of one-time codes, and a passkey as a browser's JSON form of WebAuthn."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import cbor2
import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from api.accounts import totp
from kernel.clock import SystemClock


async def enrol(client: httpx.AsyncClient, headers: dict[str, str], *, shown: bool = False) -> bytes:
    """Enrol a generator for whoever these headers are and return its secret."""
    begun = await client.post("/api/v1/me/factors/totp", json={"shown": shown}, headers=headers)
    assert begun.status_code == 201, begun.text
    secret = base64.b32decode(begun.json()["secret"])
    body = {"otp": totp.code(secret, SystemClock().now())}
    made = await client.post(f"/api/v1/me/factors/totp/{begun.json()['id']}", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return secret


@dataclass
class Passkey:
    """An ES256 passkey without attestation; `count` goes up with each signature."""

    origin: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = field(default_factory=lambda: uuid4().bytes)
    count: int = 0

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer ``navigator.credentials.create``."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.handle).to_bytes(2, "big") + self.handle + cbor2.dumps(cose)
        told = self._data(options["rp"]["id"], 0x41) + attested
        made = {"fmt": "none", "attStmt": {}, "authData": told}
        client = self._client("webauthn.create", options["challenge"])
        response = {"clientDataJSON": _text(client), "attestationObject": _text(cbor2.dumps(made))}
        return self._credential(response)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer ``navigator.credentials.get``."""
        self.count += 1
        told = self._data(options["rpId"], 0x01)
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(told + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": told, "signature": signature}
        return self._credential({name: _text(part) for name, part in parts.items()})

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = _text(self.handle)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
