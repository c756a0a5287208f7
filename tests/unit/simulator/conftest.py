from collections.abc import Iterator

import httpx
import pytest

from local.simulator import Simulator
from tests.conftest import SteppingClock


@pytest.fixture(scope="session")
def clock_of_all() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(scope="session")
def shared_simulator(clock_of_all: SteppingClock) -> Iterator[Simulator]:
    with Simulator(clock=clock_of_all) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def clock(clock_of_all: SteppingClock) -> SteppingClock:
    """The simulator's own, which only goes forward."""
    return clock_of_all


@pytest.fixture(scope="session")
def shared_api(shared_simulator: Simulator) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {shared_simulator.key}"}
    with httpx.Client(base_url=shared_simulator.api, headers=headers, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def api(simulator: Simulator, shared_api: httpx.Client) -> httpx.Client:
    """A client that holds the simulator's first key."""
    return shared_api
