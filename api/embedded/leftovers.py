"""Processes that a killed supervisor or a killed postmaster left behind."""

import contextlib
import signal
from pathlib import Path

import psutil

PATIENCE = 20.0  # seconds


def stop(data: Path) -> None:
    """Stop every PostgreSQL process that works in this data folder and wait until it is gone.

    Only the holder of the cluster's lock may call this: whatever still runs there has no supervisor any more.
    """
    for order in (signal.SIGINT, signal.SIGKILL):  # fast shutdown first
        processes = working_in(data)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(order)
        psutil.wait_procs(processes, timeout=PATIENCE)


def working_in(data: Path) -> list[psutil.Process]:
    """Return PostgreSQL's processes of this data folder: they change into it, and nothing else does."""
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == data:
                found.append(process)
    return found
