"""Act: three custodians make the opening keys on their own devices; no machine ever holds a private key."""

import asyncio
from typing import Any
from uuid import UUID

from api import custody
from api.demo.cast import MAIN, PASSPHRASE, Cast, Person, party_code
from api.demo.console import Stage
from api.demo.papers import story
from bidding import keyfile
from bidding.transcript import Transcript
from kernel.entropy import Entropy

CUSTODIANS = {"witness": "witness", "purchaser": "purchaser", "supervisor": "supervisor"}
PAUSE = 0.05


async def make(stage: Stage, cast: Cast, lots: list[dict[str, Any]], site: str = MAIN) -> Transcript:
    """Hold one ceremony for a key per lot and give each lot its key; return the transcript."""
    with stage.act("keys"):
        draft = {
            "site": site,
            "purchaser": party_code(story()["purchaser"]),
            "custodians": [{"user": cast[login].user_id, "role": role} for login, role in CUSTODIANS.items()],
            "threshold": 2,
            "count": len(lots),
        }
        ceremony = await cast["witness"].client.post("/api/v1/ceremonies", draft)
        parts = (_take_part(cast[login], UUID(ceremony["id"]), cast.entropy) for login in CUSTODIANS)
        made = (await asyncio.gather(*parts))[0]
        stage.say("transcript", hash=made.hash.hex())
        for lot in lots:
            key = await cast["witness"].client.post(f"/api/v1/lots/{lot['id']}/opening-key")
            stage.say("key", lot=lot["number"], key=key["public_key"])
    return made


async def _take_part(person: Person, ceremony: UUID, entropy: Entropy) -> Transcript:
    """Run one custodian's rounds; the shares go into their key file before their certificate goes out."""

    def keep(name: str, value: bytes) -> None:
        person.key = keyfile.add(person.path, PASSPHRASE, name, value, entropy=entropy)

    setup = await custody.setup_of(person.client, ceremony)
    return await custody.make_keys(person.client, person.key, setup, keep=keep, entropy=entropy, pause=PAUSE)
