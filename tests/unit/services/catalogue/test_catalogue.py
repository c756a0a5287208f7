"""The provider's lists are asked for once in a while, by one of all who want them, and outlive an outage."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import NoReturn

import pytest

from darkroom.errors import DarkroomError, ServiceUnavailable, UnsupportedModel
from darkroom.ports import KeptList
from darkroom.providers import ProviderSettings
from darkroom.providers._retry import Retries
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.catalogue.catalogue import PRICED, SHOWN, Catalogue
from darkroom.services.catalogue.kept import LEASE, LOOK_AGAIN, PAUSE
from local.simulator import Simulator
from local.simulator.catalogue import load
from tests.conftest import SteppingClock
from tests.fakes.catalogue import MemoryCatalogueStore
from tests.servers import LONGEST_SECONDS, serving
from tests.unit.providers.asking import patiently

PAINTER = "black-forest-labs/flux.2-klein-4b"
LIST = "/images/models"
ENDPOINTS = f"/images/models/{PAINTER}/endpoints"
TTL = timedelta(seconds=600)
ALMOST = TTL - timedelta(seconds=1)
PAINTERS = len(load().painters())

Make = Callable[..., Catalogue]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def store() -> MemoryCatalogueStore:
    return MemoryCatalogueStore()


@pytest.fixture
def make(simulator: Simulator, clock: SteppingClock) -> Make:
    """A container's catalogue."""

    def made(
        store: MemoryCatalogueStore | None = None,
        *,
        ttl: float = 600,
        url: str = simulator.url,
        patience: float = 60,
    ) -> Catalogue:
        provider = OpenRouter(ProviderSettings(url=url, attempts=1), retries=Retries(attempts=1))
        return Catalogue(provider, store, ttl_seconds=ttl, clock=clock, counted=len, patience=patience)

    return made


@pytest.fixture
def catalogue(make: Make) -> Catalogue:
    return make()


def _asked(simulator: Simulator, path: str = "") -> int:
    return sum(entry["path"].endswith(path) for entry in simulator.world.log.entries())


class TestOneContainer:
    def test_a_list_is_asked_for_once_within_its_time(
        self, catalogue: Catalogue, simulator: Simulator, clock: SteppingClock
    ) -> None:
        assert PAINTER in {model.id for model in catalogue.image_models()}
        clock.step(ALMOST)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 1
        clock.step(TTL - ALMOST)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 2

    def test_each_models_endpoints_are_kept_apart(self, catalogue: Catalogue, simulator: Simulator) -> None:
        (first,) = catalogue.image_endpoints(PAINTER)
        (other,) = catalogue.image_endpoints("openai/gpt-image-2")
        catalogue.image_endpoints(PAINTER)
        assert (first.slug, other.slug) == ("black-forest-labs", "openai")
        assert _asked(simulator, ENDPOINTS) == 1

    def test_a_chat_models_sources_are_shared_by_all_and_outlive_an_outage(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock
    ) -> None:
        model = "openai/gpt-oss-20b"
        found = make(store).chat_endpoints(model)
        assert [each.slug for each in found] == ["deepinfra", "groq"]
        other = make(store)
        assert other.chat_endpoints(model) == found
        assert _asked(simulator, f"/models/{model}/endpoints") == 1
        simulator.scenario("overloaded", path=f"/models/{model}/endpoints")
        clock.step(TTL)
        assert other.chat_endpoints(model) == found
        clock.step(PRICED)
        with pytest.raises(DarkroomError):
            other.chat_endpoints(model)

    def test_a_chat_model_that_is_gone_has_no_sources(self, catalogue: Catalogue) -> None:
        assert catalogue.chat_endpoints("nobody/nothing") == ()

    def test_threads_that_want_the_same_ask_once(self, catalogue: Catalogue, simulator: Simulator) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: catalogue.image_endpoints(PAINTER), range(16)))
        assert all(answer == answers[0] for answer in answers)
        assert _asked(simulator, ENDPOINTS) == 1

    def test_an_outage_of_less_than_a_day_is_not_felt(
        self, catalogue: Catalogue, simulator: Simulator, clock: SteppingClock
    ) -> None:
        known = catalogue.image_models()
        simulator.scenario("overloaded", path=LIST)
        clock.step(TTL)
        assert catalogue.image_models() == known
        catalogue.image_models()
        assert _asked(simulator, LIST) == 2, "the outage is not looked at again by every call"
        clock.step(PAUSE)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 3
        clock.step(PRICED)
        with pytest.raises(DarkroomError):
            catalogue.image_models()

    def test_after_an_outage_the_list_is_current_again(
        self, catalogue: Catalogue, simulator: Simulator, clock: SteppingClock
    ) -> None:
        catalogue.image_models()
        simulator.scenario("overloaded", path=LIST, times=1)
        for _ in range(2):
            clock.step(TTL)
            catalogue.image_models()
        clock.step(ALMOST)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 3

    def test_nothing_known_and_nobody_to_ask_is_an_error(self, catalogue: Catalogue, simulator: Simulator) -> None:
        simulator.scenario("overloaded", path=LIST)
        with pytest.raises(DarkroomError):
            catalogue.image_models()

    def test_a_model_that_is_gone_is_no_outage(self, catalogue: Catalogue) -> None:
        with pytest.raises(UnsupportedModel):
            catalogue.image_endpoints("nobody/nothing")

    def test_models_for_text_are_known_by_id(self, catalogue: Catalogue, simulator: Simulator) -> None:
        assert "google/gemini-2.5-flash" in catalogue.chat_model_ids()
        catalogue.chat_model_ids()
        assert _asked(simulator, "/api/v1/models") == 1

    def test_no_time_at_all_asks_each_time_and_keeps_nothing_for_others(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator
    ) -> None:
        catalogue = make(store, ttl=0)
        catalogue.image_models()
        simulator.scenario("overloaded", path=LIST, times=1)
        assert catalogue.image_models(), "what was known stands in for an outage all the same"
        catalogue.image_models()
        assert _asked(simulator, LIST) == 3
        assert (store.lists, store.leases) == ({}, {})


