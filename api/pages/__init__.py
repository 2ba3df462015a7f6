"""The pages: one module (or package) per area, its controllers collected here.

A page parses a form, calls the services that the API calls, and shows what they return or why they refuse; it decides
nothing. What it is made with stands in `api.web`. A module may also contribute to the navigation (``NAVIGATION``) and
to people's lists of tasks (``tasks``).
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from litestar import Controller
from litestar.handlers import BaseRouteHandler


def modules() -> Iterator[ModuleType]:
    """Yield every module of pages, in the order of their names."""
    for info in sorted(walk_packages(__path__, f"{__name__}."), key=lambda info: info.name):
        yield import_module(info.name)


def collect() -> list[type[Controller] | BaseRouteHandler]:
    """Return every controller of the modules, and every handler named in a module's ``HANDLERS``."""
    found: list[type[Controller] | BaseRouteHandler] = []
    for module in modules():
        classes = (value for value in vars(module).values() if isinstance(value, type))
        found.extend(one for one in classes if issubclass(one, Controller) and one.__module__ == module.__name__)
        found.extend(getattr(module, "HANDLERS", ()))
    return found
