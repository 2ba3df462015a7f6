"""Replaying a draw offline: a numbered recipe, the same numbers as in docs/spec/draw.md, "Verification"."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from archive import checkpoint, event, merkle
from archive.checkpoint import Checkpoint
from archive.event import Event, Opening
from archive.note import Key
from archive.recipe import Step, marked
from bidding import transcript as key_transcripts
from bidding.transcript import OpeningKey
from experts import draw, nonce, quota, roster, transcript
from experts.calls import Calls, seats
from experts.nonce import Commitment, Plan
from experts.quota import Quota
from experts.roster import Entry
from experts.tables import ROLES
from experts.transcript import Transcript
from kernel import canonical
from kernel.clock import parse
from kernel.errors import GgzyError, Kind


@dataclass(slots=True)
class _Replay:
    """What the steps have established so far."""

    written: Transcript
    key: Key
    seed: Checkpoint = field(init=False)
    head: Checkpoint = field(init=False)
    events: list[Event] = field(init=False)
    prepared: dict[str, Any] = field(init=False)
    quotas: tuple[Quota, ...] = field(init=False)
    entries: list[Entry] = field(init=False)
    commitments: dict[str, Commitment] = field(init=False)
    devices: dict[str, bytes] = field(init=False)
    named: bytes = field(init=False)
    beacon: bytes = b""
    prk: bytes = field(init=False)
    calls: Calls = field(init=False)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [one.data for one in self.events if one.kind == kind]


def verify_draw(data: bytes, key: Key) -> list[Step]:
    """Replay a transcript against the pinned key of the log; return the steps that held.

    Raises GgzyError with the first thing wrong: ``draw.bad_transcript``, ``draw.wrong_*`` and those of `checkpoint`,
    `merkle`, `event`, `nonce`, `roster`. No exception of another kind leaves this function.
    """
    replay = _Replay(transcript.read(data), key)
    steps = [Step(1, "form", f"{len(data)}")]
    for number, (name, check) in enumerate(_RECIPE, 2):
        try:
            steps.append(Step(number, name, check(replay)))
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise GgzyError("draw.bad_transcript", Kind.INTEGRITY, step=number) from error
    return steps


def _checkpoints(replay: _Replay) -> str:
    """2. Seed and head bear the log's signature, and the head extends the seed."""
    replay.seed = checkpoint.verify(replay.written.seed, replay.key)
    replay.head = checkpoint.verify(replay.written.head, replay.key)
    proof = [bytes.fromhex(node) for node in replay.written.consistency]
    merkle.verify_consistency(replay.seed.size, replay.seed.root, replay.head.size, replay.head.root, proof)
    return f"{replay.seed.size}–{replay.head.size}"


def _inclusion(replay: _Replay) -> str:
    """3. Every entry opens its commitment, which is in the log; no entry is shown twice."""
    replay.events = []
    for entry in replay.written.entries:
        content, salt = canonical.encode(entry.event), bytes.fromhex(entry.salt)
        opened = Opening(content, salt, event.commit(content, salt))
        path = [bytes.fromhex(node) for node in entry.path]
        leaf = merkle.leaf_hash(opened.commitment)
        merkle.verify_inclusion(leaf, entry.index, replay.head.size, path, replay.head.root)
        replay.events.append(event.verify(opened))
    if len({entry.index for entry in replay.written.entries}) != len(replay.events):
        raise _wrong("events")
    return str(len(replay.events))


def _sequence(replay: _Replay) -> str:
    """4. One draw: prepared, three commitments, then the seed, then everything else, all of the same draw and trade."""
    first = replay.events[0]
    replay.prepared = first.data
    kinds = [one.kind for one in replay.events]
    if kinds[:5] != ["draw.prepared", *["draw.committed"] * 3, "draw.fixed"]:
        raise _wrong("events")
    for one, entry in zip(replay.events, replay.written.entries, strict=True):
        before = one.kind in ("draw.prepared", "draw.committed")
        same = (one.trade, one.sandbox, one.data["draw"]) == (first.trade, first.sandbox, first.data["draw"])
        if not same or before != (entry.index < replay.seed.size):
            raise _wrong("events")
    if kinds[5:9] != [*["draw.revealed"] * 3, "draw.drawn"]:
        raise _wrong("events")
    if replay.prepared["round"] < 1 or (replay.prepared["round"] > 1 and not replay.prepared["reason"].strip()):
        raise _wrong("reason")
    return marked(str(replay.prepared["round"]), sandbox=first.sandbox)


def _roster(replay: _Replay) -> str:
    """5. The roster is the one whose digest was logged; quotas are well formed."""
    lines = list(replay.written.roster)
    if roster.digest(lines).hex() != replay.prepared["roster"]:
        raise _wrong("roster")
    replay.entries = roster.read(lines)
    replay.quotas = quota.read(replay.prepared["quotas"])
    return str(len(lines))


def _commitments(replay: _Replay) -> str:
    """6. Centre, purchaser and supervisor each signed a commitment for this draw, this roster, this release time."""
    told = replay.prepared
    replay.commitments, replay.devices = {}, {}
    for data in replay.of_kind("draw.committed"):
        message = canonical.encode(data["message"])
        device = bytes.fromhex(data["device"])
        found = nonce.read(message, device)
        plan = Plan(
            draw=UUID(told["draw"]),
            tender=_tender(replay),
            lot=UUID(told["lot"]),
            round=told["round"],
            roster=bytes.fromhex(told["roster"]),
            release=parse(told["release"]),
            key_hash=bytes.fromhex(told["key"]),
            public_key=b"",
        )
        if refusal := nonce.belongs(found, plan):
            raise refusal
        replay.commitments[found.role], replay.devices[found.role] = found, device
    if sorted(replay.commitments) != sorted(ROLES):
        raise _wrong("participants")
    return ", ".join(sorted(replay.commitments))


