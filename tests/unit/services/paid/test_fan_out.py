"""A job of several calls: at most one charge for each, whatever dies or fails in between, and no paid picture lost."""

import base64
import json
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from darkroom.errors import ServiceUnavailable, UnusableAnswer
from darkroom.models.catalogue import ImageModel, ParameterRange
from darkroom.models.generation import GenerationRequest, RawAnswer
from darkroom.models.job import Job, JobCost, JobStatus, PaidWork, ProviderCall
from darkroom.services.catalogue.capabilities import Candidate, max_seed
from darkroom.services.paid.calls import share
from darkroom.services.paid.fan_out import LEAST_PER_CALL, MOST_AT_ONCE
from darkroom.services.paid.rereading import Rereading
from darkroom.services.paid.worker import AFTERWARDS
from local.simulator import Simulator
from tests.conftest import SteppingClock
from tests.photos import photo, save
from tests.unit.services.workshop import MODEL, PRICE, RESERVED, STREAMED, USER, Killed, Workshop, failing


class Killing:
    """A port one of whose methods kills, before or after it has done its work.

    Args:
        on: the how-manieth call of it.
    """

    def __init__(self, port: Any, method: str, *, on: int, after: bool) -> None:
        self._port, self._method, self._left, self._after = port, method, on, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._killing(found) if name == self._method else found

    def _killing(self, method: Any) -> Any:
        def call(*args: Any, **given: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._after):
                raise Killed
            done = method(*args, **given)
            if self._left == 0:
                raise Killed
            return done

        return call


def _admit(shop: Workshop, *sizes: int, model: str = MODEL, **asked: Any) -> Job:
    request = GenerationRequest(model=model, prompt="a fox", n=sum(sizes), stream=model == STREAMED, **asked)
    calls = tuple(ProviderCall(index=index, n=n) for index, n in enumerate(sizes))
    reserved = RESERVED * sum(sizes)
    cost = JobCost(estimated=reserved, reserved=reserved, actual=None, settled=False)
    return shop.admit(work=PaidWork(request=request, calls=sizes), calls=calls, cost=cost)


def _costs(job: Job) -> list[int | None]:
    return [call.cost for call in job.calls]


def _settled_right(shop: Workshop, job: Job) -> None:
    """Ledger = invoice, and what is said of each call adds up to it."""
    budget = shop.budget_of(job)
    assert (budget.spent, budget.reserved, job.cost.actual) == (shop.invoice, 0, shop.invoice)
    receipt = shop.ledger.receipts_[job.user, job.id]
    assert (receipt.actual, receipt.calls) == (shop.invoice, job.calls)
    assert job.cost.settled


@pytest.mark.parametrize("model", [MODEL, STREAMED])
def test_four_pictures_are_four_calls_of_one_job(shop: Workshop, model: str) -> None:
    job = shop.run(_admit(shop, 1, 1, 1, 1, model=model))
    assert (job.status, len(job.images), job.error) == (JobStatus.SUCCEEDED, 4, None)
    assert len({image.key for image in job.images}) == 4
    assert (shop.requests, len(shop.simulator.state.invoice())) == (4, 4)
    assert [call.cost for call in job.calls] == [charge["micro_usd"] for charge in shop.simulator.state.invoice()]
    assert len({call.generation_id for call in job.calls}) == 4
    assert {call.status for call in job.calls} == {JobStatus.SUCCEEDED}
    assert (shop.raw_answers.answers, len(shop.webhook_queue.sent), shop.alarms) == ({}, 1, [])
    _settled_right(shop, job)


def test_each_call_asks_for_its_share_with_a_seed_of_its_own() -> None:
    request = GenerationRequest(model=MODEL, prompt="a fox", n=6, seed=7)
    shares = [share(request, ProviderCall(index=index, n=n)) for index, n in enumerate((4, 2))]
    assert [(each.n, each.seed) for each in shares] == [(4, 7), (2, 8)]
    assert share(request, None) == request


