"""`ggzy archive validate BAG`: check one package, a folder or a tar."""

from pathlib import Path
from typing import Annotated

import typer

from api.artefacts import Artefact, Sort
from api.cli.verify import pinned, report
from api.locale import words

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.archive.help"))


@app.callback()
def group() -> None:
    """Keep `validate` a word of its own."""


@app.command(help=words("cli.archive.validate"))
def validate(
    bag: Annotated[Path, typer.Argument(help=words("cli.archive.bag"))],
    *,
    vkey: Annotated[Path | None, typer.Option(help=words("cli.verify.vkey"))] = None,
    tsa_chain: Annotated[Path | None, typer.Option(help=words("cli.verify.tsa_chain"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=words("cli.verify.json"))] = False,
) -> None:
    """Check that the bag is whole and proves itself."""
    report([Artefact(Sort.PACKAGE, bag)], pinned(vkey, tsa_chain), as_json=as_json)
