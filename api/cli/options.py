"""Options that several commands share, so that they are named and explained alike everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from api.locale import words

Url = Annotated[str, typer.Option(envvar="GGZY_URL", help=words("cli.key.url"))]
Token = Annotated[str, typer.Option(envvar="GGZY_TOKEN", help=words("cli.key.token"))]
KeyPath = Annotated[Path, typer.Option("--key", help=words("cli.key.file"))]
PassphraseFile = Annotated[Path | None, typer.Option(help=words("cli.key.passphrase_file"))]
Yes = Annotated[bool, typer.Option("--yes", help=words("cli.key.yes"))]
Chain = Annotated[Path, typer.Option(help=words("cli.open-share.chain"))]
Vkey = Annotated[Path, typer.Option(help=words("cli.open-share.vkey"))]

DEVICE_KEY = Path("device.key")
