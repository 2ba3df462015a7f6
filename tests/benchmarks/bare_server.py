"""The peer of the upload benchmark: a bare ASGI application that hashes and syncs each body to disk."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Store the body of any request under its path; answer with its SHA-256."""
    if scope["type"] != "http":
        return
    digest, more = hashlib.sha256(), True
    name = scope["path"].strip("/").replace("/", "-") or "empty"
    with (Path(os.environ["BARE_FOLDER"]) / name).open("wb", buffering=0) as file:
        while more:
            message = await receive()
            digest.update(message.get("body", b""))
            file.write(message.get("body", b""))
            more = message.get("more_body", False)
        os.fsync(file.fileno())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": digest.hexdigest().encode()})


if __name__ == "__main__":
    Granian(
        "tests.benchmarks.bare_server:app",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        log_enabled=False,
    ).serve()
