"""The worker, where nothing is killed: what it does about trouble before and after it has sent a job."""

from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from darkroom.errors import KeyUnreadable, ServiceUnavailable
from darkroom.models.deadline import Deadline
from darkroom.models.generation import GenerationRequest
from darkroom.models.job import Job, JobStatus, PaidWork, StoredImage
from darkroom.ports import PaidCall
from darkroom.services.paid.worker import AFTERWARDS, MOST_ATTEMPTS, after
from tests.photos import save
from tests.servers import LONGEST_SECONDS
from tests.unit.services.workshop import MODEL, PRICE, RESERVED, STREAMED, USER, Workshop, at_once, failing


def _shop(shop: Workshop, role: str, method: str, error: Exception, times: int = 1000) -> Workshop:
    return Workshop(shop.simulator, shop.clock, wrap=failing(role, method, error, times))


@pytest.mark.parametrize("model", [MODEL, STREAMED])
def test_it_carries_a_job_out_and_settles_it(shop: Workshop, model: str) -> None:
    job = shop.run(shop.admit(model=model))
    assert (job.status, job.cost.actual, job.attempt) == (JobStatus.SUCCEEDED, shop.invoice, 1)
    assert shop.images.outputs[job.images[0].key].data
    assert (shop.budget_of(job).spent, shop.budget_of(job).reserved) == (shop.invoice, 0)
    assert shop.raw_answers.answers == {}
    assert shop.webhook_queue.sent == [(USER, f"msg_{job.id}")]
    assert shop.alarms == []


def test_a_message_that_comes_again_does_nothing(shop: Workshop) -> None:
    job = shop.admit()
    for _ in range(3):
        shop.run(job)
    assert (shop.requests, shop.invoice, len(shop.webhook_queue.sent)) == (1, PRICE, 1)


def test_a_job_that_another_worker_has_is_left_to_it(shop: Workshop) -> None:
    started = shop.start(shop.admit())
    assert shop.run(started) == started
    assert shop.requests == 0


@pytest.mark.parametrize("job_id", ["job_none", "job_free"])
def test_what_is_no_paid_job_is_not_touched(shop: Workshop, job_id: str) -> None:
    free = Job(id="job_free", user=USER, op="background-removal", created_at=shop.clock.now)
    shop.jobs.add(free)
    shop.app.worker.run(USER, job_id, Deadline(60))
    shop.app.worker.dead_letter(USER, job_id)
    assert shop.now(free) == free
    assert shop.alarms == []


def test_what_is_to_be_canceled_by_now_is_canceled(shop: Workshop) -> None:
    job = shop.run(shop.admit(cancel_at=shop.clock.now))
    assert (job.status, job.cost.charged, job.error and job.error["code"]) == (
        JobStatus.CANCELED,
        False,
        "JOB_CANCELED",
    )
    assert (shop.requests, shop.budget_of(job).remaining) == (0, shop.budget_of(job).limit)


def test_what_is_to_be_canceled_later_is_carried_out(shop: Workshop) -> None:
    job = shop.run(shop.admit(cancel_at=shop.clock.now + timedelta(seconds=1)))
    assert job.status is JobStatus.SUCCEEDED


def test_a_job_that_is_canceled_at_the_last_moment_is_not_sent(shop: Workshop) -> None:
    class Hesitating:
        def __init__(self, port: Any) -> None:
            self._port = port

        def __getattr__(self, name: str) -> Any:
            return getattr(self._port, name)

        def inspect(self, key: str) -> Any:
            assert hesitant.app.settlement.cancel(hesitant.now(job))
            return self._port.inspect(key)

    hesitant = Workshop(
        shop.simulator, shop.clock, wrap=lambda role, port: Hesitating(port) if role == "provider" else port
    )
    job = hesitant.admit()
    assert hesitant.run(job).status is JobStatus.CANCELED
    assert hesitant.requests == 0


class _Bookless:
    """A provider that keeps no books, and must not be asked about a key before each call."""

    keeps_books = False

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def inspect(self, key: str) -> Any:
        raise AssertionError("what it says of a key leads nowhere")


def test_a_provider_that_keeps_no_books_is_asked_for_the_picture_alone(shop: Workshop) -> None:
    bookless = Workshop(
        shop.simulator, shop.clock, wrap=lambda role, port: _Bookless(port) if role == "provider" else port
    )
    job = bookless.run(bookless.admit())
    assert (job.status, job.key_usage, job.key_listed, bookless.requests) == (JobStatus.SUCCEEDED, None, False, 1)


