"""Signed notes: the published example verifies, ours verify, anything changed does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import checkpoint as checkpoints
from archive import note
from archive.checkpoint import Checkpoint
from archive.note import Key, Note, Signer
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

# The example key and note of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
LEIDEN = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = Signer("log.example/ggzy", b"s" * 32)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(lambda t: t + "\n")


def test_the_published_example_verifies() -> None:
    """A note signed by Go's code is opened with its key."""
    key = note.parse_key(PETER)
    assert note.verify(note.parse(LEIDEN), [key]) == {key}
    with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
        note.verify(note.parse(LEIDEN.replace("think", "thing")), [key])


@given(TEXT)
def test_what_is_signed_verifies(text: str) -> None:
    """Any text ending in a newline can be signed; the note reads back as the same bytes."""
    signed = SIGNER.sign(text)
    parsed = note.parse(signed)
    assert (parsed.text, parsed.encode()) == (text, signed)
    assert note.verify(parsed, [SIGNER.key]) == {SIGNER.key}


def test_a_key_reads_back_and_is_its_seeds() -> None:
    """A new signer's seed makes the same signer again, and its key text reads back."""
    signer, seed = note.new_signer("log.example/new", SeededEntropy(b"x"))
    assert Signer("log.example/new", seed).vkey == signer.vkey
    assert note.parse_key(signer.vkey) == signer.key


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b", "a\0b", "n" * 256])
def test_impossible_names_are_refused(name: str) -> None:
    """Key names have no spaces of any script, no plus, no control characters, and a limit."""
    with pytest.raises(GgzyError, match=r"note\.malformed"):
        Signer(name, bytes(32))


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "bell\a\n"])
def test_impossible_texts_are_not_signed(text: str) -> None:
    """What could not be read again is not signed."""
    with pytest.raises(GgzyError, match=r"note\.malformed"):
        SIGNER.sign(text)


def test_unknown_keys_are_passed_over_and_known_ones_must_verify() -> None:
    """Foreign lines are ignored, a bad line of a known key spoils the note, no known line at all is a refusal."""
    other = Signer("other.example", b"o" * 32)
    ours, theirs = (note.parse(s.sign("text\n")).signatures[0] for s in (SIGNER, other))
    both = Note("text\n", (theirs, ours))
    assert note.verify(both, [SIGNER.key]) == {SIGNER.key}
    assert note.verify(both, [SIGNER.key, other.key]) == {SIGNER.key, other.key}
    spoiled = Note("text\n", (ours, note.Signature(theirs.name, theirs.key_id, ours.value)))
    for wrong, keys in ((spoiled, [SIGNER.key, other.key]), (both, []), (Note("text\n", (theirs,)), [SIGNER.key])):
        with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
            note.verify(wrong, keys)


def test_signatures_of_wrong_length_and_bad_keys_are_refused() -> None:
    """A value of another length, and a key that is no point, never verify and never fail in another way."""
    ours = note.parse(SIGNER.sign("text\n")).signatures[0]
    for value in (b"x", ours.value[:-1], ours.value + b"x", bytes(64)):
        with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
            note.verify(Note("text\n", (note.Signature(ours.name, ours.key_id, value),)), [SIGNER.key])
    bad = Key("bad.example", note.COSIGNATURE, b"\xff" * 32)
    for value in (bytes(72), b"\xff" * 72):
        with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
            note.verify(Note("text\n", (note.Signature(bad.name, bad.id, value),)), [bad])


def test_too_many_and_too_large_notes_are_refused() -> None:
    """There is a limit to signatures and to size."""
    line = note.parse(SIGNER.sign("text\n")).signatures[0].line
    assert len(note.parse("text\n\n" + line * note.MAX_SIGNATURES).signatures) == note.MAX_SIGNATURES
    for wrong in ("text\n\n" + line * (note.MAX_SIGNATURES + 1), "x" * note.MAX_NOTE + "\n\n" + line):
        with pytest.raises(GgzyError, match=r"note\.malformed"):
            note.parse(wrong)


def test_a_log_signs_and_is_believed_for_its_own_origin_only() -> None:
    """A checkpoint of another origin is neither signed nor accepted, even with a good signature."""
    foreign = Checkpoint("other.example", 0, bytes(32))
    with pytest.raises(GgzyError, match=r"checkpoint\.wrong_origin"):
        checkpoints.sign(foreign, SIGNER)
    with pytest.raises(GgzyError, match=r"checkpoint\.wrong_origin"):
        checkpoints.verify(SIGNER.sign(checkpoints.encode(foreign)), SIGNER.key)
    witness = Key("w.example", note.COSIGNATURE, bytes(note.SigningKey(b"w" * 32).verify_key))
    own = checkpoints.encode(Checkpoint(SIGNER.name, 0, bytes(32)))
    alone = f"{own}\n{note.cosign(own, 'w.example', b'w' * 32, 1).line}"
    with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
        checkpoints.verify(alone, SIGNER.key, [witness])
