"""Waiting for background jobs: what has just happened is proven, and opened files are there, a moment later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kernel.errors import GgzyError

Answer = TypeVar("Answer")

PASSING = frozenset({"trail.not_sequenced", "opening.stage_not_reached", "dossier.not_extracted"})
TRIES, PAUSE = 100, 0.2  # seconds


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer, asking again while the platform says that its log is not so far yet."""
    for _ in range(TRIES):
        try:
            return await ask()
        except GgzyError as refusal:
            if refusal.code not in PASSING:
                raise
            await asyncio.sleep(PAUSE)
    return await ask()
