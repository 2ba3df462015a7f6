"""Time: RFC 3161 tokens over SHA-256 digests, issued by our own authority or an outside one, and checked strictly."""

from archive.timestamp.authority import Authority, LocalAuthority, Service, new_authority_keys
from archive.timestamp.remote import RemoteAuthority
from archive.timestamp.token import Token
from archive.timestamp.verification import check, read, verify

__all__ = [
    "Authority",
    "LocalAuthority",
    "RemoteAuthority",
    "Service",
    "Token",
    "check",
    "new_authority_keys",
    "read",
    "verify",
]
