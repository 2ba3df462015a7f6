"""`ggzy demo`: play one whole trade on real files, then serve it."""

from pathlib import Path
from typing import Annotated

import typer

from api.locale import words


def command(
    *,
    out: Annotated[Path | None, typer.Option(help=words("cli.demo.out"))] = None,
    leave: Annotated[bool, typer.Option("--exit", help=words("cli.demo.exit"))] = False,
    bids: Annotated[int, typer.Option(help=words("cli.demo.bids"), min=1, max=500)] = 5,
    size: Annotated[int, typer.Option(help=words("cli.demo.size"), min=1, max=8192)] = 64,
    port: Annotated[int, typer.Option(help=words("cli.demo.port"), min=1, max=65535)] = 8000,
    home: Annotated[Path, typer.Option(help=words("cli.demo.home"))] = Path("var/demo"),
) -> None:
    """Play the trade unless it was played, write its artefacts if asked, serve until interrupted."""
    from api.demo.play import Wish, run  # noqa: PLC0415 - brings the whole platform

    run(Wish(home.resolve(), bids, size, port, None if out is None else out.resolve(), leave))
