from collections.abc import Callable
from typing import Any

import pytest

from darkroom.services.tokens import Tokens
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore, MemoryTokenStore

Answer = dict[str, Any]
Call = Callable[..., Answer]


@pytest.fixture
def tokens(clock: SteppingClock) -> Tokens:
    return Tokens(MemoryTokenStore(), clock)


@pytest.fixture
def token(tokens: Tokens) -> str:
    """Alice's."""
    return tokens.create(user="alice")[1]


@pytest.fixture
def job_store() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def images(clock: SteppingClock) -> MemoryImageStore:
    return MemoryImageStore(clock)