@pytest.mark.parametrize(
    ("seed", "max_seed", "expected"),
    [
        (7, 2**31 - 1, [7, 8, 9]),
        (2**31 - 2, 2**31 - 1, [2**31 - 2, 2**31 - 1, 2**31 - 3]),
        (2**63 - 1, 2**63 - 1, [2**63 - 1, 2**63 - 2, 2**63 - 3]),
        (99, 99, [99, 98, 97]),
    ],
)
def test_no_seed_is_larger_than_the_model_takes_and_none_is_used_twice(
    seed: int, max_seed: int, expected: list[int]
) -> None:
    request = GenerationRequest(model=MODEL, prompt="a fox", n=3, seed=seed)
    shares = [share(request, ProviderCall(index=index, n=1), max_seed) for index in range(3)]
    assert [each.seed for each in shares] == expected


@pytest.mark.parametrize(
    ("seed", "told", "expected"),
    [
        (None, None, None),
        (7, None, 2**31 - 1),
        (2**31, None, 2**32 - 1),
        (2**40, None, 2**53 - 1),
        (2**62, None, 2**63 - 1),
        (7, 99, 99),
    ],
)
def test_the_largest_seed_is_what_the_model_tells_or_what_its_integers_hold(
    seed: int | None, told: int | None, expected: int | None
) -> None:
    seeds = ParameterRange(type="boolean") if told is None else ParameterRange(type="range", max=Decimal(told))
    model = ImageModel(id=MODEL, name="x", parameters={"seed": seeds})
    assert max_seed(seed, [Candidate(model)]) == expected


def _unusable(shop: Workshop) -> Job:
    """A job of two calls, whose answers cannot be read yet."""
    body = {"created": 1, "data": [{"odd": "x"}], "usage": {"cost": 0.014}}
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
    shop.simulator.scenario("answer", parameters=answer)
    job = shop.run(_admit(shop, 1, 1))
    assert job.error is not None
    assert (job.status, job.error["code"], len(shop.raw_answers.answers)) == (JobStatus.FAILED, "UNUSABLE_ANSWER", 2)
    return job


def test_answers_that_could_not_be_used_are_read_again_and_cost_nothing_more(shop: Workshop) -> None:
    job = _unusable(shop)
    rereading = Rereading(shop.jobs, shop.raw_answers, shop.app.providers.get, shop.app.settlement)
    with pytest.raises(UnusableAnswer):
        rereading.run(USER, job.id)
    assert shop.now(job) == job
    drawn = base64.b64encode(save(photo("chelsea").resize((40, 30)), "PNG")).decode()
    body = json.dumps({"data": [{"b64_json": drawn}], "usage": {"cost": 0.5}}).encode()
    mended = RawAnswer(body=body, media_type="application/json", generation_id=None, complete=True, model=MODEL)
    shop.raw_answers.write(USER, f"{job.id}/1", mended)
    read = rereading.run(USER, job.id)
    assert (read.status, len(read.images), read.cost, read.error) == (JobStatus.SUCCEEDED, 1, job.cost, None)
    assert _costs(read) == _costs(job)
    assert [call.images for call in read.calls] == [0, 1]
    assert any(each.startswith("1 of 2 pictures did not come:") for each in read.warnings)
    assert (shop.requests, shop.raw_answers.answers) == (2, {})


def test_a_removed_job_takes_the_answers_of_all_calls_along(shop: Workshop) -> None:
    job = _unusable(shop)
    shop.app.jobs.remove(USER, job.id, shop.app.settlement.cancel)
    assert shop.raw_answers.answers == {}


def test_what_is_refused_costs_nothing_and_the_rest_is_kept(shop: Workshop) -> None:
    shop.simulator.scenario("moderation", model=MODEL, times=2)
    job = shop.run(_admit(shop, 1, 1, 1, 1))
    assert (job.status, len(job.images)) == (JobStatus.SUCCEEDED, 2)
    assert sorted(map(str, _costs(job))) == ["0", "0", str(PRICE), str(PRICE)]
    assert any(each.startswith("2 of 4 pictures did not come:") for each in job.warnings)
    _settled_right(shop, job)


