"""The provider's lists are asked for once in a while, and outlive an outage."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from darkroom.errors import DarkroomError, UnsupportedModel
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.catalogue import PAUSE_SECONDS, STALE_SECONDS, Catalogue
from local.simulator import Simulator

PAINTER = "black-forest-labs/flux.2-klein-4b"
LIST = "/images/models"
ENDPOINTS = f"/images/models/{PAINTER}/endpoints"


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def catalogue(simulator: Simulator, seconds: Seconds) -> Catalogue:
    provider = OpenRouter(ProviderSettings(url=simulator.url, attempts=1), retries=Retries(attempts=1))
    return Catalogue(provider, ttl_seconds=600, clock=seconds)


def _asked(simulator: Simulator, path: str) -> int:
    return sum(entry["path"].endswith(path) for entry in simulator.world.log.entries())


def test_a_list_is_asked_for_once_within_its_time(catalogue: Catalogue, simulator: Simulator, seconds: Seconds) -> None:
    assert PAINTER in {model.id for model in catalogue.image_models()}
    seconds.now += 599
    catalogue.image_models()
    assert _asked(simulator, LIST) == 1
    seconds.now += 1
    catalogue.image_models()
    assert _asked(simulator, LIST) == 2


def test_each_models_endpoints_are_kept_apart(catalogue: Catalogue, simulator: Simulator) -> None:
    (first,) = catalogue.image_endpoints(PAINTER)
    (other,) = catalogue.image_endpoints("openai/gpt-image-2")
    catalogue.image_endpoints(PAINTER)
    assert (first.slug, other.slug) == ("black-forest-labs", "openai")
    assert _asked(simulator, ENDPOINTS) == 1


def test_threads_that_want_the_same_ask_once(catalogue: Catalogue, simulator: Simulator) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: catalogue.image_endpoints(PAINTER), range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert _asked(simulator, ENDPOINTS) == 1


def test_an_outage_of_less_than_a_day_is_not_felt(catalogue: Catalogue, simulator: Simulator, seconds: Seconds) -> None:
    known = catalogue.image_models()
    simulator.scenario("overloaded", path=LIST)
    seconds.now += 600
    assert catalogue.image_models() == known
    catalogue.image_models()
    assert _asked(simulator, LIST) == 2, "the outage is not looked at again by every call"
    seconds.now += PAUSE_SECONDS
    catalogue.image_models()
    assert _asked(simulator, LIST) == 3
    seconds.now += STALE_SECONDS
    with pytest.raises(DarkroomError):
        catalogue.image_models()


def test_after_an_outage_the_list_is_current_again(
    catalogue: Catalogue, simulator: Simulator, seconds: Seconds
) -> None:
    catalogue.image_models()
    simulator.scenario("overloaded", path=LIST, times=1)
    for _ in range(2):
        seconds.now += 600
        catalogue.image_models()
    seconds.now += 599
    catalogue.image_models()
    assert _asked(simulator, LIST) == 3


def test_nothing_known_and_nobody_to_ask_is_an_error(catalogue: Catalogue, simulator: Simulator) -> None:
    simulator.scenario("overloaded", path=LIST)
    with pytest.raises(DarkroomError):
        catalogue.image_models()


def test_a_model_that_is_gone_is_no_outage(catalogue: Catalogue) -> None:
    with pytest.raises(UnsupportedModel):
        catalogue.image_endpoints("nobody/nothing")


def test_models_for_text_are_known_by_id(catalogue: Catalogue, simulator: Simulator) -> None:
    assert "google/gemini-2.5-flash" in catalogue.chat_model_ids()
    catalogue.chat_model_ids()
    assert _asked(simulator, "/api/v1/models") == 1
