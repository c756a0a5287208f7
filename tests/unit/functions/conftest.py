from collections.abc import Callable
from typing import Any

import pytest

from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from tests.conftest import SteppingClock
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import (
    MemoryImageStore,
    MemoryJobStore,
    MemoryKeyVault,
    MemorySessionStore,
    MemoryTokenStore,
)
from tests.fakes.people import MemoryIdentityStore

Answer = dict[str, Any]
Call = Callable[..., Answer]


@pytest.fixture
def tokens(clock: SteppingClock) -> Tokens:
    return Tokens(MemoryTokenStore(), clock)


@pytest.fixture
def sessions(clock: SteppingClock) -> Sessions:
    return Sessions(MemorySessionStore(), clock)


@pytest.fixture
def callers(tokens: Tokens, sessions: Sessions) -> Callers:
    return Callers(tokens, sessions)


@pytest.fixture
def openrouter() -> ScriptedOpenRouter:
    return ScriptedOpenRouter()


@pytest.fixture
def vault() -> MemoryKeyVault:
    return MemoryKeyVault()


@pytest.fixture
def keys(vault: MemoryKeyVault, openrouter: ScriptedOpenRouter, clock: SteppingClock) -> Keys:
    return Keys(vault, {"openrouter": openrouter}, clock)


@pytest.fixture
def identities(vault: MemoryKeyVault, clock: SteppingClock) -> Identities:
    return Identities(MemoryIdentityStore(lambda user: bool(vault.describe(user))), clock)


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