def _seed(replay: _Replay) -> str:
    """7. The draw was made from the seed checkpoint and the beacon that was named, if one was."""
    fixed = replay.of_kind("draw.fixed")[0]
    if fixed["checkpoint"] != replay.written.seed:
        raise _wrong("seed")
    if (replay.prepared["beacon"] is None) != (fixed["beacon"] is None):
        raise _wrong("beacon")
    signature = None if fixed["beacon"] is None else bytes.fromhex(fixed["beacon"])
    if signature is not None:
        replay.beacon = hashlib.sha256(signature).digest()
    replay.named = nonce.seed_digest(UUID(replay.prepared["draw"]), replay.written.seed, signature)
    return replay.seed.root.hex()


def _nonces(replay: _Replay) -> str:
    """8. Each nonce was given for this seed by its owner or by the quorum, and opens its commitment; each role once."""
    nonces = {}
    for data in replay.of_kind("draw.revealed"):
        found = _given(replay, data)
        if found.hex() != data["nonce"]:
            raise _wrong("participants")
        nonces[data["role"]] = found
    if (replay.written.key is None) == any(data["how"] == "recovered" for data in replay.of_kind("draw.revealed")):
        raise _wrong("key")
    if sorted(nonces) != sorted(ROLES):
        raise _wrong("participants")
    replay.prk = draw.extract(nonces.values(), replay.beacon, replay.seed.root)
    return ", ".join(sorted(data["how"] for data in replay.of_kind("draw.revealed")))


def _given(replay: _Replay, data: dict[str, Any]) -> bytes:
    """Return the nonce that the signed messages of a reveal give for the seed."""
    role, messages = data["role"], [canonical.encode(message) for message in data["messages"]]
    committed = replay.commitments[role]
    if data["how"] == "revealed":
        (message,) = messages
        return nonce.read_reveal(message, committed, replay.devices[role], replay.named)
    if data["how"] != "recovered":
        raise _wrong("participants")
    key = _opening_key(replay)
    return nonce.recover(committed, dict(nonce.check_share(m, committed, key, replay.named) for m in messages), key)


def _opening_key(replay: _Replay) -> OpeningKey:
    made = key_transcripts.verify_transcript(canonical.encode(replay.written.key))
    for key in made.keys:
        if key.key_hash.hex() == replay.prepared["key"]:
            return key
    raise _wrong("key")


def _draw(replay: _Replay) -> str:
    """9. The lowest tickets that fill the quotas are those that were logged."""
    tender, number = _tender(replay), replay.prepared["round"]
    replay.calls = Calls(lambda gone: draw.draw(replay.entries, replay.quotas, replay.prk, tender, number, gone=gone))
    if replay.of_kind("draw.drawn")[0]["members"] != seats(replay.calls.begin()):
        raise _wrong("result")
    return replay.prk.hex()


def _calls(replay: _Replay) -> str:
    """10. Each answer is by somebody called, and what was logged after it is what follows from it."""
    following = iter(replay.events[9:])
    count = 0
    for one in following:
        if one.kind != "draw.answered":
            raise _wrong("calls")
        count += 1
        expected = replay.calls.answer(bytes.fromhex(one.data["expert"]), one.data["outcome"])
        if expected is None:
            continue
        found = next(following, None)
        if found is None or (found.kind, found.data) != (expected.kind, {"draw": one.data["draw"], **expected.data}):
            raise _wrong("calls")
    return str(count)


def _result(replay: _Replay) -> str:
    """11. The members shown are those who accepted, by rising ticket."""
    if list(replay.written.members) != [code.hex() for code in replay.calls.accepted]:
        raise _wrong("result")
    return str(len(replay.written.members))


def _names(replay: _Replay) -> str:
    """12. Names, if shown, are those that the members' codes commit to."""
    names = replay.written.names
    if names is None:
        return "0"
    if [name.code for name in names] != list(replay.written.members):
        raise _wrong("names")
    for name in names:
        committed = roster.identity(UUID(name.expert), name.name, name.employer)
        if str(UUID(name.expert)) != name.expert:
            raise _wrong("names")
        if roster.expert_code(bytes.fromhex(name.salt), committed).hex() != name.code:
            raise _wrong("names")
    return str(len(names))


def _tender(replay: _Replay) -> UUID:
    trade = replay.events[0].trade
    if trade is None:
        raise _wrong("events")
    return trade


def _wrong(what: str) -> GgzyError:
    return GgzyError(f"draw.wrong_{what}", Kind.INTEGRITY)


_RECIPE: tuple[tuple[str, Callable[[_Replay], str]], ...] = (
    ("checkpoints", _checkpoints),
    ("inclusion", _inclusion),
    ("sequence", _sequence),
    ("roster", _roster),
    ("commitments", _commitments),
    ("seed", _seed),
    ("nonces", _nonces),
    ("draw", _draw),
    ("calls", _calls),
    ("result", _result),
    ("names", _names),
)
