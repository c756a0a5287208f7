"""The path of a paid job with the real worker, and a simulator that it calls."""

import pytest

from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.unit.services.workshop import Workshop


@pytest.fixture
def openrouter(studio_simulator: Simulator) -> Simulator:
    studio_simulator.reset()
    return studio_simulator


@pytest.fixture
def shop(openrouter: Simulator, clock: SteppingClock) -> Workshop:
    return Workshop(openrouter, clock)
