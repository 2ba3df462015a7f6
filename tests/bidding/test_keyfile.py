"""The promises of bidding.keyfile."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from bidding import keyfile
from bidding.keyfile import BIDDER_SECRET, DEVICE_SEED, KeyFile, Strength
from kernel import canonical
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

ENTROPY = SeededEntropy(b"keyfile")
WEAK = Strength(memory=8 << 10, passes=1)
KEYS = keyfile.create(ENTROPY)
SAMPLE = keyfile.encrypt(KEYS, "口令 pass", entropy=ENTROPY, strength=WEAK)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file on disk."""
    keyfile.save(tmp_path / "me.key", KEYS, "口令 pass", entropy=ENTROPY, strength=WEAK)
    return tmp_path / "me.key"


def test_a_key_file_reads_back(path: Path) -> None:
    """Secrets come back under the passphrase, and only the owner may read the file."""
    loaded = keyfile.load(path, "口令 pass")
    assert loaded == KEYS
    assert loaded.signing_key() == SigningKey(KEYS.secret(DEVICE_SEED))
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_passphrase_may_be_composed_in_two_ways() -> None:
    """é as one character or as two is one passphrase (NFC)."""
    data = keyfile.encrypt(KEYS, "caf\u00e9", entropy=ENTROPY, strength=WEAK)
    assert keyfile.decrypt(data, "cafe\u0301") == KEYS


def test_a_wrong_passphrase_is_refused() -> None:
    """Another passphrase, an empty one."""
    for passphrase in ("口令 Pass", "", "\ud800"):
        with pytest.raises(GgzyError, match=r"keyfile\.wrong_passphrase"):
            keyfile.decrypt(SAMPLE, passphrase)


def test_adding_keeps_the_rest(path: Path) -> None:
    """A share added later stands beside the keys; again changes nothing; another of its name is refused."""
    keyfile.add(path, "口令 pass", "share:lot-1", b"x" * 32, entropy=ENTROPY)
    again = keyfile.add(path, "口令 pass", "share:lot-1", b"x" * 32, entropy=ENTROPY)
    assert again.secret("share:lot-1") == b"x" * 32
    assert again.secret(BIDDER_SECRET) == KEYS.secret(BIDDER_SECRET)
    assert keyfile.load(path, "口令 pass") == again
    with pytest.raises(GgzyError, match=r"keyfile\.repeated_secret"):
        keyfile.add(path, "口令 pass", "share:lot-1", b"y" * 32, entropy=ENTROPY)


ADDER = """
import sys
from pathlib import Path
from bidding import keyfile
from kernel.entropy import SystemEntropy
keyfile.add(Path(sys.argv[1]), "口令 pass", sys.argv[2], b"v", entropy=SystemEntropy())
"""


def test_two_processes_lose_no_addition(path: Path) -> None:
    """Shares added by several programs at once are all there."""
    names = [f"share:{n}" for n in range(6)]
    running = [subprocess.Popen([sys.executable, "-c", ADDER, str(path), name]) for name in names]
    assert [process.wait() for process in running] == [0] * len(names)
    assert set(names) < set(keyfile.load(path, "口令 pass").secrets)


def test_a_missing_secret_is_named() -> None:
    """A custodian's command with a bidder's file says what is not in it."""
    with pytest.raises(GgzyError) as refusal:
        KEYS.secret("share:none")
    assert (refusal.value.code, refusal.value.params) == ("keyfile.no_secret", {"name": "share:none"})


def test_secrets_are_not_printed() -> None:
    """The value's text form holds no secret, so that none gets into a log."""
    assert KEYS.secret(DEVICE_SEED).hex() not in repr(KEYS)
    assert "secrets" not in repr(KEYS)


@pytest.mark.parametrize(
    ("name", "value"), [("Upper", b"x"), ("", b"x"), ("a/b", b"x"), ("a", b""), ("a", bytes(65537))]
)
def test_names_and_sizes_are_limited(name: str, value: bytes) -> None:
    """What could not be read again is not written."""
    with pytest.raises(GgzyError, match=r"keyfile\.bad_secret"):
        keyfile.encrypt(KeyFile({name: value}), "p", entropy=ENTROPY, strength=WEAK)


def test_the_whole_file_is_limited() -> None:
    """Many large secrets that no reader would take are not written either."""
    with pytest.raises(GgzyError, match=r"keyfile\.bad_secret"):
        keyfile.encrypt(KeyFile({f"a{n}": bytes(65536) for n in range(9)}), "p", entropy=ENTROPY, strength=WEAK)


@pytest.mark.parametrize(
    "kdf",
    [
        {"memory": 1 << 30},
        {"memory": 1},
        {"passes": 1000},
        {"passes": 0},
        {"name": "scrypt"},
        {"salt": "00"},
        {"lanes": 4},
    ],
)
def test_hostile_parameters_are_refused(kdf: dict[str, object]) -> None:
    """A file that asks for all memory, for hours, or for nothing is refused before anything is derived."""
    value = canonical.decode(SAMPLE)
    value["kdf"] |= kdf
    with pytest.raises(GgzyError, match=r"keyfile\.malformed"):
        keyfile.decrypt(canonical.encode(value), "口令 pass")


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, mask: int) -> None:
    """Parameters, nonce and content are all authentic or refused."""
    data = bytearray(SAMPLE)
    data[place % len(data)] ^= mask
    with pytest.raises(GgzyError):
        keyfile.decrypt(bytes(data), "口令 pass")


@given(st.binary(max_size=100))
def test_parsing_anything_raises_one_error(data: bytes) -> None:
    """Random bytes give a GgzyError and nothing else."""
    with pytest.raises(GgzyError, match=r"keyfile\.malformed"):
        keyfile.decrypt(data, "p")


def test_missing_and_unwritable_files_have_codes(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(GgzyError, match=r"keyfile\.not_found"):
        keyfile.load(tmp_path / "none", "p")
    with pytest.raises(GgzyError, match=r"keyfile\.not_written"):
        keyfile.save(tmp_path / "none" / "me.key", KEYS, "p", entropy=ENTROPY, strength=WEAK)
