"""The pure draw: quotas are met when they can be, tickets are RFC 5869, chance is fair, nobody is reshuffled."""

import hashlib
from itertools import combinations
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from experts import draw
from experts.calls import Calls
from experts.quota import Quota, read, select
from experts.roster import Entry
from kernel.errors import GgzyError

TENDER = UUID(int=5)
QUOTAS = (Quota("A01", 1), Quota("A02", 1), Quota("A03", 1))
MASKS = st.lists(st.integers(1, 7), min_size=1, max_size=8)
COUNTS = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))


def code(number: int) -> bytes:
    """A code."""
    return hashlib.sha256(number.to_bytes(4, "big")).digest()


def quotas_of(counts: tuple[int, ...]) -> tuple[Quota, ...]:
    """Quotas with these counts."""
    return tuple(Quota(f"A0{n}", count) for n, count in enumerate(counts, 1))


def seatable(masks: list[int], counts: tuple[int, ...]) -> bool:
    """Decide by trying everything whether all of these can be seated."""
    if not masks:
        return True
    first, *others = masks
    return any(
        counts[q] and seatable(others, tuple(c - (at == q) for at, c in enumerate(counts)))
        for q in range(len(counts))
        if first & 1 << q
    )


@settings(max_examples=300)
@given(MASKS, COUNTS)
def test_a_committee_is_found_exactly_when_there_is_one(masks: list[int], counts: tuple[int, ...]) -> None:
    """Against brute force: found when one exists, the lowest by rank, everybody in a seat of a quota they fit."""
    total = sum(counts)
    possible = [c for c in combinations(range(len(masks)), total) if seatable([masks[i] for i in c], counts)]
    ranked = [(code(at), mask) for at, mask in enumerate(masks)]
    if not possible:
        with pytest.raises(GgzyError, match=r"draw\.pool_exhausted"):
            select(ranked, quotas_of(counts))
        return
    seated = select(ranked, quotas_of(counts))
    assert [s.expert for s in seated] == [code(at) for at in min(possible)]
    taken = [0] * len(counts)
    for seat in seated:
        assert dict(ranked)[seat.expert] & 1 << seat.quota
        taken[seat.quota] += 1
    assert tuple(taken) == counts


@settings(max_examples=300)
@given(MASKS, COUNTS, st.integers(0, 6))
def test_a_decline_brings_in_one_and_moves_nobody_out(masks: list[int], counts: tuple[int, ...], who: int) -> None:
    """Without one member the committee is the rest and one more, or the pool is exhausted."""
    ranked = [(code(at), mask) for at, mask in enumerate(masks)]
    try:
        before = {s.expert for s in select(ranked, quotas_of(counts))}
        gone = sorted(before)[who % len(before)]
        after = {s.expert for s in select([r for r in ranked if r[0] != gone], quotas_of(counts))}
    except GgzyError:
        return
    assert before - {gone} < after


def test_the_short_quotas_are_named() -> None:
    """Who can sit in either of two quotas counts for both: both are named, the third is not."""
    ranked = [(code(1), 0b011), (code(2), 0b100), (code(3), 0b100)]
    with pytest.raises(GgzyError) as caught:
        select(ranked, QUOTAS)
    assert caught.value.params == {"quota": "A01, A02", "missing": 1}


def test_tickets_are_hkdf() -> None:
    """The fast path gives what RFC 5869 gives, by another implementation."""
    nonces, beacon, root = [b"c" * 32, b"a" * 32, b"b" * 32], b"r" * 32, b"m" * 32
    prk = draw.extract(nonces, beacon, root)
    info = b"draw-v1" + TENDER.bytes + (2).to_bytes(4, "big") + code(1)
    expected = HKDF(SHA256(), 32, b"".join(sorted(nonces)), info).derive(beacon + root)
    assert draw.tickets(prk, TENDER, 2, [code(1)]) == [expected]


def test_chance_is_fair() -> None:
    """Over many draws each of twelve alike experts is drawn alike often: chi-square below its 99.9 % bound."""
    entries = [Entry(code(n), ("A01",), ("152502",)) for n in range(12)]
    counts = dict.fromkeys((e.code for e in entries), 0)
    rounds = 2400
    for number in range(rounds):
        prk = draw.extract([number.to_bytes(32, "big")], b"", bytes(32))
        for place in draw.draw(entries, (Quota("A01", 3),), prk, TENDER, 1):
            counts[place.code] += 1
    expected = rounds * 3 / 12
    chi = sum((seen - expected) ** 2 / expected for seen in counts.values())
    assert chi < 31.26  # 11 degrees of freedom


def test_the_excluded_are_never_drawn() -> None:
    """An exclusion and a missing skill keep out, whatever the ticket."""
    entries = [Entry(code(n), ("A0101",), ("152502",), ("penalty",) if n % 2 else ()) for n in range(20)]
    drawn = draw.draw(entries, (Quota("A01", 10),), bytes(32), TENDER, 1)
    assert {p.code for p in drawn} == {e.code for e in entries if not e.exclusions}
    with pytest.raises(GgzyError, match=r"draw\.pool_exhausted"):
        draw.draw(entries, (Quota("A0102", 1),), bytes(32), TENDER, 1)


def test_answers_follow_the_order_of_calls() -> None:
    """Nobody answers uncalled or twice; who accepted may only recuse themselves."""
    entries = [Entry(code(n), ("A01",), ("152502",)) for n in range(8)]
    calls = Calls(lambda gone: draw.draw(entries, (Quota("A01", 3),), bytes(32), TENDER, 1, gone=gone))
    first, second, third = (place.code for place in calls.begin())
    stranger = next(e.code for e in entries if e.code not in (first, second, third))
    with pytest.raises(GgzyError, match=r"draw\.not_called"):
        calls.answer(stranger, "accepted")
    assert calls.answer(first, "accepted") is None
    with pytest.raises(GgzyError, match=r"draw\.answered"):
        calls.answer(first, "declined")
    called = calls.answer(second, "declined")
    assert called is not None
    assert called.kind == "draw.called"
    assert called.place is not None
    calls.answer(third, "accepted")
    done = calls.answer(called.place.code, "accepted")
    assert done is not None
    assert done.kind == "draw.completed"
    again = calls.answer(first, "recused")
    assert again is not None
    assert again.kind == "draw.called"


@given(
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_quotas_are_read_strictly(value: object) -> None:
    """Whatever is given, quotas come out or a GgzyError."""
    with pytest.raises(GgzyError, match=r"draw\.bad_quotas"):
        read(value)
