"""Batches that paint, of Alice."""

import pytest

from tests.unit.services.batches import Gallery
from tests.unit.studio import Studio


@pytest.fixture
def gallery(studio: Studio) -> Gallery:
    return Gallery(studio)
