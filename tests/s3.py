"""A real S3 server for tests: Ceph RGW from Debian, in memory, on a free port of the loopback."""

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTALL = "apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw ceph-common uuid-runtime"
_RECIPE = Path(__file__).parent / "tools" / "ceph-rgw"
_MONITOR_OFFSET = 1000
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str

    def new_bucket_name(self) -> str:
        """Return a bucket name that nobody else uses."""
        return f"test-{secrets.token_hex(8)}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the session; skipped, with the command, where Ceph is not installed."""
    missing = [name for name in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin") if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: {INSTALL}")
    folder = tmp_path_factory.mktemp("ceph")
    try:
        told = dict(line.split("=", 1) for line in _up(folder).splitlines())
        endpoint = told["S3_ENDPOINT"].removeprefix("http://")
        yield Server(endpoint, told["S3_ACCESS_KEY"], told["S3_SECRET_KEY"], told["S3_REGION"])
    finally:
        subprocess.run([_RECIPE, "down", folder], check=True)


def _up(folder: Path) -> str:
    """Start the server, anew if need be: on a busy machine Ceph now and then trips over its own start."""
    for left in range(_TRIES, 0, -1):
        up = subprocess.run([_RECIPE, "up", folder, str(_free_port())], capture_output=True, text=True, check=False)
        if up.returncode == 0:
            break
        assert left > 1, up.stderr
        subprocess.run([_RECIPE, "down", folder], check=True)
        shutil.rmtree(folder)
    return up.stdout


def _free_port() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + _MONITOR_OFFSET > 65535:
                continue
            try:
                second.bind(("127.0.0.1", port + _MONITOR_OFFSET))
            except OSError:
                continue
            return port
