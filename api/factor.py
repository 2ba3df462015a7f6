"""A second factor over HTTP: a generator of one-time codes enrolled by its first code. Used by the demo and tests."""

import base64

from api.accounts import totp
from api.client import Client
from kernel.clock import Clock


async def enrol(client: Client, clock: Clock, *, label: str = "", shown: bool = False) -> bytes:
    """Enrol a generator for whoever the client is signed in as and return its secret; its token is then proven.

    `clock` is the machine's own (codes go by real time, in a sandbox too); `shown` has a sandbox show the codes.
    """
    begun = await client.post("/api/v1/me/factors/totp", {"label": label, "shown": shown})
    secret = base64.b32decode(begun["secret"])
    await client.post(f"/api/v1/me/factors/totp/{begun['id']}", {"otp": totp.code(secret, clock.now())})
    return secret
