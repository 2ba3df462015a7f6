"""What stands in deploy/ fits the program: names of settings, units, proxy, image; checked by the tools themselves."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api import seats
from api.settings import Settings
from bidding.segments import PART_SIZE
from trading.files import MAX_SIZE

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
NAMED = re.compile(r"\bGGZY_([A-Z0-9_]+)\b")
UNITS = ("ggzy.service", "ggzy-doctor.service", "ggzy-doctor.timer")


def composed() -> dict[str, Any]:
    """The compose file, parsed."""
    parsed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return parsed


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_every_setting_named_exists(path: Path) -> None:
    """No file names a setting that the program does not know (it would be passed over in silence)."""
    named = {name.lower() for name in NAMED.findall(path.read_text("utf-8"))}
    assert named - set(Settings.model_fields) == set()


def test_the_example_is_a_whole_environment() -> None:
    """Read as an environment, commented lines too, the example makes valid settings for HTTPS."""
    lines = (DEPLOY / "environment.example").read_text("utf-8").splitlines()
    pairs = [line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"(# )?GGZY_\w+=", line)]
    settings = Settings(**{name.removeprefix("GGZY_").lower(): value for name, value in pairs})  # type: ignore[arg-type]
    assert settings.https
    assert settings.cookies_over_https_only


def test_the_image_holds_every_package() -> None:
    """What the project's file calls packages is copied into the image, and it does not run as root."""
    words = (DEPLOY / "Containerfile").read_text("utf-8")
    packages = ("kernel", "archive", "trading", "bidding", "experts", "api", "migrations")
    assert all(f"COPY {name} {name}\n" in words for name in packages)
    assert words.rindex("USER ggzy") > words.rindex("FROM ")
    assert all((ROOT / name).exists() for name in ("requirements/runtime.txt", "package-lock.json", ".npmrc"))


def test_composed_services_are_closed_in() -> None:
    """Only the application is reached, by this machine alone; database and store have no way out; keys are kept."""
    services = composed()["services"]
    assert {name for name, one in services.items() if "ports" in one} == {"app"}
    assert all(port.startswith("127.0.0.1:") for port in services["app"]["ports"])
    assert composed()["networks"]["inside"]["internal"]
    assert all(services[name]["networks"] == ["inside"] for name in ("database", "store"))
    assert "keys:/var/lib/ggzy" in services["app"]["volumes"]
    assert (services["app"]["read_only"], services["app"]["cap_drop"]) == (True, ["ALL"])
    assert not any(":latest" in one.get("image", "") for one in services.values())


@pytest.mark.parametrize("name", UNITS)
def test_units_are_understood(name: str, tmp_path: Path) -> None:
    """Systemd itself finds nothing wrong with the units (programs stand for ours)."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    for unit in UNITS:
        words = (DEPLOY / unit).read_text("utf-8")
        (tmp_path / unit).write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", words), "utf-8")
    command = ["systemd-analyze", "verify", "--recursive-errors=one", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "ggzy" in line and "postgresql.service" not in line]
    assert told == []


def test_the_proxy_is_understood(tmp_path: Path) -> None:
    """The proxy itself accepts the configuration."""
    if shutil.which("nginx") is None:
        pytest.skip("apt-get install nginx-light")
    _certificate(tmp_path)
    words = (DEPLOY / "nginx.conf").read_text("utf-8").replace("/etc/ssl/ggzy", str(tmp_path))
    (tmp_path / "ggzy.conf").write_text(words, "utf-8")
    inside = f"access_log off; include {tmp_path}/ggzy.conf;"
    around = f"error_log stderr; pid {tmp_path}/pid; events {{}} http {{ {inside} }}"
    (tmp_path / "nginx.conf").write_text(around, "utf-8")
    command = ["nginx", "-t", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_proxy_lets_through_what_the_program_takes() -> None:
    """The largest body that the program takes passes, unbuffered; addresses are overwritten, not believed."""
    words = (DEPLOY / "nginx.conf").read_text("utf-8")
    found = re.search(r"client_max_body_size (\d+)m;", words)
    assert found is not None
    assert int(found[1]) << 20 >= max(MAX_SIZE, PART_SIZE)
    assert "proxy_request_buffering off" in words
    assert "X-Forwarded-For $remote_addr;" in words


def test_a_hall_of_live_pages_takes_nothing_from_bids() -> None:
    """Live pages are counted apart from other requests, and an address may have the share that a worker gives it."""
    words = (DEPLOY / "nginx.conf").read_text("utf-8")
    shares = dict(re.findall(r"limit_conn (\w+) (\d+);", words))
    assert len(shares) == 2
    assert int(shares["ggzy_live"]) == seats.SEATS // seats.SHARE
    assert set(re.findall(r"limit_conn_zone \S+ zone=(\w+):", words)) == set(shares)


def _certificate(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ggzy.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    signed = made.sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*private))
