"""The path of a paid job with the real worker, and a simulator that it calls."""

from collections.abc import Iterator

import pytest

from darkroom.models.key import StoredKey
from darkroom.providers import ProviderSettings, load
from local import providers as simulators
from local.providers._openai_like import OpenAiLikeSimulator
from local.simulator import Simulator
from tests.application import Studio
from tests.conftest import SteppingClock
from tests.unit.services.workshop import Workshop


@pytest.fixture
def openrouter(studio_simulator: Simulator) -> Simulator:
    studio_simulator.reset()
    return studio_simulator


@pytest.fixture
def shop(openrouter: Simulator, clock: SteppingClock) -> Workshop:
    return Workshop(openrouter, clock)


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiLikeSimulator]:
    with simulators.load("gemini")() as world:
        assert isinstance(world, OpenAiLikeSimulator)
        yield world


@pytest.fixture
def gemini(studio: Studio, running: OpenAiLikeSimulator) -> OpenAiLikeSimulator:
    running.reset()
    settings = ProviderSettings(url=running.url)
    studio.direct["gemini"] = load("gemini")(settings)
    key = StoredKey(user="alice", provider="gemini", hint="", sha256="0" * 64, connected_at=studio.clock())
    studio.vault.store(key, running.key)
    return running
