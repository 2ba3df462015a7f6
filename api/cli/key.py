"""`ggzy key`: a device's key file: made, enrolled with the platform, and used to make opening keys as a custodian."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import custody
from api.cli.options import DEVICE_KEY, KeyPath, PassphraseFile, Token, Url, Yes
from api.cli.passphrase import ask
from api.client import Client
from api.locale import words
from bidding import keyfile, keysetup
from bidding.keyfile import KeyFile
from bidding.keysetup import Setup
from bidding.transcript import Transcript
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError, Kind

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help=words("cli.key.help")
)


@app.command(help=words("cli.key.new.help"))
def new(key: KeyPath = DEVICE_KEY, passphrase_file: PassphraseFile = None) -> None:
    """Make a key file under a passphrase; an existing file is never overwritten."""
    if key.exists():
        raise GgzyError("keyfile.exists", Kind.CONFLICT, name=key.name)
    entropy = SystemEntropy()
    made = keyfile.create(entropy)
    keyfile.save(key, made, ask(passphrase_file, twice=True), entropy=entropy)
    print(words("cli.key.new.done", {"path": key, "fingerprint": keysetup.fingerprint(_public(made))}))


@app.command(help=words("cli.key.enrol.help"))
def enrol(url: Url, token: Token, key: KeyPath = DEVICE_KEY, passphrase_file: PassphraseFile = None) -> None:
    """Enrol the device's key with the platform by proof of possession."""
    made = keyfile.load(key, ask(passphrase_file))
    asyncio.run(_enrol(Client(url, token=token), made))
    print(words("cli.key.enrol.done", {"fingerprint": keysetup.fingerprint(_public(made))}))


@app.command(help=words("cli.key.make.help"))
def make(
    ceremony: Annotated[UUID, typer.Argument(help=words("cli.key.make.ceremony"))],
    url: Url,
    token: Token,
    key: KeyPath = DEVICE_KEY,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
) -> None:
    """Take part in a key making to its end; broken off, it goes on when called again."""
    passphrase = ask(passphrase_file)
    made = asyncio.run(_make(Client(url, token=token), ceremony, (key, passphrase), yes=yes))
    print(words("cli.key.make.done", {"count": len(made.keys), "hash": made.hash.hex()}))


async def _enrol(client: Client, made: KeyFile) -> None:
    from api import device  # noqa: PLC0415 - brings the database's libraries

    async with client:
        await device.enrol(client, made)


async def _make(client: Client, ceremony: UUID, file: tuple[Path, str], *, yes: bool) -> Transcript:
    path, passphrase = file
    entropy = SystemEntropy()
    held = keyfile.load(path, passphrase)

    keep = partial(keyfile.add, path, passphrase, entropy=entropy)
    async with client:
        setup = await custody.setup_of(client, ceremony)
        _show(setup)
        if not yes:
            typer.confirm(words("cli.key.make.confirm"), abort=True)
        return await custody.make_keys(client, held, setup, keep=keep, entropy=entropy)


def _show(setup: Setup) -> None:
    told = {"count": setup.count, "threshold": setup.threshold, "size": setup.size, "id": setup.ceremony}
    print(words("cli.key.make.setup", told))
    for one in setup.custodians:
        role = words(f"cli.key.role.{one.role}")
        fingerprint = keysetup.fingerprint(bytes.fromhex(one.device_key))
        print(words("cli.key.make.custodian", {"index": one.index, "name": one.name, "role": role, "key": fingerprint}))
    if setup.sandbox:
        print(words("cli.key.make.sandbox"))


def _public(made: KeyFile) -> bytes:
    return bytes(made.signing_key().verify_key)
