"""Certificates made at first start and never shipped: a root, and one certificate under it for one purpose.

The root's key is only needed to renew the other; it should be taken off the machine (docs/spec/timestamp.md).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archive.timestamp.token import POLICY, SANDBOX_POLICY
from kernel.clock import Clock
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

KEY_FILE = "tsa-key.pem"
CHAIN_FILE = "chain.pem"
ROOT_KEY_FILE = "root-key.pem"

_BEFORE = timedelta(days=1)
_ROOT_LIFE = timedelta(days=365 * 40)
_LIFE = timedelta(days=365 * 20)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SERIAL_SIZE = 16


def new_authority_keys(folder: Path, *, clock: Clock, entropy: Entropy, sandbox: bool) -> None:
    """Make root, time-stamping key and certificate in `folder`; keys that are there already stay as they are.

    Writes ``chain.pem`` (own certificate, then root), ``tsa-key.pem`` and ``root-key.pem`` (PKCS #8, mode 0600). The
    chain is written last: with it the keys count as made, so a start cut short is simply done again.
    """
    policies = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(SANDBOX_POLICY if sandbox else POLICY), None)]
    )
    # RFC 3161 2.3 wants exactly one extended usage, critical
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    names = Names("time root", "time authority", KEY_FILE)
    new_keys(folder, names, [(usage, True), (policies, False)], clock=clock, entropy=entropy, sandbox=sandbox)


@dataclass(frozen=True, slots=True)
class Names:
    """What root and leaf are called (behind ``ggzy`` or ``ggzy sandbox``), and the file of the leaf's key."""

    root: str
    leaf: str
    key_file: str


def new_keys(
    folder: Path,
    names: Names,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    clock: Clock,
    entropy: Entropy,
    sandbox: bool,
) -> None:
    """Make a root and one certificate under it with these extensions (critical or not), unless they are there."""
    if (folder / CHAIN_FILE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    label = "ggzy sandbox" if sandbox else "ggzy"
    root_key, key, now = _new_key(entropy), _new_key(entropy), clock.now()
    root_name = _name(f"{label} {names.root}")
    root = _root(_Draft(root_name, root_name, root_key.public_key(), now, _ROOT_LIFE, _serial(entropy)), root_key)
    draft = _Draft(_name(f"{label} {names.leaf}"), root_name, key.public_key(), now, _LIFE, _serial(entropy))
    leaf = _leaf(draft, root_key, extensions)
    _write(folder / ROOT_KEY_FILE, _private(root_key), 0o600)
    _write(folder / names.key_file, _private(key), 0o600)
    pem = serialization.Encoding.PEM
    _write(folder / CHAIN_FILE, leaf.public_bytes(pem) + root.public_bytes(pem), 0o644)


def policy_of(certificate: x509.Certificate) -> str:
    """Return the one policy (dotted) that a certificate of ours names; tokens are issued under it.

    Raises GgzyError ``timestamp.bad_key``.
    """
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound as error:
        raise GgzyError("timestamp.bad_key", Kind.INVALID) from error
    return str(policies[0].policy_identifier.dotted_string)


@dataclass(frozen=True, slots=True)
class _Draft:
    subject: x509.Name
    issuer: x509.Name
    key: ec.EllipticCurvePublicKey
    now: datetime
    life: timedelta
    serial: int

    def builder(self) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(self.issuer, self.subject, self.key, self.serial)
            .not_valid_before(self.now - _BEFORE)
            .not_valid_after(self.now + self.life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key), critical=False)
        )


def _root(draft: _Draft, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    builder = draft.builder().add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(_usage(signs_certificates=True), critical=True).sign(key, hashes.SHA256())


def _leaf(
    draft: _Draft, root_key: ec.EllipticCurvePrivateKey, extensions: Sequence[tuple[x509.ExtensionType, bool]]
) -> x509.Certificate:
    builder = (
        draft.builder()
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(root_key, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _serial(entropy: Entropy) -> int:
    return int.from_bytes(entropy.token(_SERIAL_SIZE), "big") >> 1 | 1


def _new_key(entropy: Entropy) -> ec.EllipticCurvePrivateKey:
    """Return a P-256 key; 384 bits taken modulo the order leave no bias that counts (FIPS 186-5 A.2.1)."""
    secret = int.from_bytes(entropy.token(48), "big") % (_P256_ORDER - 1) + 1
    return ec.derive_private_key(secret, ec.SECP256R1())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
