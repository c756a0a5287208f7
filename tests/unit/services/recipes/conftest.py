"""Batches that paint, of Alice."""

import pytest

from tests.application import Studio
from tests.unit.services.batches import Gallery


@pytest.fixture
def gallery(studio: Studio) -> Gallery:
    # Pixels are most of what a run takes, and change nothing of its money.
    studio.simulator.scenario("small_picture", side=64)
    return Gallery(studio)
