"""What the tests of URLs share."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.adapters.urls import Spy


@pytest.fixture(scope="session")
def ears() -> list[Spy]:
    """An audit hook cannot be removed, so there is one for all tests."""
    listening: list[Spy] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            for spy in tuple(listening):
                spy.hear(event, arguments)

    sys.addaudithook(hook)
    return listening


@pytest.fixture
def spy(ears: list[Spy]) -> Iterator[Spy]:
    spy = Spy()
    ears.append(spy)
    spy.watching = True
    yield spy
    ears.remove(spy)
