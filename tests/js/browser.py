"""The browser's offline checks, run in node (verify.mjs), for tests that hold them against `ggzy verify`."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from archive.recipe import Pins

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv" / "bin" / "node"
COMMAND = Path(__file__).with_name("verify.mjs")


async def verdicts(pins: Pins, *paths: Path) -> list[list[dict[str, Any]]]:
    """Return for each path what the browser's code found there: sort, steps that held, code of the refusal or None."""
    env = {"VKEY": pins.vkey or "", "CHAIN": (pins.chain_pem or b"").decode()}
    given = {name: value for name, value in env.items() if value}
    command = [NODE, "--no-warnings", COMMAND, *paths]
    run = await asyncio.to_thread(subprocess.run, command, env=given, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]
