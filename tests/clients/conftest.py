"""What the suites of other people's clients share."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

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


@pytest.fixture(scope="session", autouse=True)
def slow_answers(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[None]]]:
    """Asked for before anything else, and looked at by `test_waiting.py`: the others need not wait for them."""
    if not any(item.path.name == "test_waiting.py" for item in request.session.items):
        yield {}
        return
    from tests.clients.slow import CALLS

    people: People = request.getfixturevalue("people")
    users = {name: people.new(name.replace(" ", "-")) for name in CALLS}
    with ThreadPoolExecutor(len(CALLS)) as threads:
        yield {name: threads.submit(call, users[name]) for name, call in CALLS.items()}
