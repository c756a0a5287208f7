"""One job never holds up another: those that raise, hang or kill the sweep come last, later and later, and end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from darkroom.errors import NetworkError
from darkroom.models.job import Job, JobCost, JobStatus, TurnState
from darkroom.ports import OpenJob
from darkroom.services.jobs.looks import MOST_FAILURES, decided_at, in_order, next_look, within
from darkroom.services.jobs.sweep import Sweep
from darkroom.services.paid.settlement import DECIDED_AFTER
from tests.unit.services.workshop import LEASE, RESERVED, USER, Failing, Killed, Workshop, kept

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)


class ForOne:
    """A port of which a method does something else for one job."""

    def __init__(self, port: Any, method: str, job: Job, instead: Any) -> None:
        self._port, self._method, self._job, self._instead = port, method, job, instead
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._method:
            return found

        def call(*args: Any, **named: Any) -> Any:
            if self._job.id not in args and self._job.id not in [getattr(each, "id", None) for each in args]:
                return found(*args, **named)
            self.calls += 1
            return self._instead()

        return call


def troubled(shop: Workshop, job: Job, instead: Any, *, role: str = "raw_answers", method: str = "read") -> Workshop:
    """The same shop, in which reading this job's kept answer does something else."""
    return shop.beside(lambda name, port: ForOne(port, method, job, instead) if name == role else port)


def names(alarms: list[tuple[str, dict[str, object]]]) -> list[str]:
    return [name for name, _ in alarms]


def raising() -> None:
    raise ValueError("exponent out of range")


def test_a_job_that_raises_each_time_is_looked_at_less_and_less(shop: Workshop) -> None:
    bad = kept(shop)
    broken = troubled(shop, bad, raising)
    reads = cast(ForOne, broken.app.sweep.raw_answers)
    broken.clock.step(LEASE)
    for _ in range(12 * 12):
        broken.sweep_after(FIVE)
    # Twice or three times within the first quarter of an hour or so, and then every six hours.
    assert reads.calls == MOST_FAILURES + 1
    assert names(broken.alarms) == ["SWEEP_FAILED"] * 2 + ["SWEEP_FAILED", "SWEEP_QUARANTINED"] * 2
    assert broken.alarms[-1][1] == {"job": bad.id, "failures": MOST_FAILURES + 1}
    assert (broken.now(bad).status, broken.budget_of(bad).reserved) == (JobStatus.RUNNING, RESERVED)
    for _ in range(12 * 13):
        broken.sweep_after(FIVE)
    # It is decided by what is known of it elsewhere, and the answer that cannot be read is kept.
    assert (broken.now(bad).status, broken.now(bad).cost.actual) == (JobStatus.FAILED, shop.invoice)
    assert broken.budget_of(bad).reserved == 0
    assert shop.raw_answers.answers[USER, bad.id]


def test_one_that_gets_well_is_looked_at_as_before(shop: Workshop) -> None:
    bad = kept(shop)
    broken = troubled(shop, bad, raising)
    broken.clock.step(LEASE)
    broken.sweep_after(FIVE)
    assert shop.now(bad).status is JobStatus.RUNNING
    shop.sweep_after(FIVE)
    assert shop.now(bad).status is JobStatus.SUCCEEDED
    assert shop.alarms == []


def test_a_part_of_the_list_that_cannot_be_read_does_not_hold_up_what_can(shop: Workshop) -> None:
    good = kept(shop)

    class Half:
        """Lists what it knows, and then cannot read on."""

        def __getattr__(self, name: str) -> Any:
            return getattr(shop.jobs, name)

        def list_looks(self, *, at: datetime | None = None) -> Iterator[OpenJob]:
            yield from shop.jobs.list_looks(at=at)
            raise NetworkError("A shard does not answer.")

    shop.app.sweep = _replaced(shop, jobs=Half())
    shop.sweep_after(LEASE)
    assert shop.now(good).status is JobStatus.SUCCEEDED
    ((name, said),) = shop.alarms
    assert (name, said["job"], said["error"]) == ("SWEEP_FAILED", "open jobs", "NetworkError")


