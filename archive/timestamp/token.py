"""The token of RFC 3161: names and fixed parts shared by the side that issues and the side that checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from archive.timestamp import der
from kernel.errors import GgzyError, Kind

# Policies live under the UUID arc of X.660 (2.25), which needs no registration.
POLICY = f"2.25.{UUID('6b1f7f0c-52a4-4f0e-9d0b-3c1a7e55d001').int}"
SANDBOX_POLICY = f"2.25.{UUID('6b1f7f0c-52a4-4f0e-9d0b-3c1a7e55d002').int}"

SHA256 = "2.16.840.1.101.3.4.2.1"
SHA384 = "2.16.840.1.101.3.4.2.2"
SHA512 = "2.16.840.1.101.3.4.2.3"
SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"

# How much earlier than the database's clock an authority's may be (its accuracy), and how much later: between reading
# the database's clock and asking for the token a command under load takes its time.
TOLERANCE = timedelta(seconds=1)
PATIENCE = timedelta(seconds=10)

NULL = der.tlv(der.NULL)
SHA256_ALGORITHM = der.tlv(der.SEQUENCE, der.oid(SHA256))
GRANTED = der.tlv(der.SEQUENCE, der.integer(0))


@dataclass(frozen=True, slots=True)
class Token:
    """What a checked token says: the digest, when, under which policy (dotted), its serial, and the request's nonce."""

    digest: bytes
    gen_time: datetime
    policy: str
    serial: int
    nonce: int | None = None

    @property
    def sandbox(self) -> bool:
        """Tell whether our own authority issued it in sandbox mode, where time is compressed."""
        return self.policy == SANDBOX_POLICY


def check_drift(stamped: datetime, at: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Refuse with ``time.clock_drift`` when an authority's time and the database's, read shortly before, disagree."""
    if not -tolerance <= stamped - at <= tolerance + PATIENCE:
        drift = round((stamped - at).total_seconds(), 3)
        raise GgzyError("time.clock_drift", Kind.UNAVAILABLE, seconds=str(drift))


def imprint(digest: bytes) -> bytes:
    """Return the MessageImprint of a SHA-256 digest (RFC 3161 2.4.1); the algorithm's NULL is what OpenSSL writes."""
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.oid(SHA256), NULL), der.tlv(der.OCTET_STRING, digest))