@pytest.mark.parametrize("error", [ServiceUnavailable("KMS is away."), KeyUnreadable("The key cannot be opened.")])
def test_our_own_trouble_is_tried_again_a_little_later_each_time(shop: Workshop, error: Exception) -> None:
    shop = _shop(shop, "provider", "inspect", error)
    job = shop.admit()
    for attempt in range(1, MOST_ATTEMPTS):
        assert shop.run(job).status is JobStatus.QUEUED
        assert (len(shop.job_queue.sent), shop.job_queue.delays[-1]) == (attempt, 5 * attempt)
    ended = shop.run(job)
    assert (ended.status, ended.cost.actual, ended.cost.charged) == (JobStatus.FAILED, 0, False)
    assert len(shop.job_queue.sent) == MOST_ATTEMPTS - 1
    assert (shop.budget_of(job).reserved, shop.requests) == (0, 0)


@pytest.mark.parametrize("scenario", ["rate_limited", "overloaded"])
def test_a_provider_that_cannot_be_asked_for_the_keys_usage_is_asked_later(shop: Workshop, scenario: str) -> None:
    shop.simulator.scenario(scenario, path="/key", times=1)
    job = shop.admit()
    assert shop.run(job).status is JobStatus.QUEUED
    assert shop.run(job).status is JobStatus.SUCCEEDED
    assert (shop.requests, shop.invoice) == (1, PRICE)


@pytest.mark.parametrize("cause", ["none", "refused"])
def test_without_a_key_that_works_it_fails_at_once_and_free(shop: Workshop, cause: str) -> None:
    job = shop.admit()
    if cause == "none":
        shop.app.keys.disconnect(USER, "openrouter")
    else:
        shop.simulator.scenario("unknown_key", path="/key")
    ended = shop.run(job)
    assert ended.error is not None
    assert (ended.status, ended.error["code"], ended.error["charged"]) == (JobStatus.FAILED, "INVALID_API_KEY", False)
    assert (shop.job_queue.sent, shop.requests, shop.budget_of(job).reserved) == ([], 0, 0)


def test_an_input_that_is_gone_fails_the_job_unpaid(shop: Workshop) -> None:
    gone = StoredImage(key="outputs/gone.png", media_type="image/png", width=1, height=1, bytes=1, sha256="ab")
    job = shop.admit()
    work = job.work and job.work.model_copy(update={"inputs": (gone,)})
    shop.jobs.jobs[job.user, job.id] = job.model_copy(update={"work": work})
    ended = shop.run(job)
    assert (ended.status, ended.cost.charged, shop.requests) == (JobStatus.FAILED, False, 0)


def test_the_provider_has_to_leave_time_to_store_what_it_made(shop: Workshop) -> None:
    seen: list[float] = []

    class Watched:
        def __init__(self, port: Any) -> None:
            self._port = port

        def __getattr__(self, name: str) -> Any:
            return getattr(self._port, name)

        def generate(self, request: Any, call: PaidCall) -> Any:
            seen.append(call.deadline.left())
            return self._port.generate(request, call)

    watched = Workshop(
        shop.simulator, shop.clock, wrap=lambda role, port: Watched(port) if role == "provider" else port
    )
    watched.run(watched.admit(), seconds=100)
    watched.run(watched.admit(), seconds=2)
    assert seen[0] == pytest.approx(100 - AFTERWARDS, abs=5)
    assert 0 < seen[1] <= 1


@pytest.mark.parametrize("is_late", [False, True])
def test_a_generations_id_is_kept_by_itself_where_its_answer_is_late(shop: Workshop, is_late: bool) -> None:
    calls: list[str] = []
    stores = ("jobs", "raw_answers")
    noted = shop.beside(lambda role, port: _Noting(port, role, calls, Barrier(1), "") if role in stores else port)
    if is_late:
        noted.app.worker = replace(noted.app.worker, later=at_once)
    job = noted.run(noted.admit())
    assert job.generation_id is not None
    assert calls.count("jobs.note_generation") == is_late
    assert calls.index("raw_answers.write") > calls.index("jobs.note_generation" if is_late else "jobs.dispatch")


def test_the_id_of_a_stream_is_kept_at_once(shop: Workshop) -> None:
    calls: list[str] = []
    noted = shop.beside(lambda role, port: _Noting(port, role, calls, Barrier(1), "") if role == "jobs" else port)
    noted.run(noted.admit(model=STREAMED))
    assert calls.count("jobs.note_generation") == 1


def test_what_is_done_later_can_be_called_off() -> None:
    done: list[int] = []
    after(60, lambda: done.append(1))()
    begun = Event()

    def work() -> None:
        begun.set()
        done.append(2)

    call_off = after(0, work)
    assert begun.wait(LONGEST_SECONDS)
    # It is waited for.
    call_off()
    assert done == [2]