def test_jobs_that_hang_do_not_hold_up_the_others(shop: Workshop) -> None:
    bad, good = kept(shop), kept(shop)
    released = Event()
    broken = troubled(shop, bad, released.wait)
    # The look that hangs does not end before the test does. The others take milliseconds; on a busy machine, more.
    broken.app.sweep = _replaced(broken, longest_look=3)
    try:
        done = broken.sweep_after(LEASE)
        assert done == {"looked_at": 2, "failed": 1, "dead_letters": 0, "webhooks": 0, "cutouts": 0}
        assert [broken.now(job).status for job in (bad, good)] == [JobStatus.RUNNING, JobStatus.SUCCEEDED]
        assert broken.alarms[0][1]["error"] == "TookTooLong"
        # It is not begun another time while it hangs.
        assert broken.sweep_after(FIVE) == {"looked_at": 1, "failed": 1, "dead_letters": 0, "webhooks": 0, "cutouts": 0}
        assert cast(ForOne, broken.app.sweep.raw_answers).calls == 1
        # A job that comes meanwhile is not held up either.
        late = kept(shop)
        broken.sweep_after(LEASE)
        assert broken.now(late).status is JobStatus.SUCCEEDED
    finally:
        released.set()


def test_a_job_that_kills_the_sweep_comes_last_from_then_on(shop: Workshop) -> None:
    def kill() -> None:
        raise Killed

    bad, good = kept(shop), kept(shop)
    broken = troubled(shop, bad, kill)
    with pytest.raises(Killed):
        broken.sweep_after(LEASE)
    assert broken.now(good).status is JobStatus.RUNNING
    with pytest.raises(Killed):
        broken.sweep_after(FIVE)
    assert broken.now(good).status is JobStatus.SUCCEEDED
    # It kills one sweep more, and then a few a day, each of them after its work is done.
    kills = 0
    for _ in range(12 * 24):
        late = shop.admit()
        shop.clock.step(LEASE)
        try:
            broken.sweep_after(FIVE)
        except Killed:
            kills += 1
        assert (USER, late.id) in shop.job_queue.sent
        shop.app.settlement.cancel(late)
    assert kills <= 6
    assert (broken.now(bad).status, broken.budget_of(bad).reserved) == (JobStatus.FAILED, 0)


def test_a_day_old_job_ends_even_if_nobody_may_be_asked_about_it(shop: Workshop) -> None:
    bad = kept(shop)

    def wrap(role: str, port: Any) -> Any:
        if role == "raw_answers":
            return ForOne(port, "read", bad, raising)
        return Failing(port, "generation", OverflowError("exponent")) if role == "provider" else port

    broken = shop.beside(wrap)
    broken.clock.step(LEASE)
    for _ in range(12 * 36):
        broken.sweep_after(FIVE)
    assert broken.now(bad).cost.settled
    assert broken.budget_of(bad).reserved == 0
    assert "COST_NEVER_KNOWN" in names(broken.alarms)


def test_a_turn_whose_cost_can_never_be_told_is_not_looked_at_for_ever(shop: Workshop) -> None:
    def advance(_user: str, _turn: str) -> None:
        raise ValueError("no plan of this kind")

    state = TurnState(conversation_id="conv_1", content="warmer")
    turn = Job(id="job_turn", user=USER, op="turn", created_at=shop.clock.now, turn=state)
    shop.jobs.add(turn)
    unknown = JobCost(actual=None, settled=False, charged="unknown")
    assert shop.jobs.finish(turn.model_copy(update={"status": JobStatus.SUCCEEDED, "cost": unknown}))
    shop.app.sweep = _replaced(shop, advance=advance)
    for _ in range(12 * 37):
        shop.sweep_after(FIVE)
    over = shop.now(turn)
    assert (over.status, over.cost.settled, over.cost.actual, over.cost.charged) == ("succeeded", True, None, "unknown")


