"""`ggzy open-share`: a custodian helps to open a lot, after the device has checked that it may."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import custody
from api.cli import files
from api.cli.options import DEVICE_KEY, Chain, KeyPath, PassphraseFile, Token, Url, Vkey, Yes
from api.cli.passphrase import ask
from api.client import Client
from api.custody import Asked
from api.locale import words
from bidding import keyfile
from bidding.custodian import Pins
from kernel.clock import isoformat
from kernel.entropy import SystemEntropy


def command(
    lot: Annotated[UUID, typer.Argument(help=words("cli.open-share.lot"))],
    *,
    url: Url,
    token: Token,
    chain: Chain,
    vkey: Vkey,
    stage: Annotated[int, typer.Option(help=words("cli.open-share.stage"), min=1, max=2)] = 1,
    key: KeyPath = DEVICE_KEY,
    passphrase_file: PassphraseFile = None,
    yes: Yes = False,
) -> None:
    """Fetch the request, check it against the pinned keys, show what is being opened, and send this device's shares."""
    pinned = custody.pins(files.pin(chain), files.pin(vkey).decode("ascii", "replace"))
    passphrase = ask(passphrase_file)
    given = asyncio.run(_help_open(Client(url, token=token), lot, stage, pinned, (key, passphrase), yes=yes))
    print(words("cli.open-share.done", {"count": given}))


async def _help_open(client: Client, lot: UUID, stage: int, pinned: Pins, file: tuple[Path, str], *, yes: bool) -> int:
    path, passphrase = file
    entropy = SystemEntropy()
    async with client:
        asked = await custody.ask(client, keyfile.load(path, passphrase), lot, stage, pinned)
        _show(asked)
        if not yes:
            typer.confirm(words("cli.open-share.confirm"), abort=True)
        # Kept before the answer goes out, so that no older deadline is ever believed again.
        keyfile.save(path, asked.keys, passphrase, entropy=entropy)
        await custody.answer(client, asked, entropy=entropy)
    return len(asked.examined.question.envelopes)


def _show(asked: Asked) -> None:
    seen = asked.examined
    print(words("cli.open-share.what", {"lot": seen.lot, "stage": seen.stage, "index": asked.index}))
    print(words("cli.open-share.time", {"deadline": isoformat(seen.deadline), "stamped": isoformat(seen.stamped_at)}))
    kinds = dict.fromkeys(envelope.kind for envelope in seen.question.envelopes)
    print(words("cli.open-share.kinds", {"kinds": "、".join(words(f"cli.seal.kind.{kind.value}") for kind in kinds)}))
    print(words("cli.open-share.bids", {"bids": len(seen.bidders), "envelopes": len(seen.question.envelopes)}))