@pytest.mark.parametrize(("role", "method"), [("jobs", "note_generation"), ("raw_answers", "write")])
def test_what_cannot_be_noted_down_does_not_lose_the_answer(shop: Workshop, role: str, method: str) -> None:
    shop = _shop(shop, role, method, ServiceUnavailable("The store is away."))
    shop.app.worker = replace(shop.app.worker, later=at_once)
    job = shop.run(shop.admit())
    assert (job.status, job.cost.actual) == (JobStatus.SUCCEEDED, PRICE)
    noted = {"job": job.id, "error": "ServiceUnavailable"}
    assert shop.alarms == [("NOT_NOTED_DOWN", noted)]


def test_a_dispatch_that_cannot_be_recorded_is_not_sent(shop: Workshop) -> None:
    shop = _shop(shop, "jobs", "dispatch", ServiceUnavailable("The table is away."))
    job = shop.run(shop.admit())
    assert (job.status, job.cost.charged, shop.requests) == (JobStatus.FAILED, False, 0)
    assert shop.budget_of(job).reserved == 0


def test_what_an_earlier_attempt_left_is_not_taken_for_the_answer(shop: Workshop) -> None:
    """The first model answers without a picture that counts, the second is never heard of."""
    shop.simulator.scenario("error_body", model=MODEL)
    job = shop.admit()
    work = job.work
    assert work is not None
    assert work.request is not None
    request = work.request.model_copy(update={"fallback_models": ("black-forest-labs/flux.2-pro",)})
    shop.jobs.jobs[job.user, job.id] = job.model_copy(update={"work": work.model_copy(update={"request": request})})
    shop.simulator.scenario("slow_headers", model="black-forest-labs/flux.2-pro", seconds=LONGEST_SECONDS)
    # Time enough for the first, even on a busy machine.
    ended = shop.run(job, seconds=AFTERWARDS + 5)
    assert ended.status is JobStatus.UNCERTAIN
    assert ended.model_used == "black-forest-labs/flux.2-pro"
    assert (shop.requests, shop.raw_answers.answers) == (2, {})


def test_a_dead_letter_ends_a_job_that_was_never_sent(shop: Workshop) -> None:
    job = shop.admit()
    shop.app.worker.dead_letter(USER, job.id)
    assert (shop.now(job).status, shop.now(job).cost.charged) == (JobStatus.FAILED, False)
    assert shop.budget_of(job).remaining == shop.budget_of(job).limit
    assert shop.alarms == [("DEAD_LETTER", {"job": job.id})]
    shop.app.worker.dead_letter(USER, job.id)
    assert len(shop.alarms) == 1


def test_a_dead_letter_leaves_what_was_sent_to_the_sweep(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.worker.dead_letter(USER, job.id)
    assert shop.now(job).status is JobStatus.RUNNING
    assert shop.budget_of(job).reserved == RESERVED


class _Noting:
    """A port that notes its calls in a list that all of them share, and meets another thread in one of them."""

    def __init__(self, port: Any, role: str, calls: list[str], meets: Barrier, at: str) -> None:
        self._port, self._role, self._calls, self._meets, self._at = port, role, calls, meets, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            place = f"{self._role}.{name}"
            if place == self._at:
                self._meets.wait(LONGEST_SECONDS)
            result = found(*args, **named)
            self._calls.append(place)
            return result

        return call


def test_what_a_key_has_used_is_asked_for_beside_the_pictures_and_known_before_anything_is_sent(
    shop: Workshop,
) -> None:
    calls: list[str] = []
    # Either waits for the other to have begun.
    roles = ("jobs", "ledger", "images", "provider")
    meets, met = Barrier(2), {"provider": "provider.inspect", "images": "images.read_output"}
    noted = Workshop(
        shop.simulator,
        shop.clock,
        wrap=lambda role, port: _Noting(port, role, calls, meets, met.get(role, "")) if role in roles else port,
    )
    picture = save(Image.new("RGB", (64, 64), "red"), "PNG")
    key = "inputs/alice/a.png"
    noted.images.write_output(key, picture, media_type="image/png", metadata={})
    image = StoredImage(key=key, media_type="image/png", width=64, height=64, bytes=len(picture), sha256="ab")
    work = PaidWork(request=GenerationRequest(model=MODEL, prompt="a fox"), inputs=(image,))
    job = noted.run(noted.admit(work=work))
    assert job.status is JobStatus.SUCCEEDED
    order = [calls.index(each) for each in ("ledger.charges_with", "provider.inspect", "jobs.dispatch")]
    assert order == sorted(order)
    assert calls.index("images.read_output") < calls.index("jobs.dispatch")
    assert job.key_usage == 0
    assert job.key_charges == 0
    assert job.key_listed
