"""The command line's top: quick, in Chinese, with the exit codes that scripts rely on."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from api import cli
from api.locale import DEFAULT, catalogue

HEAVY = ("typer", "litestar", "sqlalchemy", "msgspec", "babel", "cryptography", "nacl", "httpx", "asyncio")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`ggzy --help` names each command with its words and ends with 0; without arguments it is wrong usage."""
    for arguments, code in ((["--help"], 0), (["-h"], 0), ([], 2)):
        with pytest.raises(SystemExit) as left:
            cli.main(arguments)
        assert left.value.code == code
        told = capsys.readouterr().out
        assert all(f"  {name} " in told and catalogue(DEFAULT)[f"cli.{name}.help"] in told for name in cli.COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    """The help's quickness rests on what it leaves out."""
    script = "import sys\nfrom api import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_a_module_and_a_help(name: str) -> None:
    """`ggzy COMMAND --help` works for every command that is listed."""
    assert find_spec(cli.COMMANDS[name]) is not None
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", name, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"ggzy {name}" in done.stdout


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, words on standard error."""
    with pytest.raises(SystemExit) as left:
        cli.main(["nonsense"])
    assert left.value.code == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_wrong_option_is_wrong_usage() -> None:
    """A sub-command's usage error is 2 as well."""
    done = subprocess.run([sys.executable, "-m", "api.cli", "serve", "--port", "x"], capture_output=True, check=False)
    assert done.returncode == 2


def test_a_refusal_is_one_with_words_and_code() -> None:
    """A refusal ends with 1 and tells words and code on standard error, without a traceback."""
    environment = {"GGZY_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "db", "upgrade"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "database.unavailable" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`ggzy --version` tells the distribution's version."""
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip()
