"""How long a job will probably take, without a read for each request."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from darkroom.errors import ServiceUnavailable
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, PaidWork
from darkroom.models.model_row import ModelFigures
from darkroom.services.paid.durations import Durations
from tests.conftest import SteppingClock
from tests.fakes.usage import MemoryModelStatistics

TURN = Job(id="job_1", user="alice", op="turn", created_at=datetime(2026, 3, 1, tzinfo=UTC), model_requested="a/b, c/d")
PICTURE = TURN.model_copy(
    update={"work": PaidWork(request=GenerationRequest(model="a/b", prompt="a fox")), "model_requested": "fox-model"}
)


class Counted(MemoryModelStatistics):
    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.fails = False

    def of(self, models: Sequence[str]) -> Mapping[str, ModelFigures]:
        self.looks += 1
        if self.fails:
            raise ServiceUnavailable("AWS is away.")
        return super().of(models)


@pytest.mark.parametrize("job", [TURN, PICTURE])
def test_it_is_the_models_median_and_looked_up_once_in_a_while(clock: SteppingClock, job: Job) -> None:
    statistics = Counted()
    durations = Durations(statistics, clock)
    assert durations.expected(job) is None
    for seconds in (3.0, 4.0, 50.0):
        statistics.record("a/b", seconds=seconds, succeeded=True)
    assert durations.expected(job) is None
    clock.step(timedelta(minutes=5))
    for _ in range(3):
        assert durations.expected(job) == 4.0
    assert statistics.looks == 2


def test_of_what_names_no_model_nothing_is_looked_up(clock: SteppingClock) -> None:
    statistics = Counted()
    assert Durations(statistics, clock).expected(TURN.model_copy(update={"model_requested": None})) is None
    assert statistics.looks == 0


def test_a_look_up_that_fails_is_as_if_nothing_were_known(clock: SteppingClock) -> None:
    statistics = Counted()
    statistics.fails = True
    assert Durations(statistics, clock).expected(PICTURE) is None
