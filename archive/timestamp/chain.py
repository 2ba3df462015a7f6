"""Certificate chains of time-stamping authorities, checked against pinned ones alone (RFC 3161 2.3, RFC 5280)."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from kernel.errors import GgzyError, Kind

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises for certificates that are none, some of it only when a field is asked for."""


def load(chain_pem: bytes) -> list[x509.Certificate]:
    """Read pinned certificates (PEM, one after another); GgzyError ``timestamp.bad_chain`` when they are none."""
    try:
        return [whole(certificate) for certificate in x509.load_pem_x509_certificates(chain_pem)]
    except UNREADABLE as error:
        raise GgzyError("timestamp.bad_chain", Kind.INTEGRITY) from error


def whole(certificate: x509.Certificate) -> x509.Certificate:
    """Read now what would be parsed only when asked for; raises one of UNREADABLE here, and nothing later."""
    certificate.public_key()
    _ = certificate.issuer, certificate.subject, certificate.extensions, certificate.serial_number
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate


def check(certificate: x509.Certificate, pinned: list[x509.Certificate], at: datetime) -> None:
    """Walk from the signer to a pinned self-signed root; each certificate is valid at the stamped time.

    Raises GgzyError ``timestamp.bad_certificate``, ``timestamp.untrusted``.
    """
    _check_purpose(certificate)
    current, seen = certificate, 0
    while True:
        if not current.not_valid_before_utc <= at <= current.not_valid_after_utc:
            raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)
        if current.issuer == current.subject and current in pinned:
            return
        issuer = next((c for c in pinned if _issued(c, current)), None)
        seen += 1
        if issuer is None or seen > len(pinned):
            raise GgzyError("timestamp.untrusted", Kind.INTEGRITY)
        current = issuer


def _check_purpose(certificate: x509.Certificate) -> None:
    """RFC 3161 2.3: the extended key usage is critical and is time stamping alone."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY) from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
