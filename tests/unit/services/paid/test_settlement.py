"""How paid jobs end: which money moves, what the job says of it, and that whoever comes second changes nothing."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from darkroom.errors import (
    Charged,
    ContentRefused,
    DarkroomError,
    InternalError,
    NetworkError,
    NoImage,
    ServiceUnavailable,
    UnusableAnswer,
    Upstream,
)
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.models.user_settings import UserSettings
from darkroom.services.paid.settlement import SIMULATED
from tests.fakes.usage import MemoryModelStatistics
from tests.unit.services.results import encoded, png, result_of
from tests.unit.services.workshop import RESERVED, USER, Workshop, failing


def _upstream(cost: int | None) -> Upstream:
    return Upstream(provider="openrouter", cost_micro_usd=cost)


def test_pictures_usage_and_money_are_stored(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    counted = {"prompt_tokens": 20.5, "completion_tokens": 100, "image_tokens": 90}
    shop.app.settlement.succeed(job, result_of(png(), png((5, 6)), tokens=counted))
    ended = shop.now(job)
    assert [(image.key, image.width, image.height) for image in ended.images] == [
        (f"outputs/{USER}/{job.id}/0.png", 3, 4),
        (f"outputs/{USER}/{job.id}/1.png", 5, 6),
    ]
    assert ended.result["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"text_tokens": 20, "image_tokens": 0},
        "output_tokens": 100,
        "output_tokens_details": {"image_tokens": 90, "text_tokens": 10},
        "total_tokens": 120,
    }
    assert (ended.model_used, ended.generation_id, ended.warnings) == ("a/b-2", "gen-1", ("A warning.",))
    assert (ended.cost.actual, ended.cost.charged, ended.completed_at) == (14_000, True, shop.clock.now)
    assert shop.budget_of(job).spent == 14_000


def test_what_a_simulator_made_says_so(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    made = result_of()
    shop.app.settlement.succeed(
        job, made.model_copy(update={"call": made.call.model_copy(update={"is_simulated": True})})
    )
    assert shop.now(job).warnings == ("A warning.", SIMULATED)


def test_a_picture_that_was_free_is_not_called_charged(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.succeed(job, result_of(cost=0))
    assert (shop.now(job).cost.actual, shop.now(job).cost.charged) == (0, False)
    assert shop.budget_of(job).remaining == shop.budget_of(job).limit


def test_what_nobody_can_measure_is_stored_all_the_same(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.succeed(job, result_of(b"RIFF....WEBP"))
    assert [(image.width, image.height) for image in shop.now(job).images] == [(0, 0)]


@pytest.mark.parametrize("first", ["succeed", "fail", "decide"])
def test_whoever_comes_second_changes_nothing(shop: Workshop, first: str) -> None:
    job = shop.dispatch(shop.admit())
    ways: dict[str, Callable[[], None]] = {
        "succeed": lambda: shop.app.settlement.succeed(job, result_of()),
        "fail": lambda: shop.app.settlement.fail(job, ContentRefused("No.")),
        "decide": lambda: shop.app.settlement.decide(job, 9000),
    }
    ways[first]()
    ended, budget = shop.now(job), shop.budget_of(job)
    for way in ways.values():
        way()
    assert not shop.app.settlement.cancel(job)
    shop.app.settlement.give_up(job)
    shop.app.settlement.doubt(job, NetworkError("Gone."))
    assert (shop.now(job), shop.budget_of(job)) == (ended, budget)
    assert shop.webhook_queue.sent == [(USER, f"msg_{job.id}")]
    assert [name for name, _ in shop.alarms] == ["COST_NEVER_KNOWN", "JOB_WAS_NOT_OURS"]


@pytest.mark.parametrize(
    ("charged", "cost", "actual"),
    [(False, None, 0), (True, 9000, 9000), (True, None, None), ("unknown", None, None), ("unknown", 9000, None)],
)
def test_a_failure_is_settled_as_far_as_its_cost_is_known(
    shop: Workshop, charged: Charged, cost: int | None, actual: int | None
) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.fail(job, NoImage("None.", charged=charged, upstream=_upstream(cost)))
    ended = shop.now(job)
    assert ended.error is not None
    if actual is None:
        assert (ended.status, ended.cost.settled, ended.cost.charged) == (JobStatus.UNCERTAIN, False, "unknown")
        assert (ended.error["charged"], ended.error["retryable"]) == ("unknown", False)
        assert (shop.budget_of(job).reserved, shop.webhook_queue.sent) == (RESERVED, [])
    else:
        assert (ended.status, ended.cost.actual, ended.cost.charged) == (JobStatus.FAILED, actual, charged)
        assert (ended.error["charged"], shop.budget_of(job).reserved) == (charged, 0)


@pytest.mark.parametrize(("days", "after"), [(None, 30), (3, 3), (14, 14), (60, 30)])
def test_an_answer_is_kept_as_long_as_the_job_and_no_longer_than_its_user_wants(
    shop: Workshop, days: int | None, after: int
) -> None:
    """Also where that was set after the job had been admitted."""
    job = shop.dispatch(shop.admit())
    assert job.expires_at == shop.clock.now + timedelta(days=30)
    shop.settings.save(USER, UserSettings(retention_days=days))
    shop.app.settlement.fail(job, UnusableAnswer("It cannot be used.", charged=False))
    error = shop.now(job).error
    assert error is not None
    assert error["answer_kept_until"] == (shop.clock.now + timedelta(days=after)).isoformat()


def test_what_the_users_key_at_the_source_has_paid_is_charged_though_it_cost_nothing_here(shop: Workshop) -> None:
    """The provider's fee is none of it: the budgets hold what is taken from the key that is watched."""
    made, failed = (shop.dispatch(shop.admit()) for _ in range(2))
    free = result_of(cost=0)
    usage = free.usage.model_copy(update={"is_byok": True, "upstream_cost": 14_000})
    shop.app.settlement.succeed(made, free.model_copy(update={"usage": usage}))
    shop.app.settlement.fail(failed, NoImage("None.", charged=True, upstream=Upstream("openrouter", cost_micro_usd=0)))
    for job in map(shop.now, (made, failed)):
        assert (job.cost.actual, job.cost.charged, job.cost.settled) == (0, True, True)
    assert [receipt.charged for receipt in shop.ledger.receipts(USER, limit=9).receipts] == [True, True]
    error = shop.now(failed).error
    assert error is not None
    assert error["charged"] is True


