"""Logs are JSON lines without secrets."""

import json
from collections.abc import Iterator

import pytest
import structlog

from api import logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_fault_is_told_without_the_values_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback in the log holds files and lines, never the local variables."""
    logging.configure()
    log, passphrase = structlog.get_logger(), "hunter" + "2"
    try:
        len(passphrase) / 0
    except ZeroDivisionError:
        log.exception("server.failed")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "server.failed"
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize("name", ["password", "Authorization", "session_token", "set_cookie", "log_seed", "share"])
def test_values_named_like_secrets_are_blotted(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Whoever logs a secret by mistake logs its name only."""
    logging.configure()
    structlog.get_logger().warning("oops", **{name: "hunter2"})
    assert "hunter2" not in capsys.readouterr().err
