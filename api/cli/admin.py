"""`ggzy admin create`: the first three administrators (三员)."""

import asyncio

import typer

from api import server
from api.accounts import bootstrap
from api.locale import words
from api.settings import Settings
from api.wiring import installed

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.admin.help"))


@app.callback()
def group() -> None:
    """Keep `create` a word of its own."""


@app.command(help=words("cli.admin.create"))
def create() -> None:
    """Make the three administrators and show their passwords, this once."""
    with server.prepared(Settings()) as settings:
        for one in asyncio.run(_create(settings)):
            print(f"{one.name}  {one.login}  {one.password}")
    print(words("cli.admin.once"))


async def _create(settings: Settings) -> list[bootstrap.First]:
    async with installed(settings) as installation, installation.sessions.begin() as session:
        return await bootstrap.first_admins(session, installation.passwords, entropy=installation.entropy)
