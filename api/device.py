"""A person's device over HTTP: its key is enrolled by proof of possession. Used by `ggzy key enrol` and the demo."""

from uuid import UUID

from api.accounts import devices
from api.client import Client
from bidding.keyfile import KeyFile


async def enrol(client: Client, keys: KeyFile) -> None:
    """Answer the platform's challenge with the key file's device key; raises what the platform refuses."""
    device = keys.signing_key()
    public = bytes(device.verify_key)
    asked = await client.post("/api/v1/me/device/challenge")
    challenge = bytes.fromhex(asked["challenge"])
    signed = device.sign(devices.statement(UUID(asked["user_id"]), challenge, public)).signature
    answered = {"public_key": public.hex(), "challenge": challenge.hex(), "signature": signed.hex()}
    await client.put("/api/v1/me/device", answered)
