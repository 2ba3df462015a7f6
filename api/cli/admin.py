"""`ggzy admin`: the first three administrators (三员), and the way back for who lost every second factor."""

import asyncio

import typer

from api import server
from api.accounts import bootstrap, factors, services
from api.locale import words
from api.settings import Settings
from api.wiring import installed
from kernel.actor import SYSTEM

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.admin.help"))


@app.command(help=words("cli.admin.create"))
def create() -> None:
    """Make the three administrators and show their passwords, this once."""
    with server.prepared(Settings()) as settings:
        for one in asyncio.run(_create(settings)):
            print(f"{one.name}  {one.login}  {one.password}")
    print(words("cli.admin.once"))


@app.command("forget-factors", help=words("cli.admin.forget_factors"))
def forget_factors(login: str) -> None:
    """End a person's second factors, sessions and tokens on the machine's own word, as when nobody else can."""
    with server.prepared(Settings()) as settings:
        asyncio.run(_forget(settings, login))
    print(words("cli.admin.forgot", {"login": login}))


async def _forget(settings: Settings, login: str) -> None:
    async with installed(settings) as installation, installation.sessions.begin() as session:
        await factors.forfeit(session, SYSTEM, await services.known(session, login), entropy=installation.entropy)


async def _create(settings: Settings) -> list[bootstrap.First]:
    async with installed(settings) as installation, installation.sessions.begin() as session:
        return await bootstrap.first_admins(session, installation.passwords, entropy=installation.entropy)
