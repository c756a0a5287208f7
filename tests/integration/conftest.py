"""The real thing, once for all integration tests: emulator, resources, functions in processes, gateway, pump."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.stack import Stack
from tests.integration.canary import leaks


@pytest.fixture(scope="session")
def stack(weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, weights=weights_dir, parameters={"BackgroundModel": "u2netp"}) as running:
        yield running
        # After whatever the tests did: in no log, row or object may a secret stand in plain text.
        assert leaks(running) == []


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Calls the gateway with the token of the user `local`."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False) as calls:
        yield calls


def simulator_of(stack: Stack) -> httpx.Client:
    """Steers the simulator of OpenRouter that the stack calls."""
    assert stack.openrouter.url is not None
    return httpx.Client(base_url=stack.openrouter.url, timeout=30, trust_env=False)
