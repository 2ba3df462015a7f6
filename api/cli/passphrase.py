"""Where a command takes the passphrase of a key file from: a file, the environment, or the person at the terminal."""

import os
import sys
from getpass import getpass
from pathlib import Path

from api.locale import words
from kernel.errors import GgzyError, Kind

VARIABLE = "GGZY_PASSPHRASE"
MAX_SIZE = 4096


def ask(file: Path | None = None, *, twice: bool = False) -> str:
    """Return the passphrase; `twice` asks again when a new key file is made.

    Raises GgzyError ``passphrase.not_given`` where there is nobody to ask, ``passphrase.differs``.
    """
    if file is not None:
        return _first_line(file)
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise GgzyError("passphrase.not_given", Kind.INVALID, variable=VARIABLE)
    given = getpass(words("cli.passphrase.ask"))
    if twice and getpass(words("cli.passphrase.again")) != given:
        raise GgzyError("passphrase.differs", Kind.INVALID)
    return given


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_SIZE).splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise GgzyError("passphrase.not_given", Kind.INVALID, variable=VARIABLE) from error
