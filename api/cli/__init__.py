"""The command line: `ggzy COMMAND …`. Exit codes: 0 done, 1 refused or not verified, 2 wrong usage.

This top imports nothing but the catalogue, so that help comes at once; each command's module is imported when it is
called and offers `app` (a `typer.Typer`) or `command` (a function).
"""

import sys
from collections.abc import Callable
from importlib import import_module

from api.locale import DEFAULT, words

COMMANDS = {
    "serve": "api.cli.serve",
    "demo": "api.cli.demo",
    "doctor": "api.cli.doctor",
    "db": "api.cli.db",
    "admin": "api.cli.admin",
    "seal": "api.cli.seal",
    "submit": "api.cli.submit",
    "withdraw": "api.cli.withdraw",
    "open-share": "api.cli.open_share",
    "key": "api.cli.key",
    "draw": "api.cli.draw",
    "verify": "api.cli.verify",
    "archive": "api.cli.archive",
}
REFUSED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        _help()
        sys.exit(0 if given else USAGE)
    if given[0] == "--version":
        from importlib.metadata import version  # noqa: PLC0415 - slow to import

        print(version("ggzy"))
        sys.exit(0)
    if given[0] not in COMMANDS:
        print(words("cli.unknown_command", {"command": given[0][:40]}), file=sys.stderr)
        sys.exit(USAGE)
    _run(given[0], given[1:])


def _help() -> None:
    print(words("cli.help.head"))
    print()
    width = max(map(len, COMMANDS)) + 2
    for name in COMMANDS:
        print(f"  {name:<{width}}{words(f'cli.{name}.help', locale=DEFAULT)}")
    print()
    print(words("cli.help.tail"))


def _run(name: str, arguments: list[str]) -> None:
    from kernel.errors import GgzyError  # noqa: PLC0415 - not needed for help

    try:
        _application(name)(args=arguments, prog_name=f"ggzy {name}")
    except GgzyError as error:
        text = words(error.code, error.params)
        print(words("cli.refused", {"words": text, "code": error.code}), file=sys.stderr)
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _application(name: str) -> Callable[..., object]:
    import typer  # noqa: PLC0415 - the slowest import of all

    module = import_module(COMMANDS[name])
    if hasattr(module, "app"):
        offered: Callable[..., object] = module.app
        return offered
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command(help=words(f"cli.{name}.help"))(module.command)
    return application
