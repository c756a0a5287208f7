"""What has been paid for is written again while there is time."""

from collections.abc import Callable

import pytest

from darkroom.errors import InternalError, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.job import JobStatus
from darkroom.services.paid.persistence import once, write_again
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.paid_jobs import LEASE
from tests.unit.services.workshop import PRICE, RESERVED, Apart, Workshop, failing

AWAY = ServiceUnavailable("S3 is away.")


class Time:
    """Stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def _failing(times: int, error: Exception = AWAY) -> Callable[[], str]:
    errors = [error] * times

    def write() -> str:
        if errors:
            raise errors.pop()
        return "written"

    return write


@pytest.mark.parametrize(("times", "waits"), [(0, []), (1, [0.1]), (7, [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])])
def test_an_error_that_passes_is_waited_for_longer_each_time(times: int, waits: list[float]) -> None:
    time = Time()
    assert write_again(_failing(times), Deadline(30, clock=time.clock), sleep=time.sleep) == "written"
    assert time.slept == pytest.approx(waits)


def test_what_the_next_step_needs_is_left() -> None:
    time = Time()
    with pytest.raises(ServiceUnavailable):
        write_again(_failing(1000), Deadline(30, clock=time.clock), reserve=5, sleep=time.sleep)
    assert 23 <= time.now <= 25


def test_tries_that_take_long_themselves_count_too() -> None:
    time = Time()

    def write() -> None:
        time.now += 4
        raise AWAY

    with pytest.raises(ServiceUnavailable):
        write_again(write, Deadline(10, clock=time.clock), sleep=time.sleep)
    assert (time.now <= 14, len(time.slept)) == (True, 2)


def test_without_time_it_is_written_once() -> None:
    time = Time()
    with pytest.raises(ServiceUnavailable):
        write_again(_failing(1), Deadline(3, clock=time.clock), reserve=5, sleep=time.sleep)
    assert time.slept == []
    assert once(_failing(0)) == "written"


def test_an_error_that_does_not_pass_is_not_waited_for() -> None:
    time = Time()
    with pytest.raises(InternalError):
        write_again(_failing(1, InternalError("AWS refuses.")), Deadline(30, clock=time.clock), sleep=time.sleep)
    assert time.slept == []


@pytest.mark.parametrize(("role", "method"), [("raw_answers", "write"), ("images", "write_output")])
@pytest.mark.parametrize("times", [1, 6])
def test_trouble_of_seconds_loses_no_picture(clock: SteppingClock, role: str, method: str, times: int) -> None:
    with Simulator() as openrouter:

        def wrap(name: str, port: object) -> object:
            # Where it is the picture that cannot be written, the answer lies by itself.
            port = Apart(port) if (name, role) == ("raw_answers", "images") else port
            return failing(role, method, AWAY, times)(name, port)

        shop = Workshop(openrouter, clock, wrap=wrap)
        job = shop.run(shop.admit())
        assert (job.status, job.cost.actual, shop.invoice, shop.requests) == (JobStatus.SUCCEEDED, PRICE, PRICE, 1)
        assert shop.images.outputs[job.images[0].key].data
        assert shop.alarms == []


def test_an_answer_is_kept_that_is_needed_later(clock: SteppingClock) -> None:
    """The answer is written at the seventh try; the picture never is, and the sweep makes it from the answer."""
    with Simulator() as openrouter:

        def wrap(role: str, port: object) -> object:
            port = failing("raw_answers", "write", AWAY, 6)(role, Apart(port) if role == "raw_answers" else port)
            return failing("images", "write_output", AWAY)(role, port)

        shop = Workshop(openrouter, clock, wrap=wrap)
        job = shop.admit()
        with pytest.raises(ServiceUnavailable):
            shop.run(job)
        assert shop.alarms == [("RESULT_NOT_STORED", {"job": job.id, "error": "ServiceUnavailable"})]
        assert (shop.now(job).status, shop.budget_of(job).reserved) == (JobStatus.RUNNING, RESERVED)
        assert list(shop.raw_answers.answers) == [(job.user, job.id)]
        assert shop.requests == 1


def test_what_can_never_be_stored_is_uncertain_and_told(clock: SteppingClock) -> None:
    with Simulator() as openrouter:

        def wrap(role: str, port: object) -> object:
            port = failing("raw_answers", "write", AWAY)(role, port)
            return failing("images", "write_output", AWAY)(role, port)

        shop = Workshop(openrouter, clock, wrap=wrap)
        job = shop.admit()
        with pytest.raises(ServiceUnavailable):
            shop.run(job)
        assert [name for name, _ in shop.alarms] == ["NOT_NOTED_DOWN", "RESULT_NOT_STORED"]
        shop.sweep_after(2 * LEASE)
        ended = shop.now(job)
        # The books say what it cost; what was made is lost, and the job says so.
        assert (ended.status, ended.images) == (JobStatus.FAILED, ())
        assert (ended.cost.actual, ended.cost.charged, ended.cost.settled) == (PRICE, True, True)
        assert ended.error is not None
        assert (ended.error["charged"], ended.error["retryable"]) == (True, False)
        assert ended.error["fix"] == "It was charged, and the picture is lost: having it made again costs again."
        assert (shop.budget_of(ended).spent, shop.budget_of(ended).reserved) == (PRICE, 0)
        assert [receipt.actual for receipt in shop.ledger.receipts(ended.user, limit=9).receipts] == [PRICE]
        assert (shop.requests, shop.invoice) == (1, PRICE)
