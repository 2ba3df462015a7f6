"""A sequencer that stops dead in the middle of a batch: run as a process of its own and killed by the test.

Usage: python killed.py URL STATEMENTS — runs one batch, says ``stopped`` after that many statements (or before the
commit) and waits to be killed.
"""

import asyncio
import sys
import time

from sqlalchemy import event

from archive.note import Signer
from archive.sequencer import sequence
from kernel import database
from kernel.entropy import SystemEntropy


def stop() -> None:
    """Say so and wait for the end, holding the transaction."""
    print("stopped", flush=True)  # noqa: T201 - the parent waits for this line
    time.sleep(60)


async def main(url: str, statements: int) -> None:
    """Run one batch and never commit."""
    engine = database.connect(url, pool_size=1)
    done = 0

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == statements:
            stop()

    async with database.sessions(engine).begin() as session:
        await sequence(session, Signer("log.example/sandbox", bytes(32)), entropy=SystemEntropy())
        stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
