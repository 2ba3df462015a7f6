"""`ggzy open-share`: a custodian helps to open a lot, after the device has checked that it may."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import custody
from api.cli.passphrase import ask
from api.client import Client
from api.custody import Asked
from api.locale import words
from bidding import keyfile
from bidding.custodian import Pins
from kernel.clock import isoformat
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError, Kind

MAX_PIN = 64 << 10


def command(
    lot: Annotated[UUID, typer.Argument(help=words("cli.open-share.lot"))],
    *,
    url: Annotated[str, typer.Option(envvar="GGZY_URL", help=words("cli.key.url"))],
    token: Annotated[str, typer.Option(envvar="GGZY_TOKEN", help=words("cli.key.token"))],
    chain: Annotated[Path, typer.Option(help=words("cli.open-share.chain"))],
    vkey: Annotated[Path, typer.Option(help=words("cli.open-share.vkey"))],
    stage: Annotated[int, typer.Option(help=words("cli.open-share.stage"), min=1, max=2)] = 1,
    key: Annotated[Path, typer.Option(help=words("cli.key.file"))] = Path("device.key"),
    passphrase_file: Annotated[Path | None, typer.Option(help=words("cli.key.passphrase_file"))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=words("cli.key.yes"))] = False,
) -> None:
    """Fetch the request, check it against the pinned keys, show what is being opened, and send this device's shares."""
    pinned = custody.pins(_read(chain), _read(vkey).decode("ascii", "replace"))
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
    print(words("cli.open-share.bids", {"bids": len(seen.bidders), "envelopes": len(seen.question.envelopes)}))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_PIN)
    except OSError as error:
        raise GgzyError("custody.no_pin", Kind.NOT_FOUND, name=path.name) from error
