"""The progress bar of commands that take longer than a second."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(total: int | None, note: Callable[[], str] = str) -> Iterator[Callable[[int], None]]:
    """Show bytes, speed, time left and a `note` on a terminal, nothing elsewhere; yields what takes further bytes."""
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    from rich import progress  # noqa: PLC0415 - slow to import, needed for people only
    from rich.console import Console  # noqa: PLC0415 - slow to import, needed for people only

    columns = (
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.description}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(note(), total=total)
        yield lambda size: bars.update(task, advance=size, description=note())
