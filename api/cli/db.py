"""`ggzy db upgrade`: bring the database to the newest revision."""

import typer

from api import schema, server
from api.locale import words
from api.settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.db.help"))


@app.callback()
def group() -> None:
    """Keep `upgrade` a word of its own."""


@app.command(help=words("cli.db.upgrade"))
def upgrade() -> None:
    """Bring the database to the newest revision and say which that is."""
    with server.prepared(Settings()):
        print(words("cli.db.upgraded", {"revision": schema.newest()}))
