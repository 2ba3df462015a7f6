"""Where a signed-in person can go, and what waits for them: each module of pages contributes its part."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor, Role


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the navigation: its address, the code of its words, and who sees it (nobody named: everybody)."""

    path: str
    code: str
    roles: frozenset[Role] = frozenset()

    def shown_to(self, actor: Actor) -> bool:
        """Tell whether the person may have business there; the page itself decides."""
        return not self.roles or any(actor.holds(role) for role in self.roles)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person: the code of its words with params, where it is done, until when."""

    code: str
    path: str
    params: dict[str, object]
    due: datetime | None = None


Tasks = Callable[[AsyncSession, Actor], Awaitable[list[Task]]]


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries and all makers of tasks."""

    entries: tuple[Entry, ...]
    makers: tuple[Tasks, ...]

    def of(self, actor: Actor) -> list[Entry]:
        """Return the entries that the person sees."""
        return [entry for entry in self.entries if entry.shown_to(actor)]

    async def tasks(self, session: AsyncSession, actor: Actor) -> list[Task]:
        """Return what waits for the person, soonest first, the undated last."""
        found = [task for maker in self.makers for task in await maker(session, actor)]
        return sorted(found, key=lambda task: (task.due is None, task.due and task.due.timestamp(), task.code))


def gather(modules: Iterable[ModuleType]) -> Directory:
    """Return what the modules contribute as ``NAVIGATION`` and ``tasks``."""
    listed = list(modules)
    entries = tuple(entry for module in listed for entry in getattr(module, "NAVIGATION", ()))
    makers = tuple(module.tasks for module in listed if callable(getattr(module, "tasks", None)))
    return Directory(entries, makers)
