"""The schema comes from our revisions alone."""

from api import schema


def test_the_newest_revision_is_applied(database: str) -> None:
    """A database made by the fixtures stands at the newest revision, and upgrading again changes nothing."""
    schema.upgrade(database)
    assert schema.current(database) == schema.newest()
