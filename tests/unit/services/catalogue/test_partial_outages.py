"""Models whose sources cannot be had while all others' can: for how long their prices count, and how old they look."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from darkroom.errors import DarkroomError, ServiceUnavailable
from darkroom.models.catalogue import ImageEndpoint
from darkroom.ports import CatalogueSource
from darkroom.providers import ProviderSettings
from darkroom.providers.openrouter import OpenRouter
from darkroom.services.catalogue.catalogue import PRICED, SHOWN, Catalogue
from darkroom.services.listing.model_rows import rows
from local.simulator import Simulator
from local.simulator.catalogue import load
from tests.conftest import SteppingClock
from tests.fakes.catalogue import MemoryCatalogueStore

# Hundreds of runs over lines that other tests reach.
pytestmark = pytest.mark.no_cover

TTL = timedelta(hours=1)
PAINTERS = tuple(model.id for model in load().painters())
PRICED_PAINTERS = tuple(model.id for model in load().painters() if any(line.shown for line in model.lines))
ONE = PRICED_PAINTERS[-1:]
THREE = PRICED_PAINTERS[:3]
HALF = PRICED_PAINTERS[::2]


@dataclass
class Dearer:
    """OpenRouter's lists, at so many times the price, and with some models' sources not to be had."""

    others: CatalogueSource
    times: int = 1
    failing: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def image_endpoints(self, model: str) -> Sequence[ImageEndpoint]:
        self.asked.append(model)
        if model in self.failing:
            raise ServiceUnavailable("Nobody answers.")
        return [self._dearer(each) for each in self.others.image_endpoints(model)]

    def _dearer(self, endpoint: ImageEndpoint) -> ImageEndpoint:
        lines = [
            line.model_copy(update={"usd": None if line.usd is None else line.usd * self.times})
            for line in endpoint.prices
        ]
        return endpoint.model_copy(update={"prices": tuple(lines)})

    def image_models(self) -> Any:
        return self.others.image_models()

    def chat_models(self) -> Any:
        return self.others.chat_models()

    def chat_endpoints(self, model: str) -> Any:
        return self.others.chat_endpoints(model)

    def private_models(self) -> Any:
        return self.others.private_models()


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def source(simulator: Simulator) -> Dearer:
    return Dearer(OpenRouter(ProviderSettings(url=simulator.url, attempts=1)))


@pytest.fixture
def store() -> MemoryCatalogueStore:
    return MemoryCatalogueStore()


def container(source: CatalogueSource, store: MemoryCatalogueStore, clock: SteppingClock) -> Catalogue:
    return Catalogue(source, store, ttl_seconds=TTL.total_seconds(), clock=clock, counted=len, patience=60)


@pytest.fixture
def catalogue(source: Dearer, store: MemoryCatalogueStore, clock: SteppingClock) -> Catalogue:
    return container(source, store, clock)


def first_price(endpoints: Sequence[ImageEndpoint]) -> Decimal:
    return next(line.usd for each in endpoints for line in each.prices if line.usd is not None)


def days(catalogue: Catalogue, clock: SteppingClock, count: int = 3) -> None:
    """So many days in which somebody looks at the list three times."""
    for _ in range(count * 3):
        clock.step(timedelta(hours=8))
        catalogue.listing()


@pytest.mark.parametrize("failing", [ONE, THREE, HALF], ids=["one", "three", "every other"])
class TestThreeDays:
    def test_no_price_of_before_is_taken_for_money(
        self, catalogue: Catalogue, source: Dearer, clock: SteppingClock, failing: tuple[str, ...]
    ) -> None:
        catalogue.listing()
        source.times, source.failing = 50, frozenset(failing)
        days(catalogue, clock)
        for model in failing:
            with pytest.raises(DarkroomError):
                catalogue.image_endpoints(model)

    def test_a_new_container_takes_none_either(
        self, catalogue: Catalogue, store: MemoryCatalogueStore, source: Dearer, clock: SteppingClock, failing: Any
    ) -> None:
        catalogue.listing()
        source.times, source.failing = 50, frozenset(failing)
        days(catalogue, clock)
        other = container(source, store, clock)
        for model in failing:
            with pytest.raises(DarkroomError):
                other.image_endpoints(model)

    def test_all_others_are_priced_as_of_today(
        self, catalogue: Catalogue, source: Dearer, clock: SteppingClock, failing: tuple[str, ...]
    ) -> None:
        before = catalogue.listing().endpoints
        source.times, source.failing = 50, frozenset(failing)
        days(catalogue, clock)
        shown = catalogue.listing()
        for model in set(PRICED_PAINTERS) - set(failing):
            assert first_price(catalogue.image_endpoints(model)) == first_price(before[model]) * 50
            assert first_price(shown.endpoints[model]) == first_price(before[model]) * 50
            assert shown.as_of_model(model) == clock()

    def test_what_is_shown_says_how_old_it_is(
        self, catalogue: Catalogue, source: Dearer, clock: SteppingClock, failing: tuple[str, ...]
    ) -> None:
        begun = clock()
        known = catalogue.listing().endpoints
        source.failing = frozenset(failing)
        days(catalogue, clock)
        found = catalogue.listing()
        assert found.as_of == begun, "the oldest of its parts"
        dates = {row.id: row.as_of for row in rows(found, {})}
        for model in failing:
            assert found.endpoints[model] == known[model]
            assert dates[model] == begun
        assert all(dates[model] == clock() for model in set(PAINTERS) - set(failing))
        assert dates["openai/gpt-4o-mini"] == clock()

    def test_when_it_is_over_all_is_as_of_today(
        self, catalogue: Catalogue, source: Dearer, clock: SteppingClock, failing: tuple[str, ...]
    ) -> None:
        before = catalogue.listing().endpoints
        source.times, source.failing = 50, frozenset(failing)
        days(catalogue, clock)
        source.failing = frozenset()
        for model in failing:
            assert first_price(catalogue.image_endpoints(model)) == first_price(before[model]) * 50
        clock.step(TTL)
        assert catalogue.listing().as_of == clock()


def test_for_a_day_the_last_price_counts_while_none_can_be_had(
    catalogue: Catalogue, source: Dearer, clock: SteppingClock
) -> None:
    (model,) = ONE
    known = catalogue.listing().endpoints[model]
    source.failing = frozenset(ONE)
    clock.step(timedelta(hours=12))
    catalogue.listing()
    clock.step(PRICED - timedelta(hours=12, seconds=1))
    assert catalogue.image_endpoints(model) == known
    clock.step(timedelta(seconds=1))
    with pytest.raises(DarkroomError):
        catalogue.image_endpoints(model)


def test_a_price_that_is_not_fresh_is_asked_for_before_it_counts(
    catalogue: Catalogue, source: Dearer, clock: SteppingClock
) -> None:
    (model,) = ONE
    known = catalogue.listing().endpoints[model]
    source.times, source.failing = 50, frozenset(ONE)
    clock.step(TTL)
    catalogue.listing()
    source.failing = frozenset()
    assert first_price(catalogue.image_endpoints(model)) == first_price(known) * 50
    asked = len(source.asked)
    catalogue.image_endpoints(model)
    assert len(source.asked) == asked, "that is then fresh itself"


def test_in_an_outage_of_everything_a_new_container_prices_by_what_the_table_has(
    catalogue: Catalogue, store: MemoryCatalogueStore, source: Dearer, clock: SteppingClock
) -> None:
    known = catalogue.listing().endpoints
    source.failing = frozenset(PAINTERS)
    clock.step(TTL * 2)
    (model,) = ONE
    other = container(source, store, clock)
    assert other.image_endpoints(model) == known[model]
    clock.step(PRICED)
    with pytest.raises(DarkroomError):
        other.image_endpoints(model)


def test_after_a_week_it_is_not_shown_any_more(catalogue: Catalogue, source: Dearer, clock: SteppingClock) -> None:
    (model,) = ONE
    catalogue.listing()
    source.failing = frozenset(ONE)
    days(catalogue, clock, 6)
    assert model in catalogue.listing().endpoints
    source.failing = frozenset(PAINTERS)
    clock.step(SHOWN - timedelta(days=6))
    found = catalogue.listing()
    assert model not in found.endpoints
    assert PRICED_PAINTERS[0] in found.endpoints
    assert found.as_of == clock() - (SHOWN - timedelta(days=6))


def test_a_model_without_any_price_on_record_makes_no_list_look_old(
    catalogue: Catalogue, source: Dearer, clock: SteppingClock
) -> None:
    source.failing = frozenset(ONE)
    found = catalogue.listing()
    assert set(found.endpoints) == set(PAINTERS) - set(ONE)
    assert found.as_of == found.as_of_model(ONE[0]) == clock()


def test_the_zero_data_retention_tags_are_as_old_as_the_list_they_are_from(
    catalogue: Catalogue, source: Dearer, clock: SteppingClock
) -> None:
    class NoSuchList(Dearer):
        def private_models(self) -> Any:
            raise ServiceUnavailable("Nobody answers.")

    store = MemoryCatalogueStore()
    begun = clock()
    container(source, store, clock).listing()
    clock.step(TTL)
    other = container(NoSuchList(source.others), store, clock)
    assert other.listing().as_of == begun


def test_what_is_stored_keeps_each_date(
    catalogue: Catalogue, store: MemoryCatalogueStore, source: Dearer, clock: SteppingClock
) -> None:
    begun: datetime = clock()
    catalogue.listing()
    source.failing = frozenset(THREE)
    clock.step(TTL)
    catalogue.listing()
    other = container(source, store, clock).listing()
    assert {model for model in PAINTERS if other.as_of_model(model) == begun} == set(THREE)
    assert other.as_of == begun
