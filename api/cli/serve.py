"""`ggzy serve`: run the platform."""

from typing import Annotated, Any

import typer

from api import server
from api.locale import words
from api.settings import Settings


def command(
    host: Annotated[str | None, typer.Option(help=words("cli.serve.host"))] = None,
    port: Annotated[int | None, typer.Option(help=words("cli.serve.port"), min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help=words("cli.serve.workers"), min=1, max=64)] = None,
    sandbox: Annotated[bool | None, typer.Option(help=words("cli.serve.sandbox"))] = None,
) -> None:
    """Serve until interrupted; options go before the environment."""
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "sandbox": sandbox}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    print(words("cli.serve.starting", {"host": settings.host, "port": settings.port}), flush=True)
    server.serve(settings)