def test_what_is_refused_throughout_is_the_refusal(shop: Workshop) -> None:
    shop.simulator.scenario("moderation", model=MODEL)
    job = shop.run(_admit(shop, 1, 1, 1))
    assert job.error is not None
    assert (job.status, job.error["code"], job.error["charged"]) == (JobStatus.FAILED, "CONTENT_REFUSED", False)
    assert (shop.requests, shop.invoice) == (3, 0)
    _settled_right(shop, job)


def test_a_cost_that_is_not_told_is_looked_up_and_put_to_its_call(shop: Workshop) -> None:
    shop.simulator.scenario("missing_cost", model=MODEL, times=1)
    job = shop.run(_admit(shop, 1, 1, 1))
    assert (job.status, len(job.images), job.cost.settled) == (JobStatus.SUCCEEDED, 3, False)
    assert sorted(map(str, _costs(job))) == [str(PRICE), str(PRICE), "None"]
    shop.sweep_after(timedelta(minutes=11))
    job = shop.now(job)
    assert _costs(job) == [PRICE] * 3
    _settled_right(shop, job)


def test_a_call_whose_answer_is_lost_does_not_lose_the_others(shop: Workshop) -> None:
    shop.simulator.scenario("cut_body", model=MODEL, times=1)
    job = shop.run(_admit(shop, 1, 1, 1))
    assert (job.status, len(job.images)) == (JobStatus.SUCCEEDED, 2)
    shop.sweep_after(timedelta(hours=2))
    _settled_right(shop, shop.now(job))


_POINTS = [
    *[("jobs", "dispatch", 1, after) for after in (False, True)],
    *[("jobs", "dispatch_call", on, after) for on in (1, 3) for after in (False, True)],
    *[("jobs", "note_call", on, after) for on in (1, 2, 5) for after in (False, True)],
    *[("raw_answers", "write", on, after) for on in (1, 2, 4) for after in (False, True)],
    *[("images", "write_output", on, after) for on in (1, 4) for after in (False, True)],
    *[("ledger", "close", 1, after) for after in (False, True)],
]


@pytest.mark.parametrize(("role", "method", "on", "after"), _POINTS)
def test_a_kill_at_any_point_pays_no_call_twice_and_keeps_what_was_answered(
    openrouter: Simulator, clock: SteppingClock, role: str, method: str, on: int, after: bool
) -> None:
    openrouter.reset()
    dying = Workshop(
        openrouter,
        clock,
        wrap=lambda name, port: Killing(port, method, on=on, after=after) if name == role else port,
    )
    job = _admit(dying, 1, 1, 1, 1)
    with pytest.raises(Killed):
        dying.run(job)
    shop = dying.beside()
    answered = len(shop.raw_answers.answers)
    for wait in (timedelta(minutes=3), timedelta(minutes=11), timedelta(hours=2)):
        shop.sweep_after(wait)
        if shop.job_queue.sent and shop.now(job).status is JobStatus.QUEUED:
            shop.run(job)
    ended = shop.now(job)
    assert ended.status.is_final
    assert len(openrouter.state.invoice()) == shop.requests <= 4
    assert len(ended.images) >= answered
    _settled_right(shop, ended)


_STORES = [
    ("jobs", "start"),
    ("jobs", "dispatch"),
    ("jobs", "dispatch_call"),
    ("jobs", "note_call"),
    ("jobs", "record"),
    ("raw_answers", "write"),
    ("raw_answers", "read"),
    ("raw_answers", "remove"),
    ("images", "write_output"),
    ("ledger", "charges_with"),
    ("ledger", "close"),
]
ALWAYS = 1000


