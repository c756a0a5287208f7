"""The path of a paid job in memory, for whoever tests a part of it."""

from collections.abc import Iterator

import pytest

from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock


@pytest.fixture(scope="session")
def studio_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    """Alice has a key of her own there; nothing was paid yet."""
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock)
    studio.connect("alice")
    return studio
