"""Tokens a second on one core: to the bound of the design, and to what OpenSSL's bare signatures would allow."""

import hashlib
import json
import platform
import re
import subprocess
import time
from pathlib import Path

import pytest

from archive.timestamp import LocalAuthority, new_authority_keys, verify
from archive.timestamp.request import Request
from kernel.clock import SystemClock
from kernel.entropy import SystemEntropy

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "timestamp.json"
BOUND = 10_000
COUNT = 20_000


@pytest.mark.bench
def test_tokens_a_second(tmp_path: Path) -> None:
    """Tokens with certificate and fraction of a second, each over another digest, one thread."""
    clock, entropy = SystemClock(), SystemEntropy()
    new_authority_keys(tmp_path, clock=clock, entropy=entropy, sandbox=False)
    tsa = LocalAuthority.load(tmp_path, clock=clock, entropy=entropy)
    digests = [hashlib.sha256(b"%d" % number).digest() for number in range(COUNT)]
    rate = COUNT / shortest(lambda: [tsa.issue(Request(digest, cert_req=True), clock.now()) for digest in digests])
    response = tsa.issue(Request(digests[0], cert_req=True), clock.now())
    verified = 2000 / shortest(lambda: [verify(response, digests[0], tsa.chain_pem) for _ in range(2000)])
    bare = openssl_signatures()
    machine = f"{platform.machine()}, one thread, Python {platform.python_version()}"
    common = {"value": f"{rate:.0f} tokens/s", "machine": machine}
    lines = [
        {"what": "RFC 3161 tokens", "peer": "10,000 tokens/s", "ratio": round(rate / BOUND, 2), "target": 1, **common},
        {"what": "RFC 3161 tokens", "peer": "openssl speed ecdsap256", "ratio": round(rate / bare, 2), **common},
        {
            "what": "RFC 3161 tokens verified strictly",
            "peer": "tokens issued",
            "ratio": round(verified / rate, 2),
            "value": f"{verified:.0f} tokens/s",
            "machine": machine,
        },
    ]
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(*lines, sep="\n")  # noqa: T201 - that is what a benchmark is for


def shortest(work: object, runs: int = 3) -> float:
    """Return the shortest of several runs in seconds of processor time, which is what `openssl speed` counts too."""
    times = []
    for _ in range(runs):
        begun = time.process_time()
        work()  # type: ignore[operator]
        times.append(time.process_time() - begun)
    return min(times)


def openssl_signatures() -> float:
    """Return the signatures a second of `openssl speed`, the best of two runs."""
    command = ["openssl", "speed", "-seconds", "2", "ecdsap256"]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    return max(float(re.findall(r"nistp256\)\s+\S+\s+\S+\s+([0-9.]+)", run)[0]) for run in runs)
