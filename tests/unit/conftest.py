"""The path of a paid job in memory, for whoever tests a part of it."""

from collections.abc import Iterator

import pytest

from local.simulator import Simulator
from local.simulator.pictures import SKETCH
from tests.application import Studio
from tests.conftest import SteppingClock


@pytest.fixture(scope="session")
def studio_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def large_files(studio_simulator: Simulator) -> Iterator[None]:
    """Pictures whose files are as large as real ones, and not a sketch's."""
    studio_simulator.world.detail = 4 * SKETCH
    yield
    studio_simulator.world.detail = SKETCH


@pytest.fixture
def studio(studio_simulator: Simulator, clock: SteppingClock) -> Studio:
    """Alice has a key of her own there; nothing was paid yet."""
    studio_simulator.reset()
    studio = Studio(studio_simulator, clock)
    studio.connect("alice")
    return studio
