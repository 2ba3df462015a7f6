"""Logs: one JSON object per line on standard error; nothing sealed, no secret, no body ever goes in."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "seed", "share", "private")


def configure() -> None:
    """Set up structlog, and let the standard library's loggers speak the same form from WARNING up."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide,
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, format='{"event": "%(name)s", "level": "%(levelname)s"}', stream=sys.stderr, force=True
    )


def hide(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Blot out every value whose name sounds like a secret, whoever logged it."""
    return {name: "…" if any(word in name.lower() for word in SECRET_WORDS) else value for name, value in event.items()}
