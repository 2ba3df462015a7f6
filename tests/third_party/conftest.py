"""What came of one demo."""

import pytest

from tests.flows.played import Played, played


@pytest.fixture(scope="session")
def demo() -> Played:
    """The demo, played to its end."""
    done = played()
    assert done.code == 0, done.printed
    return done
