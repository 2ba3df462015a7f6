"""Sealing and opening as whole processes, against age and openssl cms on the same file, taken in turns; memory too."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bidding import bidfile, encapsulation, group, keyfile
from kernel.entropy import SystemEntropy
from tests.bidding.sample_bid import PRIVATE, TARGET
from trading.lot import EnvelopeKind

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(shutil.which("age") is None, reason="needs age: apt-get install age"),
]

MEBIBYTE = 1 << 20
SEAL_SIZE = 2048 * MEBIBYTE
OPEN_SIZE = 512 * MEBIBYTE
ROUNDS = 3
MEMORY_LIMIT = 100 * MEBIBYTE
RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "sealing.json"
PASSPHRASE = "benchmark"

OPENING = """
import sys
from pathlib import Path
from bidding import bidfile, unsealing
from trading.lot import EnvelopeKind
file = bidfile.read(Path(sys.argv[1]))
header = file.manifest.envelope(EnvelopeKind.TECHNICAL).header
unsealing.extract(header, bytes.fromhex(sys.argv[2]), bidfile.chunks(file, EnvelopeKind.TECHNICAL), Path(sys.argv[3]))
"""
LAUNCHER = """
import json, os, sys, time
begin = time.perf_counter()
silent = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(child, 0)
taken = time.perf_counter() - begin
print(json.dumps([taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""  # a small parent, because a child's peak begins with that of who started it
IDLE_SEAL = "import api.cli.seal"
IDLE_OPEN = "import bidding.bidfile, bidding.unsealing"

Results = list[dict[str, object]]


@dataclass(frozen=True)
class Run:
    """What a process took: seconds by the clock and of all processors, bytes of memory at its peak."""

    seconds: float
    cpu: float
    peak: int


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys of everybody, emptied at the end."""
    made = tmp_path_factory.mktemp("sealing")
    keyfile.save(made / "me.key", keyfile.create(SystemEntropy()), PASSPHRASE, entropy=SystemEntropy())
    (made / "lot.json").write_bytes(TARGET.encode())
    subprocess.run(["age-keygen", "-o", made / "age.key"], check=True, capture_output=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "2",
         "-keyout", made / "cms.key", "-out", made / "cms.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    """Gather the lines and write them at the end."""
    lines: Results = []
    yield lines
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_seal_2_gib(folder: Path, results: Results) -> None:
    """`ggzy seal` encrypts, hashes and signs at 0.85× the speed of age, which does not hash; memory stays flat."""
    big = _file(folder, SEAL_SIZE)
    ours = [*_python("-m", "api.cli"), "seal", *_options(folder)]
    recipient = re.search(r"age1\w+", (folder / "age.key").read_text())
    assert recipient is not None
    age = ["age", "-r", recipient.group(), "-o", str(folder / "out"), str(big)]
    runs = _in_turns(folder, ours, age)
    idle = _run(folder, _python("-c", IDLE_SEAL))
    speed = _keep(results, _speed("seal 2 GiB, whole process", "age", runs, 0.85))
    assert _keep(results, _memory("seal 2 GiB", runs[0], idle)) < 1
    assert speed >= 0.85


def test_open_512_mib(folder: Path, results: Results) -> None:
    """Opening and writing 512 MiB is 1.2× as fast as `age -d` and 10× as fast as `openssl cms -decrypt`.

    The CMS message is made with `-stream`, as a file of that size is; one in definite lengths is measured beside it.
    """
    big = _file(folder, OPEN_SIZE)
    recipient = re.search(r"age1\w+", (folder / "age.key").read_text())
    assert recipient is not None
    subprocess.run(["age", "-r", recipient.group(), "-o", folder / "big.age", big], check=True)
    ours = _opening(folder)
    age = ["age", "-d", "-i", str(folder / "age.key"), "-o", str(folder / "out"), str(folder / "big.age")]
    what = "open 512 MiB, whole process"
    over_age = _keep(results, _speed(what, "age -d", _in_turns(folder, ours, age), 1.2))
    streamed = _in_turns(folder, ours, _cms(folder, big, "-stream"))
    over_cms = _keep(results, _speed(what, "openssl cms -decrypt, made with -stream", streamed, 10))
    definite = _in_turns(folder, ours, _cms(folder, big, "-noindef"))
    _keep(results, _speed(what, "openssl cms -decrypt, definite lengths", definite, 10))
    assert over_age >= 1.2
    assert over_cms >= 10


def test_memory_of_opening_2_gib(folder: Path, results: Results) -> None:
    """Opening 2 GiB takes no more memory than opening little."""
    _file(folder, SEAL_SIZE)
    run, idle = _run(folder, _opening(folder)), _run(folder, _python("-c", IDLE_OPEN))
    assert _keep(results, _memory("open 2 GiB", run, idle)) < 1


def _opening(folder: Path) -> list[str]:
    """Seal the big file and return the command that opens it with the payload key."""
    _run(folder, [*_python("-m", "api.cli"), "seal", *_options(folder)])
    sealed = folder / "kept.sealed"
    (folder / "out").rename(sealed)
    envelope = bidfile.read(sealed).manifest.envelope(EnvelopeKind.TECHNICAL)
    shared = group.mult(PRIVATE, envelope.header.point)
    key = encapsulation.unlock(envelope.header, envelope.preamble, shared)
    return [*_python("-c", OPENING), str(sealed), key.hex(), str(folder / "opened")]


def _cms(folder: Path, big: Path, how: str) -> list[str]:
    """Encrypt the big file for CMS and return the command that decrypts it."""
    subprocess.run(
        ["openssl", "cms", "-encrypt", how, "-aes-256-gcm", "-binary", "-outform", "DER", "-in", big,
         "-out", folder / "big.cms", folder / "cms.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    names = {"-in": "big.cms", "-inkey": "cms.key", "-out": "out"}
    paths = [part for option, name in names.items() for part in (option, str(folder / name))]
    return ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", *paths]


def _file(folder: Path, size: int) -> Path:
    """Write the big file and the plan that names it."""
    block = os.urandom(MEBIBYTE)
    with (folder / "big").open("wb") as file:
        for _ in range(size // MEBIBYTE):
            file.write(block)
    plan = 'bidder = "91152502MA0N7E8T0X"\n[price]\nprice = "1.00"\n[technical]\nfiles = ["big"]\n'
    (folder / "bid.toml").write_text(plan, encoding="utf-8")
    return folder / "big"


def _options(folder: Path) -> list[str]:
    names = {"--target": "lot.json", "--bid": "bid.toml", "--key": "me.key", "--out": "out"}
    return [part for option, name in names.items() for part in (option, str(folder / name))]


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def _in_turns(folder: Path, ours: list[str], peer: list[str]) -> tuple[Run, Run]:
    """Return the best run of each, taken in turns so that other load falls on both."""
    runs = [(_run(folder, ours), _run(folder, peer)) for _ in range(ROUNDS)]
    return min((a for a, _ in runs), key=_seconds), min((b for _, b in runs), key=_seconds)


def _run(folder: Path, command: list[str]) -> Run:
    """Run a command on clean ground: no output of an earlier run, nothing waiting for the disk."""
    (folder / "out").unlink(missing_ok=True)
    shutil.rmtree(folder / "opened", ignore_errors=True)
    (folder / "opened").mkdir()
    os.sync()
    environment = {**os.environ, "GGZY_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(Path.cwd())}
    launcher = [sys.executable, "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(launcher, env=environment, check=True, capture_output=True, text=True)
    seconds, cpu, peak, code = json.loads(done.stdout)
    assert code == 0, done.stderr
    return Run(seconds, cpu, peak * 1024)


def _seconds(run: Run) -> float:
    return run.seconds


def _line(what: str, value: str, peer: str, ratio: float, target: float, *, lower: bool = False) -> dict[str, object]:
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, best of {ROUNDS} in turns"
    )
    return {
        "what": what,
        "value": value,
        "peer": peer,
        "ratio": round(ratio, 2),
        "target": target,
        "lower_is_better": lower,
        "machine": machine,
    }


def _speed(what: str, peer: str, runs: tuple[Run, Run], target: float) -> dict[str, object]:
    mine, theirs = runs
    shown = [f"{run.seconds:.2f} s ({run.cpu:.2f} s of processor)" for run in runs]
    return _line(what, shown[0], f"{peer}: {shown[1]}", theirs.seconds / mine.seconds, target)


def _memory(what: str, run: Run, idle: Run) -> dict[str, object]:
    above = run.peak - idle.peak
    shown = f"{above / MEBIBYTE:.0f} MiB above idle ({idle.peak / MEBIBYTE:.0f} MiB)"
    return _line(f"peak memory: {what}", shown, "limit: 100 MiB", above / MEMORY_LIMIT, 1.0, lower=True)


def _keep(results: Results, line: dict[str, object]) -> float:
    """Print and keep a line; return its ratio."""
    print(json.dumps(line))  # noqa: T201 - a benchmark is read by people
    results.append(line)
    return float(str(line["ratio"]))