def _recorded(statistics: MemoryModelStatistics) -> list[tuple[str, bool]]:
    return [(model, succeeded) for model, samples in statistics.samples.items() for _, succeeded in samples]


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        (InternalError("Ours."), [("a/b-2", False)]),
        (ServiceUnavailable("Theirs.", charged=False), [("a/b-2", False)]),
        (ContentRefused("No."), []),
    ],
)
def test_a_models_failures_are_those_that_its_caller_did_not_cause(
    shop: Workshop, error: DarkroomError, recorded: list[tuple[str, bool]]
) -> None:
    statistics = MemoryModelStatistics()
    settlement = replace(shop.app.settlement, statistics=statistics)
    settlement.fail(shop.dispatch(shop.admit(), model_used="a/b-2"), error)
    assert _recorded(statistics) == recorded


def test_a_models_success_is_recorded(shop: Workshop) -> None:
    statistics = MemoryModelStatistics()
    replace(shop.app.settlement, statistics=statistics).succeed(shop.dispatch(shop.admit()), result_of())
    assert _recorded(statistics) == [("a/b-2", True)]


@pytest.mark.parametrize("given_up", [False, True])
def test_what_was_delivered_stays_so_whatever_it_cost(shop: Workshop, given_up: bool) -> None:
    job = shop.dispatch(shop.admit())
    shop.app.settlement.succeed(job, result_of(cost=None))
    open_still = shop.now(job)
    assert (open_still.status, open_still.cost.settled, open_still.cost.charged) == (
        JobStatus.SUCCEEDED,
        False,
        "unknown",
    )
    assert (shop.webhook_queue.sent, len(open_still.images)) == ([], 1)
    if given_up:
        shop.app.settlement.give_up(open_still)
    else:
        shop.app.settlement.decide(open_still, 9000)
    ended = shop.now(job)
    assert (ended.status, ended.images, ended.error) == (JobStatus.SUCCEEDED, open_still.images, None)
    assert (ended.cost.settled, ended.cost.actual) == (True, RESERVED if given_up else 9000)
    assert ended.cost.charged == ("unknown" if given_up else True)
    assert ("could not be found out" in " ".join(ended.warnings)) == given_up
    assert shop.budget_of(job).spent == ended.cost.actual


def test_canceling_and_failing_unsent_are_too_late_once_it_was_sent(shop: Workshop) -> None:
    job = shop.dispatch(shop.admit())
    assert not shop.app.settlement.cancel(job)
    assert not shop.app.settlement.fail_before_dispatch(job, ServiceUnavailable("No worker."))
    assert shop.now(job).status is JobStatus.RUNNING


def test_the_webhook_does_not_wait_for_what_is_tidied_up(shop: Workshop) -> None:
    wrap = failing("raw_answers", "remove", ServiceUnavailable("S3 is away."))
    shop = Workshop(shop.simulator, shop.clock, wrap=wrap)
    job = shop.dispatch(shop.admit())
    with pytest.raises(ServiceUnavailable):
        shop.app.settlement.succeed(job, result_of())
    assert shop.webhook_queue.sent == [(USER, f"msg_{job.id}")]


