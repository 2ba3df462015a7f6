"""The sequencer: contiguous indexes, nothing lost, nothing twice, and what it publishes proves itself."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint as checkpoints
from archive import event as events
from archive import feed, merkle, note, sequencer, trail
from archive import proof as proofs
from archive.note import Key, Signer
from archive.sequencer import Waiting, sequence
from kernel.actor import SYSTEM
from kernel.database import Sessions
from kernel.entropy import SeededEntropy, SystemEntropy
from kernel.errors import GgzyError

SIGNER = Signer("log.example/sandbox", bytes(32))
HERE = Path(__file__).parent


async def append(sessions: Sessions, entropy: SeededEntropy, count: int) -> list[bytes]:
    """Record events in one committed transaction and return their commitments."""
    async with sessions.begin() as session:
        return [
            (await trail.record(session, SYSTEM, "bid.received", {"n": n}, entropy=entropy)).commitment
            for n in range(count)
        ]


async def run(sessions: Sessions, entropy: SeededEntropy) -> int:
    """Run one batch, commit it, and return the size of the log."""
    async with sessions.begin() as session:
        await sequence(session, SIGNER, entropy=entropy)
    async with sessions() as session:
        return (await feed.checkpoint(session)).size


async def logged(sessions: Sessions) -> list[trail.Entry]:
    """Follow the feed to its end, as a reader does; heartbeats left out."""
    found: list[trail.Entry] = []
    after = -1
    async with sessions() as session:
        while page := await feed.feed(session, after, 100):
            assert [entry.index for entry in page] == list(range(after + 1, after + 1 + len(page)))
            after = page[-1].index
            found += [entry for entry in page if events.verify(entry.opening).kind != events.HEARTBEAT]
    return found


async def test_a_log_grows_and_its_folder_verifies(sessions: Sessions, entropy: SeededEntropy, tmp_path: Path) -> None:
    """After several batches every event is in once, in order of arrival, and the exported folder derives again."""
    commitments = []
    sizes = []
    for count in (0, 1, 3, 300, 513):
        commitments += await append(sessions, entropy, count)
        sizes.append(await run(sessions, entropy))
    async with sessions() as session:
        head = await feed.export_log(session, tmp_path / "log", SIGNER.vkey)
        assert proofs.verify_log(tmp_path / "log", SIGNER.vkey) == head
        leaves = list(proofs.read_commitments(tmp_path / "log", head.size))
        assert [leaf for leaf in leaves if leaf in set(commitments)] == commitments
        for commitment in commitments[::97]:
            index, seen = proofs.verify_proof(await trail.proof(session, commitment), commitment, SIGNER.key)
            assert (leaves[index], seen) == (commitment, head)
        hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
        for old in sizes:
            path = await trail.consistency(session, old, head.size)
            merkle.verify_consistency(old, merkle.root(hashes[:old]), head.size, head.root, path)


async def test_a_late_commit_gets_a_later_index(sessions: Sessions, entropy: SeededEntropy) -> None:
    """An event that arrived first and commits last is in no batch before its commit, and in the next one after it."""
    async with sessions() as slow:
        first = await trail.record(slow, SYSTEM, "bid.received", {}, entropy=entropy)
        (second,) = await append(sessions, entropy, 1)
        await run(sessions, entropy)
        assert [e.opening.commitment for e in await logged(sessions)] == [second]
        await slow.commit()
    await run(sessions, entropy)
    assert [e.opening.commitment for e in await logged(sessions)] == [second, first.commitment]


async def test_two_sequencers_at_once(sessions: Sessions, entropy: SeededEntropy) -> None:
    """While one batch is not yet committed, another returns None and publishes nothing."""
    await append(sessions, entropy, 2)
    async with sessions() as first, sessions() as second:
        head = await sequence(first, SIGNER, entropy=entropy)
        assert head is not None
        assert await sequence(second, SIGNER, entropy=entropy) is None
        await second.rollback()
        with pytest.raises(GgzyError, match=r"checkpoint\.not_found"):
            await feed.checkpoint(second)
        await first.commit()
        await second.rollback()
        assert await feed.checkpoint(second) == head


async def test_writers_sequencers_and_a_reader_race(sessions: Sessions) -> None:
    """Twelve writers that commit late or not at all, three sequencers, one reader: every committed event, once."""
    entropy, chance = SystemEntropy(), random.Random(3)  # noqa: S311 - only chooses who waits
    committed: list[bytes] = []
    writing = True

    async def write() -> None:
        for _ in range(12):
            async with sessions() as session:
                count = chance.randint(1, 3)
                made = [await trail.record(session, SYSTEM, "bid.received", {}, entropy=entropy) for _ in range(count)]
                await asyncio.sleep(chance.random() / 20)
                if chance.random() < 0.2:
                    await session.rollback()
                else:
                    await session.commit()
                    committed.extend(opening.commitment for opening in made)

    async def publish() -> None:
        while writing:
            async with sessions.begin() as session:
                await sequence(session, SIGNER, entropy=entropy)
                await asyncio.sleep(chance.random() / 100)

    seen: list[trail.Entry] = []

    async def follow() -> None:
        while writing:
            async with sessions() as session:
                seen.extend(await feed.feed(session, len(seen) - 1, 50))
            await asyncio.sleep(0)

    others = [asyncio.create_task(job()) for job in (publish, publish, publish, follow)]
    await asyncio.gather(*(write() for _ in range(12)))
    writing = False
    await asyncio.gather(*others)
    await run(sessions, SeededEntropy(b"last"))
    entries = await logged(sessions)
    assert Counter(e.opening.commitment for e in entries) == Counter(committed)
    assert [e.index for e in seen] == list(range(len(seen)))
    real = [e for e in seen if events.verify(e.opening).kind != events.HEARTBEAT]
    assert real == entries[: len(real)]


async def test_a_sequencer_killed_anywhere_leaves_nothing(
    sessions: Sessions, database: str, entropy: SeededEntropy, tmp_path: Path
) -> None:
    """Kill -9 after each statement of a batch, and before its commit: nothing of it remains, the next batch goes on."""
    commitments = []
    for statements in range(1, 12):
        commitments += await append(sessions, entropy, 30)
        before = await head_size(sessions)
        await asyncio.to_thread(kill_after, database, statements)
        assert await head_size(sessions) == before
        while await run_once(sessions, entropy) is None:  # noqa: ASYNC110 - the server notices a dead client in its time
            await asyncio.sleep(0.02)
        assert [e.opening.commitment for e in await logged(sessions)] == commitments
    async with sessions() as session:
        await feed.export_log(session, tmp_path / "log", SIGNER.vkey)
    proofs.verify_log(tmp_path / "log", SIGNER.vkey)


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE {} SET {} = {}", "evidence"),
        ("DELETE FROM {}", "evidence"),
        ("TRUNCATE {} CASCADE", "evidence"),
    ],
)
async def test_what_is_published_is_never_changed(
    session: AsyncSession, entropy: SeededEntropy, statement: str, wrong: str
) -> None:
    """UPDATE, DELETE and TRUNCATE of every table of the log are refused by the database itself."""
    for _ in range(260):
        await trail.record(session, SYSTEM, "bid.received", {}, entropy=entropy)
    head = await sequence(session, SIGNER, entropy=entropy)
    assert head is not None
    await session.execute(text("INSERT INTO log_stamp VALUES (:size, '')"), {"size": head.size})
    await session.execute(text("INSERT INTO log_cosignature VALUES (:size, 'k', 'l')"), {"size": head.size})
    for table, column in {
        "log_entry": "index",
        "log_node": "index",
        "log_checkpoint": "note",
        "log_stamp": "response",
        "log_cosignature": "line",
    }.items():
        with pytest.raises(IntegrityError, match=wrong):
            async with session.begin_nested():
                await session.execute(text(statement.format(table, column, column)))


async def test_the_database_keeps_the_log_without_gaps(session: AsyncSession, entropy: SeededEntropy) -> None:
    """An index beyond the end, an index given twice and an event dropped from the queue are refused by the database."""
    for _ in range(2):
        await trail.record(session, SYSTEM, "bid.received", {}, entropy=entropy)
    numbers = (await session.execute(text("SELECT number FROM event_pending ORDER BY number"))).scalars().all()
    first, second = numbers
    await session.execute(text("INSERT INTO log_entry VALUES (0, :n)"), {"n": first})
    for statement, number in (
        ("INSERT INTO log_entry VALUES (2, :n)", second),
        ("INSERT INTO log_entry VALUES (0, :n)", second),
        ("INSERT INTO log_entry VALUES (1, :n)", first),
        ("DELETE FROM event_pending WHERE number = :n", second),
        ("UPDATE event_pending SET number = number + :n", second),
    ):
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(text(statement), {"n": number})
    await session.execute(text("DELETE FROM event_pending WHERE number = :n"), {"n": first})


async def test_another_key_cannot_go_on(session: AsyncSession, entropy: SeededEntropy) -> None:
    """A log that one key signed is not extended by another key, of the same name or not."""
    assert await sequence(session, SIGNER, entropy=entropy) is not None
    await trail.record(session, SYSTEM, "bid.received", {}, entropy=entropy)
    for other in (Signer(SIGNER.name, b"1" * 32), Signer("other.example", bytes(32))):
        with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
            await sequence(session, other, entropy=entropy)


async def test_a_checkpoint_is_stamped_once(session: AsyncSession, entropy: SeededEntropy) -> None:
    """The newest checkpoint gets one token, over SHA-256 of the note that the log signed."""

    class Echo:
        async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
            assert at.tzinfo
            return digest

    assert await sequencer.stamp(session, Echo()) is None
    head = await sequence(session, SIGNER, entropy=entropy)
    assert head is not None
    assert await sequencer.stamp(session, Echo()) == head.size
    assert await sequencer.stamp(session, Echo()) is None
    stored = (await session.execute(text("SELECT response FROM log_stamp"))).scalar_one()
    assert stored == sequencer.stamped_digest(await feed.signed_checkpoint(session))


async def test_a_witness_cosigns_the_newest_checkpoint(session: AsyncSession, entropy: SeededEntropy) -> None:
    """A verified cosignature is served with the checkpoint; one over another checkpoint or by another is not kept."""
    head = await sequence(session, SIGNER, entropy=entropy)
    assert head is not None
    text, seed = checkpoints.encode(head), b"w" * 32
    witness = Key("witness.example/west", note.COSIGNATURE, bytes(note.SigningKey(seed).verify_key))
    line = note.cosign(text, witness.name, seed, 1_800_000_000).line
    for wrong, code in (
        (note.cosign("x" + text, witness.name, seed, 1_800_000_000).line, "checkpoint.stale"),
        (note.cosign(text, witness.name, b"v" * 32, 1_800_000_000).line, "checkpoint.stale"),
        (line + line, "note.malformed"),
        ("nonsense\n", "note.malformed"),
    ):
        with pytest.raises(GgzyError, match=code.replace(".", r"\.")):
            await sequencer.cosign(session, wrong, witness)
    for _ in range(2):
        assert await sequencer.cosign(session, line, witness) == head.size
    served = await feed.signed_checkpoint(session)
    assert served.endswith(line)
    assert checkpoints.verify(served, SIGNER.key, [witness], 1) == head


def test_heartbeats_hide_the_count() -> None:
    """The number of heartbeats varies with mean 1, an idle log beats now and then, a new log at once."""
    entropy = SystemEntropy()
    busy = [sequencer.beats_among(5, entropy, first=False) for _ in range(4000)]
    idle = [sequencer.beats_among(0, entropy, first=False) for _ in range(4000)]
    assert 0.8 < sum(busy) / 4000 < 1.2
    assert 0 in busy
    assert 3 in busy
    assert 20 < sum(1 for n in idle if n) < 140
    assert all(sequencer.beats_among(0, entropy, first=True) >= 1 for _ in range(100))


def test_heartbeats_stand_anywhere_and_events_keep_their_order() -> None:
    """Mingling keeps the order of events and puts a heartbeat at every place sooner or later."""
    waiting, beat = [Waiting(n, bytes(32)) for n in range(3)], Waiting(9, bytes(32))
    places = set()
    for _ in range(200):
        batch = sequencer.mingle(waiting, [beat], SystemEntropy())
        places.add(batch.index(beat))
        assert [w for w in batch if w != beat] == waiting
    assert places == {0, 1, 2, 3}


async def head_size(sessions: Sessions) -> int:
    """Return the published size, 0 before the first checkpoint."""
    async with sessions() as session:
        last = await feed.newest(session)
    return last.size if last else 0


async def run_once(sessions: Sessions, entropy: SeededEntropy) -> object:
    """Run one batch and commit it."""
    async with sessions.begin() as session:
        return await sequence(session, SIGNER, entropy=entropy)


def kill_after(database: str, statements: int) -> None:
    """Start a sequencer process, let it do so many statements of a batch, and kill it."""
    command = [sys.executable, str(HERE / "killed.py"), database, str(statements)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parent.parent, env={"PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopped\n"
        process.kill()
