"""The peer of the public pages: a bare Litestar application with one JSON route, under the settings of our server."""

import sys

from granian import Granian
from granian.constants import Interfaces
from litestar import Litestar, get


@get("/")
async def hello() -> dict[str, str]:
    """Return a small JSON object."""
    return {"hello": "world"}


def app() -> Litestar:
    """Return the application."""
    return Litestar([hello], logging_config=None, openapi_config=None)


if __name__ == "__main__":
    Granian(
        "tests.benchmarks.bare_json:app",
        factory=True,
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        log_enabled=False,
    ).serve()
