"""What came of one demo."""

import pytest

from tests.flows.played import Played, the_demo


@pytest.fixture(scope="session")
def demo() -> Played:
    """The demo, played to its end."""
    done = the_demo().played()
    assert done.code == 0, done.printed
    return done
