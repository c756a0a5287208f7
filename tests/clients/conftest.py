"""What the suites of other people's clients share."""

from collections.abc import Iterator

import pytest

from local.simulator import Simulator
from local.stack import Stack
from tests.integration.users import People


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """OpenRouter on this machine, with no charges and nothing that goes wrong yet."""
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture(scope="session")
def people(stack: Stack) -> People:
    """Users of the running stack, which clients of ours talk to."""
    return People(stack)
