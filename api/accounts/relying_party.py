"""Who asks a browser for a passkey; apart from `passkeys` because commands that read settings must start fast."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Party:
    """WebAuthn's relying party: the address as people type it, its host, and our name."""

    origin: str
    host: str
    name: str
