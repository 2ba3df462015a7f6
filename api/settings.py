"""Settings of an installation, read from the environment (``GGZY_…``)."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.accounts.relying_party import Party
from api.address import networks
from api.locale import words

CONTRAST = 4.5
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """What one installation is; everything has a default that runs on one machine without other services."""

    model_config = SettingsConfigDict(env_prefix="GGZY_", extra="ignore")

    name: str = "锡林郭勒盟公共资源交易平台"
    seal_colour: str = Field(default="#a8201a", pattern="^#[0-9a-f]{6}$")
    """The colour of the name and of what matters most; white text on it must be readable (WCAG 2.2, 1.4.3)."""
    data_dir: Path = Path("var")
    """Keys, the folder store and the embedded PostgreSQL live here."""
    database_url: SecretStr | None = None
    """``postgresql+psycopg://…``; without it the embedded PostgreSQL is used."""
    sandbox: bool = False
    """Time can be moved forward in a sandbox. A database is a sandbox from its first start on, or never."""

    s3_endpoint: str | None = None
    """``host:port`` of an S3 service; without it the store is a folder under `data_dir`."""
    s3_bucket: str = "ggzy"
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = True
    tsa_url: str | None = None
    """An outside RFC 3161 authority; without it our own signs."""
    tsa_chain: Path | None = None
    """PEM file of the outside authority's certificates."""
    log_origin: str = "ggzy.xilingol.example/log"
    """The log's name in checkpoints (C2SP origin line); it must never change. A sandbox's says that it is one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+/?$")
    """The address as people type it (``https://…``): passkeys are bound to it, and mails name it."""
    workers: int = Field(default=2, ge=1, le=64)
    smtp_url: SecretStr | None = None
    """``smtp://[user:password@]host[:port]`` or ``smtps://…``; without it messages stay on people's own page."""
    mail_from: str = "ggzy@localhost"
    """The sender of mails."""
    trusted_proxies: str = ""
    """Addresses and networks of our own proxies, separated by commas: only their ``X-Forwarded-For`` is believed."""
    writes_per_minute: int = Field(default=1200, ge=1)
    """How many writes one person, or one address that nobody signed in from, may send in a minute."""
    pool_size: int = Field(default=10, ge=1, le=100)
    """Database connections per worker."""
    secure_cookies: bool | None = None
    """Send the session's cookie over HTTPS only; unset, everywhere but on a loopback host."""
    password_memory: int = Field(default=64 * 1024, ge=1024)
    """KiB that argon2id uses for one password."""
    sequence_every: float = Field(default=0.25, gt=0)
    """Seconds between two batches of the log."""
    hearing_minutes: int = Field(default=10, ge=0, le=1440)
    """How long bidders may object to what was read out, unless whoever begins an opening says otherwise."""
    locale: str = "zh_CN"
    node_modules: Path = Path(__file__).parent.parent / "node_modules"

    @property
    def origin(self) -> str:
        """Return the address as people type it, without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def https(self) -> bool:
        """Tell whether people reach the platform by HTTPS alone."""
        return self.origin.startswith("https://")

    @property
    def relying_party(self) -> Party:
        """Return who asks for passkeys."""
        return Party(self.origin, urlsplit(self.origin).hostname or "", self.name)

    @property
    def cookies_over_https_only(self) -> bool:
        """Tell whether the session's cookie is marked ``Secure``."""
        outside = self.https or self.host not in LOOPBACK
        return outside if self.secure_cookies is None else self.secure_cookies

    @field_validator("trusted_proxies")
    @classmethod
    def _be_networks(cls, listed: str) -> str:
        """Refuse what is no list of addresses and networks at the start, not at the first request."""
        networks(listed)
        return listed

    @field_validator("seal_colour")
    @classmethod
    def _be_dark_enough(cls, colour: str) -> str:
        """Refuse a colour on which white text cannot be read: contrast under 4.5 (WCAG 2.2, relative luminance)."""
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004 - sRGB
        luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        if 1.05 / (luminance + 0.05) < CONTRAST:
            raise ValueError(words("settings.seal_too_light"))
        return colour

    @model_validator(mode="after")
    def _name_the_sandbox(self) -> Self:
        """Put `sandbox` into the name of a sandbox's log (docs/spec/trail.md): it stands on whatever the log signs."""
        if self.sandbox and "sandbox" not in self.log_origin:
            self.log_origin += "/sandbox"
        return self
