"""What every ModelStatistics does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from darkroom.adapters.dynamo import to_item, to_row
from darkroom.adapters.statistics_store import DynamoModelStatistics
from darkroom.models.model_row import ModelFigures
from darkroom.ports import ModelStatistics
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.fakes.usage import MemoryModelStatistics


@pytest.fixture
def statistics(cloud: Cloud | None, clock: SteppingClock) -> ModelStatistics:
    return DynamoModelStatistics(cloud.table, cloud.aws.dynamodb, clock) if cloud else MemoryModelStatistics()


@pytest.fixture
def model(user: str) -> str:
    """One that no other test runs."""
    return f"maker/{user}"


def test_a_model_that_was_never_run_has_no_figures(statistics: ModelStatistics, model: str) -> None:
    assert statistics.of([model]) == {}
    assert statistics.of([]) == {}


def test_figures_are_of_what_was_recorded(statistics: ModelStatistics, model: str) -> None:
    for seconds in range(1, 20):
        statistics.record(model, seconds=float(seconds), succeeded=True)
    statistics.record(model, seconds=500.0, succeeded=False)
    assert statistics.of([model, f"{model}-b"]) == {
        model: ModelFigures(runs=20, success_rate=0.95, median_seconds=10.0, p95_seconds=19.0)
    }


def test_a_run_without_a_time_counts(statistics: ModelStatistics, model: str) -> None:
    statistics.record(model, seconds=None, succeeded=False)
    assert statistics.of([model])[model] == ModelFigures(runs=1, success_rate=0.0)


def test_the_last_hundred_count(statistics: ModelStatistics, model: str) -> None:
    statistics.record(model, seconds=900.0, succeeded=False)
    for _ in range(100):
        statistics.record(model, seconds=2.0, succeeded=True)
    assert statistics.of([model])[model] == ModelFigures(
        runs=100, success_rate=1.0, median_seconds=2.0, p95_seconds=2.0
    )


def test_more_models_than_one_look_up_takes(statistics: ModelStatistics, model: str) -> None:
    statistics.record(f"{model}/149", seconds=1.0, succeeded=True)
    assert set(statistics.of([f"{model}/{n}" for n in range(150)] * 2)) == {f"{model}/149"}


@pytest.mark.parametrize("cloud", ["emulator"], indirect=True)
def test_of_two_at_the_same_time_none_is_lost(statistics: ModelStatistics, model: str) -> None:
    for _ in range(5):
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: statistics.record(model, seconds=1.0, succeeded=True), range(2)))
    assert statistics.of([model])[model].runs == 10


@pytest.mark.parametrize("cloud", ["moto"], indirect=True)
class TestRows:
    def test_a_row_says_nothing_of_users(self, cloud: Cloud, statistics: ModelStatistics, model: str) -> None:
        statistics.record(model, seconds=1.25, succeeded=True)
        key = to_item({"pk": f"MODEL#{model}", "sk": "STATISTICS"})
        row = to_row(cloud.aws.dynamodb.get_item(TableName=cloud.table, Key=key)["Item"])
        assert row.pop("expires_at") > 0
        assert row == {"pk": f"MODEL#{model}", "sk": "STATISTICS", "samples": "[[1.25, 1]]", "version": 1}

    def test_what_cannot_be_kept_fails_nobody(self, cloud: Cloud, clock: SteppingClock, model: str) -> None:
        lost: list[tuple[str, Exception]] = []
        broken = DynamoModelStatistics(
            "no-such-table", cloud.aws.dynamodb, clock, on_lost=lambda *facts: lost.append(facts)
        )
        broken.record(model, seconds=1.0, succeeded=True)
        assert [name for name, _ in lost] == [model]

    def test_a_figure_is_one_write_and_no_read(
        self, cloud: Cloud, statistics: ModelStatistics, clock: SteppingClock, model: str
    ) -> None:
        calls: list[str] = []
        events = cloud.aws.dynamodb.meta.events

        def note(event_name: str, **_: object) -> None:
            calls.append(event_name.removeprefix("before-call.dynamodb."))

        events.register("before-call.dynamodb", note, unique_id="statistics")
        try:
            for _ in range(3):
                statistics.record(model, seconds=1.0, succeeded=True)
            assert calls == ["PutItem"] * 3
            # Another process, which does not know of these: what refuses its write tells it.
            DynamoModelStatistics(cloud.table, cloud.aws.dynamodb, clock).record(model, seconds=2.0, succeeded=True)
            statistics.record(model, seconds=3.0, succeeded=True)
        finally:
            events.unregister("before-call.dynamodb", unique_id="statistics")
        assert calls == ["PutItem"] * 7
        assert statistics.of([model])[model].runs == 5

    def test_a_busy_process_writes_several_at_once_and_loses_none(
        self, cloud: Cloud, clock: SteppingClock, model: str
    ) -> None:
        busy = DynamoModelStatistics(cloud.table, cloud.aws.dynamodb, clock, pause=timedelta(seconds=10))
        runs = []
        for seconds in range(1, 5):
            busy.record(model, seconds=float(seconds), succeeded=True)
            runs.append(busy.of([model])[model].runs)
            clock.step(timedelta(seconds=4))
        # The first at once, those of the ten seconds after it with the fourth.
        assert runs == [1, 1, 1, 4]