def test_pictures_that_cannot_be_stored_leave_the_job_to_the_sweep(shop: Workshop) -> None:
    wrap = failing("images", "write_output", ServiceUnavailable("S3 is away."))
    shop = Workshop(shop.simulator, shop.clock, wrap=wrap)
    job = shop.dispatch(shop.admit())
    with pytest.raises(ServiceUnavailable):
        shop.app.settlement.succeed(job, result_of())
    assert (shop.now(job).status, shop.budget_of(job).reserved) == (JobStatus.RUNNING, RESERVED)


def _masked(shop: Workshop, original: bytes, mask: bytes) -> Job:
    job = shop.admit()
    stored: dict[str, StoredImage] = {}
    for name, data in (("input", original), ("mask", mask)):
        stored[name] = StoredImage(key=f"in/{name}", media_type="image/png", width=3, height=4, bytes=1, sha256="a")
        shop.images.write_output(f"in/{name}", data, media_type="image/png", metadata={})
    assert job.work is not None
    work = job.work.model_copy(update={"inputs": (stored["input"],), "mask": stored["mask"]})
    shop.jobs.jobs[job.user, job.id] = job.model_copy(update={"work": work})
    return shop.dispatch(shop.now(job)).model_copy(update={"work": work})


def test_outside_of_the_mask_the_picture_stays_as_it_was(shop: Workshop) -> None:
    mask = Image.new("RGBA", (64, 64), "black")
    mask.paste((0, 0, 0, 0), (32, 0, 64, 64))
    job = _masked(shop, png((64, 64), "red"), encoded(mask))
    shop.app.settlement.succeed(job, result_of(png((64, 64), "blue")))
    ended = shop.now(job)
    assert ended.warnings == ("A warning.",)
    shown = Image.open(io.BytesIO(shop.images.outputs[ended.images[0].key].data)).convert("RGB")
    assert (shown.getpixel((4, 4)), shown.getpixel((60, 60))) == ((255, 0, 0), (0, 0, 255))


def test_where_the_mask_cannot_be_applied_the_whole_picture_is_kept(shop: Workshop) -> None:
    job = _masked(shop, b"no picture any more", png())
    made = png(colour="blue")
    shop.app.settlement.succeed(job, result_of(made))
    ended = shop.now(job)
    assert shop.images.outputs[ended.images[0].key].data == made
    assert ended.warnings[1].startswith("The mask could not be applied")
    assert ended.cost.actual == 14_000


def test_a_budget_that_is_nearly_used_up_is_said_once(shop: Workshop) -> None:
    said = []
    for _ in range(2):
        job = shop.dispatch(shop.admit())
        shop.app.settlement.succeed(job, result_of(cost=850_000))
        said += [warning for warning in shop.now(job).warnings if "is spent" in warning]
    assert len(said) == 1
    assert "the day's budget" in said[0]
    assert [name for name, _ in shop.alarms] == ["SETTLED_ABOVE_RESERVATION"] * 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    ends=st.lists(
        st.tuples(
            st.sampled_from(["succeed", "free", "charged", "decide", "doubt", "give up", "cancel"]),
            st.integers(0, 4 * RESERVED),
        ),
        max_size=8,
    )
)
def test_whatever_jobs_end_in_the_budget_is_what_their_receipts_say(
    shop: Workshop, ends: list[tuple[str, int]]
) -> None:
    shop = Workshop(shop.simulator, shop.clock)
    jobs = [shop.admit() for _ in ends]
    for job, (end, cost) in zip(jobs, ends, strict=True):
        if end == "cancel":
            assert shop.app.settlement.cancel(job)
            continue
        sent = shop.dispatch(job)
        if end == "succeed":
            shop.app.settlement.succeed(sent, result_of(cost=cost))
        elif end == "charged":
            shop.app.settlement.fail(sent, NoImage("None.", charged=True, upstream=_upstream(cost)))
        elif end == "free":
            shop.app.settlement.fail(sent, NoImage("None."))
        elif end == "decide":
            shop.app.settlement.decide(sent, cost)
        elif end == "doubt":
            shop.app.settlement.doubt(sent, NetworkError("Gone.", charged="unknown"))
        else:
            shop.app.settlement.give_up(sent)
    in_doubt = sum(end == "doubt" for end, _ in ends)
    receipts = shop.ledger.receipts(USER, limit=100).receipts
    assert len(receipts) == len(ends) - in_doubt
    spent = sum(receipt.actual or 0 for receipt in receipts)
    known = sum(cost for end, cost in ends if end in ("succeed", "charged", "decide"))
    assert spent == known + RESERVED * sum(end == "give up" for end, _ in ends)
    for job in jobs:
        budget = shop.budget_of(job)
        assert (budget.spent, budget.reserved) == (spent, in_doubt * RESERVED)
