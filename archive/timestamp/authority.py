"""Our own time-stamping authority: RFC 3161 tokens put together as DER and signed with ECDSA P-256 over SHA-256.

Nothing is built as objects: all but digest, serial, time and signature is encoded once. Keys are made at first start.
"""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from archive.timestamp import der, token
from archive.timestamp.certificates import CHAIN_FILE, KEY_FILE, new_authority_keys, policy_of
from archive.timestamp.request import Failure, Rejected, Request, decode, refuse
from kernel.clock import Clock
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

__all__ = ["Authority", "LocalAuthority", "Service", "new_authority_keys"]

_DIGEST_SIZE = 32
_SERIAL_SIZE = 16
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())


class Authority(Protocol):
    """Whoever stamps a digest with the time."""

    async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
        """Return a DER TimeStampResp over the SHA-256 `digest`.

        `at` is the database's time, read by the command a moment ago; an authority whose clock is earlier by more than
        its tolerance, or later by more than a slow command explains, refuses with ``time.clock_drift``, one that cannot
        be reached with ``timestamp.unavailable``.
        """


@runtime_checkable
class Service(Protocol):
    """An authority that also answers outsiders."""

    async def answer(self, query: bytes, *, at: datetime) -> bytes:
        """Return the DER TimeStampResp to a DER TimeStampReq; `at` is the database's time, as for `stamp`."""


class LocalAuthority:
    """Issues tokens with a key of this machine; safe to share between tasks and threads."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, chain_pem: bytes, *, clock: Clock, entropy: Entropy, tolerance: timedelta
    ) -> None:
        """Prepare the fixed parts; `chain_pem` begins with the authority's own certificate."""
        certificate = x509.load_pem_x509_certificates(chain_pem)[0]
        self.chain_pem = chain_pem
        self._key, self._clock, self._entropy, self._tolerance = key, clock, entropy, tolerance
        self._policy = der.oid(policy_of(certificate))
        self._accuracy = _accuracy(tolerance)
        self._certificates = der.tlv(der.CONTEXT_0, certificate.public_bytes(serialization.Encoding.DER))
        self._attributes = _signing_certificate(certificate)
        self._signer = _signer(certificate)

    @classmethod
    def load(cls, folder: Path, *, clock: Clock, entropy: Entropy, tolerance: timedelta = token.TOLERANCE) -> Self:
        """Read the keys that `new_authority_keys` made in `folder`; GgzyError ``timestamp.bad_key``."""
        key = serialization.load_pem_private_key((folder / KEY_FILE).read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise GgzyError("timestamp.bad_key", Kind.INVALID)
        return cls(key, (folder / CHAIN_FILE).read_bytes(), clock=clock, entropy=entropy, tolerance=tolerance)

    async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
        """Return a token of this moment, the certificate inside; refuse when the clock and `at` disagree."""
        return self.issue(Request(digest, cert_req=True), self._now(at))

    async def answer(self, query: bytes, *, at: datetime) -> bytes:
        """Answer an outsider's DER TimeStampReq (RFC 3161 3.4); a refusal is an answer too, never an exception."""
        try:
            request = decode(query)
        except Rejected as rejected:
            return refuse(rejected.failure)
        except GgzyError:
            return refuse(Failure.BAD_FORMAT)
        if request.policy not in (None, self._policy):
            return refuse(Failure.UNACCEPTED_POLICY)
        try:
            return self.issue(request, self._now(at))
        except GgzyError:
            return refuse(Failure.TIME_NOT_AVAILABLE)

    def issue(self, request: Request, moment: datetime) -> bytes:
        """Return the DER TimeStampResp that stamps the request's digest with `moment`.

        Raises GgzyError ``timestamp.bad_digest``.
        """
        if len(request.digest) != _DIGEST_SIZE:
            raise GgzyError("timestamp.bad_digest", Kind.INVALID)
        info = self._info(request, moment)
        attributes = self._signed_attributes(hashlib.sha256(info).digest())
        signature = self._key.sign(der.tlv(der.SET, attributes), _ECDSA_SHA256)
        signer_info = der.tlv(
            der.SEQUENCE,
            self._signer,
            der.tlv(der.CONTEXT_0, attributes),
            _SIGNATURE_ALGORITHM,
            der.tlv(der.OCTET_STRING, signature),
        )
        signed_data = der.tlv(
            der.SEQUENCE,
            _SIGNED_DATA_HEAD,
            der.tlv(der.SEQUENCE, token.TST_INFO, der.tlv(der.CONTEXT_0, der.tlv(der.OCTET_STRING, info))),
            self._certificates if request.cert_req else b"",
            der.tlv(der.SET, signer_info),
        )
        content_info = der.tlv(der.SEQUENCE, token.SIGNED_DATA, der.tlv(der.CONTEXT_0, signed_data))
        return der.tlv(der.SEQUENCE, token.GRANTED, content_info)

    def _now(self, at: datetime) -> datetime:
        """Return the own clock's time, if it agrees with the database's."""
        now = self._clock.now()
        token.check_drift(now, at, self._tolerance)
        return now

    def _info(self, request: Request, moment: datetime) -> bytes:
        return der.tlv(
            der.SEQUENCE,
            _INFO_VERSION,
            self._policy,
            token.imprint(request.digest),
            der.integer(int.from_bytes(self._entropy.token(_SERIAL_SIZE), "big")),
            der.generalized_time(moment),
            self._accuracy,
            b"" if request.nonce is None else der.integer(request.nonce),
        )

    def _signed_attributes(self, digest: bytes) -> bytes:
        """Return the attributes in DER's order of a SET OF: by their encodings, which is by length here."""
        return _CONTENT_TYPE_ATTRIBUTE + _DIGEST_ATTRIBUTE_HEAD + digest + self._attributes


def _attribute(name: bytes, value: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, name, der.tlv(der.SET, value))


_INFO_VERSION = der.integer(1)
_SIGNED_DATA_HEAD = der.integer(3) + der.tlv(der.SET, token.SHA256_ALGORITHM)
_SIGNATURE_ALGORITHM = der.tlv(der.SEQUENCE, der.oid(token.ECDSA_WITH_SHA256))
_CONTENT_TYPE_ATTRIBUTE = _attribute(token.CONTENT_TYPE, token.TST_INFO)
_DIGEST_ATTRIBUTE_HEAD = _attribute(token.MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, bytes(_DIGEST_SIZE)))[
    :-_DIGEST_SIZE
]


def _accuracy(tolerance: timedelta) -> bytes:
    """Return Accuracy: seconds, then [0] milliseconds where there are any."""
    seconds, millis = divmod(round(tolerance.total_seconds() * 1000), 1000)
    parts = [der.integer(seconds)] if seconds else []
    if millis:
        parts.append(der.tlv(der.CONTEXT_0_PRIMITIVE, der.element(der.integer(millis)).content))
    return der.tlv(der.SEQUENCE, *parts)


def _signing_certificate(certificate: x509.Certificate) -> bytes:
    """Return SigningCertificateV2 (RFC 5816): SHA-256 is its default algorithm and so is left out."""
    digest = der.tlv(der.OCTET_STRING, certificate.fingerprint(hashes.SHA256()))
    value = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, digest)))
    return _attribute(token.SIGNING_CERTIFICATE_V2, value)


def _signer(certificate: x509.Certificate) -> bytes:
    """Return version, issuerAndSerialNumber and digest algorithm of the SignerInfo."""
    name = der.tlv(der.SEQUENCE, certificate.issuer.public_bytes(), der.integer(certificate.serial_number))
    return der.integer(1) + name + token.SHA256_ALGORITHM
