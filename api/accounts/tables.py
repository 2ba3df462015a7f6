"""Users, grants, credentials (browser sessions, tokens, links), second factors, device keys and their challenges."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.actor import ADMINS
from kernel.database import Base

_ADMIN = "role IN ({})".format(", ".join(f"'{role}'" for role in sorted(ADMINS)))


class Account(Base):
    """A person who can sign in. Never deleted; `disabled_at` ends it."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("login = lower(login)", name="login"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password: Mapped[str]
    """argon2id in PHC string format."""
    email: Mapped[str] = mapped_column(server_default=text("''"))
    """Where mails to this person go; empty: they stay on the page of messages."""
    made_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AccountGrant(Base):
    """A role in a scope, from `granted_at` to `revoked_at`. A trigger keeps administrators apart (三员分立)."""

    __tablename__ = "account_grant"
    __table_args__ = (
        Index(
            "uq_account_grant_active",
            "user_id",
            "role",
            "scope",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        CheckConstraint("granted_by <> user_id OR granted_by IS NULL", name="not_to_oneself"),
        CheckConstraint(f"NOT ({_ADMIN}) OR scope = '*'", name="admin_scope"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[str]
    scope: Mapped[str]
    granted_by: Mapped[UUID | None]
    """Null: by the system itself (first administrators, self-registration)."""
    granted_at: Mapped[datetime]
    revoked_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]


class Credential(Base):
    """A browser session or a token, known by its SHA-256 alone. Lives in real time, not in the sandbox's."""

    __tablename__ = "credential"
    __table_args__ = (
        CheckConstraint("octet_length(hash) = 32", name="hash"),
        CheckConstraint("kind IN ('session', 'token')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str]
    label: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    expires_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    """When a second factor was shown for it; without one the roles that need it are not in its hands."""
    confirmed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    """When its holder last showed who they are: the password, and a second factor where there is one."""
    revoked_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link by which one sets a forgotten password, known by its SHA-256 alone; used once."""

    __tablename__ = "password_reset"
    __table_args__ = (CheckConstraint("octet_length(hash) = 32", name="hash"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    expires_at: Mapped[datetime]


class KnownAddress(Base):
    """An address from which a person has signed in: strangers elsewhere cannot use up its tries."""

    __tablename__ = "known_address"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class SecondFactor(Base):
    """A one-time-code generator (RFC 6238) or a passkey (WebAuthn). It counts from `confirmed_at` to `revoked_at`."""

    __tablename__ = "second_factor"
    __table_args__ = (
        CheckConstraint("kind IN ('passkey', 'totp')", name="kind"),
        CheckConstraint("kind <> 'totp' OR (secret IS NOT NULL AND handle IS NULL)", name="totp"),
        CheckConstraint(
            "kind <> 'passkey' OR (handle IS NOT NULL AND public_key IS NOT NULL AND sign_count IS NOT NULL"
            " AND secret IS NULL AND NOT shown)",
            name="passkey",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str]
    label: Mapped[str]
    secret: Mapped[bytes | None]
    """The generator's secret, sealed with the installation's own key (`api.accounts.vault`)."""
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The 30-second step of the newest code that was used: no code counts twice."""
    shown: Mapped[bool]
    """In a sandbox: the second step's page shows the code. A trigger refuses it elsewhere."""
    handle: Mapped[bytes | None] = mapped_column(unique=True)
    """The passkey's credential id."""
    public_key: Mapped[bytes | None]
    sign_count: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    confirmed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code for the day when the second factor is lost, known by its SHA-256 alone; used once."""

    __tablename__ = "recovery_code"
    __table_args__ = (CheckConstraint("octet_length(hash) = 32", name="hash"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """The one open challenge of a person who shows a passkey or enrols one."""

    __tablename__ = "passkey_challenge"
    __table_args__ = (CheckConstraint("octet_length(challenge) = 32", name="challenge"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    challenge: Mapped[bytes]
    expires_at: Mapped[datetime]


class DeviceChallenge(Base):
    """The one open challenge of a person who is enrolling a device key."""

    __tablename__ = "device_challenge"
    __table_args__ = (CheckConstraint("octet_length(challenge) = 32", name="challenge"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    challenge: Mapped[bytes]
    expires_at: Mapped[datetime]


class DeviceKey(Base):
    """An Ed25519 public key; one active per person, and a key serves one person for ever."""

    __tablename__ = "device_key"
    __table_args__ = (
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
        Index("uq_device_key_active", "user_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    public_key: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