@pytest.mark.parametrize("times", [1, 3, ALWAYS])
@pytest.mark.parametrize(("role", "method"), _STORES)
def test_a_store_that_fails_costs_no_call_twice_and_no_money(
    openrouter: Simulator, clock: SteppingClock, role: str, method: str, times: int
) -> None:
    """Both a worker and a sweep see it fail so often, or always until a day and more are over."""
    shop = Workshop(openrouter, clock)
    working, sweeping = (shop.beside(failing(role, method, ServiceUnavailable("Away."), times)) for _ in range(2))
    job = _admit(shop, 1, 1, 1)
    reserved = shop.budget_of(job).reserved
    assert reserved == 3 * RESERVED
    for wait in (0, 3, 12, 90, 7 * 60, 7 * 60, 25 * 60):
        with suppress(ServiceUnavailable):
            if shop.now(job).status is JobStatus.QUEUED:
                working.run(job)
        budget = shop.budget_of(job)
        assert (budget.reserved, budget.spent) in ((reserved, 0), (0, shop.invoice))
        sweeping.sweep_after(timedelta(minutes=wait))
    assert len(openrouter.state.invoice()) == shop.requests <= 3
    if times == ALWAYS:
        for _ in range(3):
            shop.sweep_after(timedelta(hours=7))
            if shop.now(job).status is JobStatus.QUEUED:
                shop.run(job)
    ended = shop.now(job)
    assert ended.status.is_final
    assert len(shop.ledger.receipts(USER, limit=9).receipts) == 1
    _settled_right(shop, ended)


def test_no_call_is_sent_once_the_job_is_to_be_stopped(shop: Workshop) -> None:
    class Stopping:
        def __init__(self, port: Any) -> None:
            self._port = port

        def __getattr__(self, name: str) -> Any:
            return getattr(self._port, name)

        def generate(self, *args: Any, **given: Any) -> Any:
            made = self._port.generate(*args, **given)
            stopping.app.jobs.cancel(USER, job.id, stopping.app.settlement.cancel)
            return made

    stopping = Workshop(
        shop.simulator,
        shop.clock,
        wrap=lambda role, port: Stopping(port) if role == "provider" else port,
    )
    job = _admit(stopping, *(1,) * 10)
    ended = stopping.run(job)
    sent = [call for call in ended.calls if call.dispatched_at is not None]
    assert len(sent) == stopping.requests <= 2 * MOST_AT_ONCE
    assert {call.status for call in ended.calls if call not in sent} == {JobStatus.CANCELED}
    assert (ended.status, len(ended.images)) == (JobStatus.SUCCEEDED, len(sent))
    _settled_right(stopping, ended)


def test_no_call_is_begun_that_nobody_would_hear_the_end_of(shop: Workshop) -> None:
    job = shop.run(_admit(shop, *(1,) * 6), seconds=AFTERWARDS + LEAST_PER_CALL - 1)
    assert (shop.requests, len(job.images), job.status) == (MOST_AT_ONCE, MOST_AT_ONCE, JobStatus.SUCCEEDED)
    assert any(each.startswith("2 of 6 pictures did not come") for each in job.warnings)
    _settled_right(shop, job)


def test_a_table_that_is_away_sends_nothing(openrouter: Simulator, clock: SteppingClock) -> None:
    openrouter.reset()
    away = Workshop(openrouter, clock, wrap=failing("jobs", "dispatch", ServiceUnavailable("Away.")))
    job = away.run(_admit(away, 1, 1))
    assert (job.status, job.cost.charged, away.requests) == (JobStatus.FAILED, False, 0)


def test_each_call_is_a_line_of_what_the_owner_sees(shop: Workshop) -> None:
    job = shop.run(_admit(shop, 1, 1))
    shown = shop.app.jobs.show(job)
    assert [(line["index"], line["cost_usd"], line["charged"]) for line in shown["calls"]] == [
        (0, 0.014, True),
        (1, 0.014, True),
    ]
    single = shop.run(shop.admit())
    assert "calls" not in shop.app.jobs.show(single)
