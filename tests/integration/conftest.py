"""Ways to the running stack."""

from collections.abc import Iterator

import httpx
import pytest

from local.stack import Stack
from tests.integration.users import People
from tests.openapi import CHECKED


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Calls the gateway with the token of the user `local`."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False, event_hooks=CHECKED) as calls:
        yield calls


@pytest.fixture(scope="session")
def people(stack: Stack) -> People:
    return People(stack)


def simulator_of(stack: Stack) -> httpx.Client:
    """Steers the simulator of OpenRouter that the stack calls."""
    assert stack.openrouter.url is not None
    return httpx.Client(base_url=stack.openrouter.url, timeout=30, trust_env=False)
