"""The schema comes from our revisions alone."""

from api import schema


def test_the_newest_revision_is_applied(database: str) -> None:
    """A database made by the fixtures stands at the newest revision, and upgrading again changes nothing."""
    schema.upgrade(database)
    assert schema.current(database) == schema.newest()


def test_the_models_match_the_migrated_database(database: str) -> None:
    """Every migration matches the metadata: alembic finds no difference in either direction."""
    assert schema.drift(database) == []
