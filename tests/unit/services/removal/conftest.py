"""remove.bg beside the models here: a simulator over a socket, and a user who has a key for it."""

from collections.abc import Iterator

import pytest

from local.providers.removebg import Simulator
from tests.application import Studio
from tests.unit.cloud import Cloud


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def cloud(studio: Studio, running: Simulator) -> Cloud:
    """Alice has a key of her own, and limits that leave room for a credit."""
    running.reset()
    cloud = Cloud(studio, running)
    cloud.connect("alice")
    cloud.set("alice")
    return cloud
