"""The HTTP faces of the packages: one module per package, its controllers collected here.

A handler parses, calls one service and returns a value; it decides nothing. It names what it needs as arguments
(`api.dependencies`). A route that takes a large raw body is declared ``opt=STREAMED`` (`api.transaction`) with its own
``request_max_body_size``, takes `sessions` in place of `session`, and opens short transactions itself. A write answers
only after its transaction was committed; every answer of 400 and above rolled it back.
"""

from importlib import import_module
from pkgutil import iter_modules

from litestar import Controller
from litestar.handlers import BaseRouteHandler


def collect() -> list[type[Controller] | BaseRouteHandler]:
    """Return every controller of the modules in this folder, and every handler named in a module's ``HANDLERS``."""
    found: list[type[Controller] | BaseRouteHandler] = []
    for info in sorted(iter_modules(__path__), key=lambda info: info.name):
        module = import_module(f"{__name__}.{info.name}")
        classes = (value for value in vars(module).values() if isinstance(value, type))
        found.extend(one for one in classes if issubclass(one, Controller) and one.__module__ == module.__name__)
        found.extend(getattr(module, "HANDLERS", ()))
    return found