class TestEverything:
    def test_is_asked_for_once_and_is_the_same_while_it_is_fresh(
        self, catalogue: Catalogue, simulator: Simulator, clock: SteppingClock
    ) -> None:
        first = catalogue.listing()
        assert set(first.endpoints) == {model.id for model in first.image_models}
        assert (first.as_of, first.private is not None and "anthropic/claude-opus-4.6" in first.private) == (
            clock(),
            True,
        )
        requests = _asked(simulator)
        assert requests == 3 + PAINTERS
        clock.step(ALMOST)
        assert catalogue.listing() is first
        catalogue.image_endpoints(PAINTER)
        assert _asked(simulator) == requests

    def test_every_request_is_counted(self, simulator: Simulator, clock: SteppingClock) -> None:
        counted: list[str] = []
        provider = OpenRouter(ProviderSettings(url=simulator.url, attempts=1))
        catalogue = Catalogue(provider, None, ttl_seconds=600, clock=clock, counted=counted.append)
        for _ in range(2):
            catalogue.listing()
        assert len(counted) == _asked(simulator)
        assert counted.count("image-endpoints") == PAINTERS

    def test_one_models_sources_that_cannot_be_had_spoil_nothing(
        self, make: Make, simulator: Simulator, clock: SteppingClock
    ) -> None:
        simulator.scenario("internal", path=ENDPOINTS)
        catalogue = make()
        assert PAINTER not in catalogue.listing().endpoints
        simulator.reset()
        clock.step(TTL)
        known = catalogue.listing().endpoints[PAINTER]
        simulator.scenario("internal", path=ENDPOINTS)
        clock.step(TTL)
        assert catalogue.listing().endpoints[PAINTER] == known, "the last that is known stands"

    def test_no_model_is_asked_after_once_it_is_plain_that_nobody_answers(
        self, make: Make, simulator: Simulator
    ) -> None:
        for model in load().painters():
            simulator.scenario("overloaded", path=f"/images/models/{model.id}/endpoints")
        with pytest.raises(DarkroomError):
            make().listing()
        asked = {row["path"] for row in simulator.world.log.entries() if row["path"].endswith("/endpoints")}
        assert 0 < len(asked) < PAINTERS

    def test_it_is_shown_for_a_week_without_anybody_to_ask(
        self, make: Make, store: MemoryCatalogueStore, clock: SteppingClock
    ) -> None:
        with ExitStack() as stack:
            simulator = stack.enter_context(Simulator())
            catalogue = make(store, url=simulator.url)
            known = catalogue.listing()
        clock.step(SHOWN - timedelta(seconds=1))
        assert catalogue.listing().image_models == known.image_models
        another = make(store, url=simulator.url)
        assert (another.listing().endpoints, another.listing().as_of) == (known.endpoints, known.as_of)
        with pytest.raises(DarkroomError):
            another.image_models()
        clock.step(timedelta(seconds=1))
        with pytest.raises(DarkroomError):
            catalogue.listing()

    def test_nobody_waits_long_who_has_an_older_one(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock
    ) -> None:
        known = make(store).listing()
        clock.step(TTL)
        with serving(patiently(b"")) as server:
            catalogue = make(store, url=f"http://127.0.0.1:{server.port}", patience=0.2)
            begun = time.monotonic()
            assert catalogue.listing().image_models == known.image_models
            assert catalogue.listing().as_of == known.as_of
            assert time.monotonic() - begun < LONGEST_SECONDS
            assert server.accepted == 1, "the other lists do not wait for whom the first has waited in vain"


