"""`ggzy withdraw`: take a bid back before its deadline by a statement that the device signs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from api import bidder
from api.cli import files
from api.cli.options import DEVICE_KEY, KeyPath, PassphraseFile, Token, Url, Yes
from api.cli.passphrase import ask
from api.cli.submit import pinned
from api.client import Client
from api.locale import words
from archive import receipt as receipts
from bidding import keyfile
from bidding.keyfile import KeyFile
from kernel.clock import isoformat


def command(
    receipt: Annotated[Path, typer.Argument(help=words("cli.withdraw.receipt"))],
    *,
    url: Url,
    token: Token,
    key: KeyPath = DEVICE_KEY,
    passphrase_file: PassphraseFile = None,
    chain: Annotated[Path | None, typer.Option(help=words("cli.submit.chain"))] = None,
    vkey: Annotated[Path | None, typer.Option(help=words("cli.submit.vkey"))] = None,
    yes: Yes = False,
) -> None:
    """Sign the withdrawal of the bid of this receipt, and keep the acknowledgment in ``withdrawal/`` beside it."""
    content = files.read(receipt, receipts.MAX_SIZE, "receipt.missing")
    said = receipts.decode(content).event.data
    print(words("cli.withdraw.what", {"bid": said["bid"], "lot": said["lot"], "deadline": said["deadline"]}))
    if not yes:
        typer.confirm(words("cli.withdraw.confirm"), abort=True)
    keys = keyfile.load(key, ask(passphrase_file))
    folder = receipt.parent / "withdrawal"
    kept = asyncio.run(_withdraw(Client(url, token=token), content, keys, (chain, vkey), folder))
    at = receipts.decode(kept.content).event.at
    print(words("cli.withdraw.done", {"at": isoformat(at), "path": folder / "receipt.json"}))


async def _withdraw(
    client: Client, content: bytes, keys: KeyFile, pins: tuple[Path | None, Path | None], folder: Path
) -> receipts.Files:
    async with client:
        against = await pinned(client, *pins)
        return await bidder.withdraw(client, content, keys.signing_key(), keys=against, folder=folder)
