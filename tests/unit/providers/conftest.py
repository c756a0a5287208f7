"""The simulator, one for the session and as new for each test."""

from collections.abc import Iterator

import pytest

from local.simulator import Simulator
from tests.unit.providers.asking import Asking


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def asking(simulator: Simulator) -> Asking:
    return Asking(simulator, simulator.key)