class TestManyContainers:
    def test_what_one_has_asked_for_serves_all(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock
    ) -> None:
        first = make(store).listing()
        requests = _asked(simulator)
        clock.step(ALMOST)
        other = make(store)
        found = other.listing()
        assert (found.image_models, found.chat_models, found.endpoints) == (
            first.image_models,
            first.chat_models,
            first.endpoints,
        )
        assert (found.private, found.as_of) == (first.private, first.as_of)
        assert other.image_endpoints(PAINTER) == first.endpoints[PAINTER]
        assert _asked(simulator) == requests

    def test_one_asks_anew_and_the_others_go_on_with_what_there_is(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock
    ) -> None:
        containers = [make(store) for _ in range(4)]
        for each in containers:
            each.image_models()
        assert _asked(simulator, LIST) == 1
        clock.step(TTL)
        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(lambda each: len(each.image_models()), containers))) == 1
        assert _asked(simulator, LIST) == 2
        clock.step(LOOK_AGAIN)
        for each in containers:
            each.image_models()
        assert _asked(simulator, LIST) == 2, "the others have found what the first one brought"

    def test_whoever_was_to_ask_and_died_holds_nobody_up_for_long(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock
    ) -> None:
        catalogue = make(store)
        catalogue.image_models()
        clock.step(TTL)
        assert store.claim("image-models", now=clock(), until=clock() + LEASE)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 1
        clock.step(LEASE)
        catalogue.image_models()
        assert _asked(simulator, LIST) == 2

    @pytest.mark.parametrize("body", [b"", b"{", b'[{"id":7}]'])
    def test_what_another_version_wrote_is_asked_for_anew(
        self, make: Make, store: MemoryCatalogueStore, simulator: Simulator, clock: SteppingClock, body: bytes
    ) -> None:
        store.write("image-models", KeptList(body=body, asked_at=clock()))
        assert PAINTER in {model.id for model in make(store).image_models()}
        assert _asked(simulator, LIST) == 1

    def test_a_table_that_is_not_there_is_no_reason_to_fail(self, make: Make, simulator: Simulator) -> None:
        catalogue = make(_Broken())
        assert catalogue.listing().image_models
        assert catalogue.image_endpoints(PAINTER)


class _Broken(MemoryCatalogueStore):
    """A table that answers nobody."""

    def read(self, name: str) -> NoReturn:
        raise ServiceUnavailable("DynamoDB does not answer.", fix="Try again.")

    def write(self, name: str, kept: KeptList) -> NoReturn:
        raise ServiceUnavailable("DynamoDB does not answer.", fix="Try again.")

    def claim(self, name: str, *, now: datetime, until: datetime) -> NoReturn:
        raise ServiceUnavailable("DynamoDB does not answer.", fix="Try again.")
