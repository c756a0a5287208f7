from collections.abc import Callable
from typing import Any

import pytest

from darkroom.models.user_settings import Limits
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.tokens import Tokens
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.fakes.catalogue import Unreachable
from tests.fakes.issuer import ScriptedOpenRouter
from tests.fakes.memory import MemoryImageStore, MemoryJobStore, MemoryKeyVault

Answer = dict[str, Any]
Call = Callable[..., Answer]


@pytest.fixture
def openrouter() -> ScriptedOpenRouter:
    return ScriptedOpenRouter()


@pytest.fixture
def accounts(studio_simulator: Simulator, openrouter: ScriptedOpenRouter, clock: SteppingClock) -> Studio:
    """With a scripted OpenRouter, and no list of models."""
    studio = Studio(studio_simulator, clock, limits=Limits(per_day=5_000_000), issuer=openrouter)
    studio.published = Unreachable()
    return studio


@pytest.fixture
def tokens(accounts: Studio) -> Tokens:
    return accounts.app.tokens


@pytest.fixture
def callers(accounts: Studio) -> Callers:
    return accounts.app.callers


@pytest.fixture
def vault(accounts: Studio) -> MemoryKeyVault:
    return accounts.vault


@pytest.fixture
def keys(accounts: Studio) -> Keys:
    return accounts.app.keys


@pytest.fixture
def identities(accounts: Studio) -> Identities:
    return accounts.app.identities


@pytest.fixture
def token(tokens: Tokens) -> str:
    """Alice's."""
    return tokens.create(user="alice")[1]


@pytest.fixture
def job_store(accounts: Studio) -> MemoryJobStore:
    return accounts.jobs


@pytest.fixture
def images(accounts: Studio) -> MemoryImageStore:
    return accounts.images
