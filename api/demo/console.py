"""What the demo prints: numbered steps with their durations, progress bars on long work, and the summary of it all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from api.locale import words


class Stage:
    """The demo's console: `act` wraps one step, `say` tells a fact within it, `progress` shows bytes going by."""

    def __init__(self, console: Console | None = None) -> None:
        """Print to the console given, or to standard output."""
        self.console = console or Console(highlight=False)
        self.steps: list[dict[str, Any]] = []

    @contextmanager
    def act(self, name: str, /, **params: object) -> Iterator[None]:
        """Print the heading of a step, run it, and keep how long it took."""
        number = len(self.steps) + 1
        title = words(f"demo.act.{name}", params)
        self.console.print(f"[bold cyan]{number:>2}. {title}[/]")
        started = time.perf_counter()
        yield
        seconds = round(time.perf_counter() - started, 2)
        self.steps.append({"number": number, "name": name, "title": title, "seconds": str(seconds)})
        self.console.print(f"    [dim]{words('demo.took', {'seconds': seconds})}[/]")

    def say(self, name: str, /, **params: object) -> None:
        """Print one fact of the present step."""
        self.console.print(f"    {words(f'demo.say.{name}', params)}", soft_wrap=True)

    @contextmanager
    def progress(self, name: str, total: int, /, **params: object) -> Iterator[Any]:
        """Show a bar over `total` bytes; yields a function that is told how many more are done."""
        columns = (TextColumn("    {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        quiet = not self.console.is_terminal
        with Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True, disable=quiet) as bar:
            task = bar.add_task(words(f"demo.say.{name}", params), total=total)
            yield lambda done: bar.advance(task, done)
