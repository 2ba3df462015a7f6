"""`ggzy doctor`: look at everything that an installation stands on."""

import asyncio

import typer

from api import server
from api.examination import examine
from api.locale import words
from api.settings import Settings
from api.wiring import installed


def command() -> None:
    """Print one line per check; exit code 1 when one is not well."""
    with server.prepared(Settings()) as settings:
        well = asyncio.run(_report(settings))
    if not well:
        raise typer.Exit(1)


async def _report(settings: Settings) -> bool:
    well = True
    async with installed(settings) as installation:
        async for finding in examine(installation):
            mark = words("doctor.well" if finding.well else "doctor.ill")
            print(f"{mark} {words(f'doctor.{finding.name}')}：{words(finding.value)}", flush=True)
            well &= finding.well
    return well
