"""Fixtures of rooms."""

import pytest

from tests.rooms.scene import Scene


@pytest.fixture
def scene() -> Scene:
    """A match of turns between Ada and Kim that waits for Ada."""
    return Scene()
