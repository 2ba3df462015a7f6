"""`ggzy draw`: a participant's device commits and reveals, a custodian helps to recover, anybody replays offline."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import typer

from api import custody, drawing
from api.cli import files
from api.cli.options import DEVICE_KEY, Chain, KeyPath, PassphraseFile, Token, Url
from api.cli.passphrase import ask
from api.client import Client
from api.locale import words
from archive import note
from bidding import keyfile
from experts.verification import verify_draw
from kernel.entropy import SystemEntropy

MAX_TRANSCRIPT = 512 << 20

DrawId = Annotated[UUID, typer.Argument(help=words("cli.draw.id"))]
Role = Literal["centre", "purchaser", "supervisor"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.draw.help"))


@app.command(help=words("cli.draw.replay"))
def replay(
    file: Annotated[Path, typer.Argument(help=words("cli.draw.replay.file"))],
    vkey: Annotated[Path, typer.Option(help=words("cli.draw.replay.vkey"))],
) -> None:
    """Replay a transcript against the pinned key of the log and print what held."""
    key = note.parse_key(files.pin(vkey).decode("utf-8", "replace").strip())
    steps = verify_draw(files.read(file, MAX_TRANSCRIPT, "verify.unreadable"), key)
    for step in steps:
        name = words(f"cli.verify.step.{step.name}")
        print(words("cli.verify.step", {"number": step.number, "name": name, "detail": step.detail}))
    count = next(step.detail for step in steps if step.name == "result")
    print(words("cli.draw.replay.done", {"count": count}))


@app.command(help=words("cli.draw.commit"))
def commit(
    draw: DrawId,
    role: Annotated[Role, typer.Option(help=words("cli.draw.role"))],
    url: Url,
    token: Token,
    *,
    key: KeyPath = DEVICE_KEY,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a nonce, keep it in the key file, then send the signed commitment."""
    asyncio.run(_commit(Client(url, token=token), draw, role, key, ask(passphrase_file)))
    print(words("cli.draw.committed"))


@app.command(help=words("cli.draw.reveal"))
def reveal(
    draw: DrawId, url: Url, token: Token, *, key: KeyPath = DEVICE_KEY, passphrase_file: PassphraseFile = None
) -> None:
    """Reveal the nonce that the key file holds for this draw."""
    answer = asyncio.run(_reveal(Client(url, token=token), draw, key, ask(passphrase_file)))
    print(words("cli.draw.revealed", {"state": answer["state"]}))


@app.command(help=words("cli.draw.recover"))
def recover(
    draw: DrawId,
    url: Url,
    token: Token,
    chain: Chain,
    *,
    tsa: Annotated[str, typer.Option(help=words("cli.draw.tsa"))] = custody.TSA,
    key: KeyPath = DEVICE_KEY,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Give this custodian's shares of the withheld nonces, once the pinned time authority says that it is time."""
    pinned = files.pin(chain)
    clients = Client(url), Client(url, token=token)
    count = asyncio.run(_recover(*clients, draw, (tsa, pinned), (key, ask(passphrase_file))))
    print(words("cli.draw.shares", {"count": count}))


async def _commit(client: Client, draw: UUID, role: str, path: Path, passphrase: str) -> None:
    entropy = SystemEntropy()
    keep = partial(keyfile.add, path, passphrase, entropy=entropy)
    async with client:
        await drawing.commit(client, draw, role, keyfile.load(path, passphrase), keep=keep, entropy=entropy)


async def _reveal(client: Client, draw: UUID, path: Path, passphrase: str) -> Any:
    keep = partial(keyfile.add, path, passphrase, entropy=SystemEntropy())
    async with client:
        return await drawing.reveal(client, draw, keyfile.load(path, passphrase), keep=keep)


async def _recover(
    anonymous: Client, client: Client, draw: UUID, authority: tuple[str, bytes], file: tuple[Path, str]
) -> int:
    """Ask the time without this person's token: the authority may be somebody else's."""
    (tsa, chain_pem), entropy = authority, SystemEntropy()
    held, keep = keyfile.load(*file), partial(keyfile.add, *file, entropy=entropy)
    async with anonymous, client:
        now = await custody.trusted_time(anonymous, chain_pem, entropy=entropy, tsa=tsa)
        return await drawing.recover(client, draw, held, now, keep=keep, entropy=entropy)
