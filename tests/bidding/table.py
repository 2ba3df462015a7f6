"""A table of custodians for key-making tests: devices, a setup, and whole key makings on them."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from bidding import keymaking, keysetup, signed, transcript
from bidding.keymaking import Received
from bidding.keysetup import Custodian, Setup
from bidding.transcript import Transcript
from kernel import canonical
from kernel.entropy import Entropy, SeededEntropy


@dataclass(frozen=True)
class Table:
    """Devices around one setup."""

    setup: Setup
    devices: tuple[SigningKey, ...]
    entropy: Entropy

    def deals(self) -> list[bytes]:
        """One honest deal of each."""
        return [keymaking.deal(self.setup, device, self.entropy) for device in self.devices]

    def receive(self, deals: list[bytes]) -> list[Received]:
        """What each custodian gets out of these deals."""
        return [keymaking.receive(self.setup, device, deals) for device in self.devices]


@dataclass(frozen=True)
class Made:
    """A finished key making."""

    table: Table
    deals: list[bytes]
    received: list[Received]
    certificates: list[bytes]
    content: bytes
    transcript: Transcript


def sit(size: int = 3, threshold: int = 2, count: int = 1, *, seed: bytes = b"table") -> Table:
    """Return a table of `size` custodians."""
    entropy = SeededEntropy(seed)
    devices = tuple(SigningKey(entropy.token(32)) for _ in range(size))
    roles = ("witness", "purchaser", "supervisor")
    custodians = tuple(
        Custodian(i, bytes(device.verify_key).hex(), f"保管人{i}", roles[(i - 1) % 3])
        for i, device in enumerate(devices, start=1)
    )
    ceremony = UUID(bytes=entropy.token(16), version=4)
    setup = Setup(keysetup.FORMAT, keysetup.SUITE, ceremony, threshold, count, custodians, sandbox=True)
    return Table(setup, devices, entropy)


def make(size: int = 3, threshold: int = 2, count: int = 1, *, seed: bytes = b"table") -> Made:
    """Return a whole key making."""
    table = sit(size, threshold, count, seed=seed)
    deals = table.deals()
    received = table.receive(deals)
    pairs = zip(received, table.devices, strict=True)
    certificates = [transcript.certify(table.setup, got, device) for got, device in pairs]
    content = transcript.finish(table.setup, received[0].deals, certificates)
    return Made(table, deals, received, certificates, content, transcript.verify_transcript(content))


def change(message: bytes, device: SigningKey | None, **fields: Any) -> bytes:
    """Return a message with other fields, signed again by its device, or left with its old signature."""
    told = json.loads(message)
    signature = told.pop("signature", None)
    told.update(fields)
    if device is None:
        return canonical.encode({**told, "signature": signature})
    return signed.write(told, device)