def test_webhooks_that_cannot_be_resent_are_told_of_and_nothing_else_stops(shop: Workshop) -> None:
    def away() -> int:
        raise NetworkError("SQS said no.")

    shop.app.sweep = _replaced(shop, resend_webhooks=away)
    assert shop.sweep_after(LEASE) == {"looked_at": 0, "failed": 0, "dead_letters": 0, "webhooks": 0, "cutouts": 0}
    assert shop.alarms == [("SWEEP_FAILED", {"job": "webhooks", "error": "NetworkError", "detail": "SQS said no."})]


def test_a_parents_trouble_is_not_its_parts(shop: Workshop) -> None:
    def advance(_user: str, _parent: str) -> None:
        raise ValueError("no plan of this kind")

    part = kept(shop, parent_id="job_turn")
    shop.app.sweep = _replaced(shop, advance=advance)
    assert shop.sweep_after(LEASE) == {"looked_at": 1, "failed": 0, "dead_letters": 0, "webhooks": 0, "cutouts": 0}
    assert shop.now(part).status is JobStatus.SUCCEEDED
    assert [(name, facts["job"]) for name, facts in shop.alarms] == [("SWEEP_FAILED", "job_turn")]


def test_a_turn_that_cannot_be_gone_on_with_is_ended_after_a_day(shop: Workshop) -> None:
    def advance(_user: str, _turn: str) -> None:
        raise ValueError("no plan of this kind")

    state = TurnState(conversation_id="conv_1", content="warmer")
    turn = Job(id="job_turn", user=USER, op="turn", created_at=shop.clock.now, turn=state)
    shop.jobs.add(turn)
    shop.app.sweep = _replaced(shop, advance=advance)
    for _ in range(12 * 25):
        shop.sweep_after(FIVE)
    assert shop.now(turn).status is JobStatus.FAILED
    assert list(shop.jobs.list_open()) == []


# ── The order ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def look(number: int, *, failures: int = 0, looked: timedelta | None = None, age: timedelta = HOUR) -> OpenJob:
    looked_at = None if looked is None else NOW - looked
    return OpenJob(user=USER, id=f"job_{number}", created_at=NOW - age, looked_at=looked_at, failures=failures)


def test_those_without_trouble_come_first_and_the_longest_not_looked_at_before_the_others() -> None:
    given_ = [
        look(1, failures=1, looked=2 * HOUR),
        look(2, looked=FIVE),
        look(3, looked=2 * FIVE),
        look(4, age=timedelta(minutes=7)),
        look(5, failures=2, looked=3 * HOUR),
    ]
    assert [each.id for each in in_order(given_, NOW)] == ["job_3", "job_4", "job_2", "job_1", "job_5"]


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(1, timedelta(minutes=2)), (2, timedelta(minutes=15)), (3, 6 * HOUR), (40, 6 * HOUR)],
)
def test_after_each_failure_it_is_left_alone_for_longer(failures: int, wait: timedelta) -> None:
    job = look(1, failures=failures, looked=timedelta(0), age=HOUR)
    assert next_look(job) == NOW + wait
    assert in_order([job], NOW + wait - timedelta(seconds=1)) == []
    assert in_order([job], NOW + wait) == [job]


@given(st.integers(0, 9), st.integers(0, 60 * 72), st.integers(0, 60 * 72))
def test_a_job_is_always_due_again_within_six_hours_and_when_it_can_be_decided(
    failures: int, age: int, looked: int
) -> None:
    job = look(1, failures=failures, looked=timedelta(minutes=min(age, looked)), age=timedelta(minutes=age))
    assert job.looked_at is not None
    assert next_look(job) <= job.looked_at + 6 * HOUR
    if job.looked_at < decided_at(job):
        assert next_look(job) <= decided_at(job)
    assert decided_at(job) == job.created_at + DECIDED_AFTER


def test_a_look_within_its_time_leaves_nothing_behind() -> None:
    assert within(60, lambda: None) is None
    with pytest.raises(ValueError, match="exponent"):
        within(60, raising)


def _replaced(shop: Workshop, **changes: Any) -> Sweep:
    return replace(shop.app.sweep, **changes)
