"""What a job's owner may do about one that does not come to an end; its money stays counted until it is settled."""

from datetime import timedelta

import pytest

from darkroom.errors import Conflict, NotFound
from darkroom.models.job import Job, JobStatus
from darkroom.services.jobs.jobs import Jobs
from darkroom.services.jobs.stuck import STUCK_AFTER
from darkroom.services.paid.settlement import DECIDED_AFTER
from tests.application import Studio
from tests.unit.services.talking import USER as ALICE
from tests.unit.services.talking import Talk, assert_books_agree
from tests.unit.services.workshop import LEASE, RESERVED, USER, Workshop, kept

CHAT = "/chat/completions"
MINUTES = timedelta(minutes=5)


@pytest.fixture
def jobs(shop: Workshop) -> Jobs:
    return shop.app.jobs


@pytest.fixture
def talk(studio: Studio) -> Talk:
    return Talk(studio).begin()


def uncertain(shop: Workshop) -> Job:
    """A job that was sent, and whose key is another's by now: nobody can tell what became of it."""
    job = shop.dispatch(shop.admit(), key_sha256="another key's")
    shop.sweep_after(LEASE)
    assert shop.now(job).status is JobStatus.UNCERTAIN
    return job


def test_an_uncertain_job_is_canceled_and_its_money_stays_counted(shop: Workshop, jobs: Jobs) -> None:
    job = uncertain(shop)
    canceled = jobs.cancel(USER, job.id, shop.app.settlement.cancel)
    assert (canceled.status, canceled.cost.settled, canceled.cost.charged) == (JobStatus.CANCELED, False, "unknown")
    assert canceled.error is not None
    assert (canceled.error["code"], canceled.error["charged"]) == ("JOB_CANCELED", "unknown")
    assert shop.budget_of(job).reserved == RESERVED
    # Once more is no mistake, and changes nothing.
    assert jobs.cancel(USER, job.id, shop.app.settlement.cancel) == canceled
    shop.sweep_after(DECIDED_AFTER)
    assert (shop.now(job).status, shop.now(job).cost.settled, shop.budget_of(job).reserved) == ("canceled", True, 0)
    assert (shop.now(job).cost.charged, shop.budget_of(job).spent) == ("unknown", RESERVED)


def test_what_a_canceled_job_cost_is_found_out(shop: Workshop, jobs: Jobs) -> None:
    job = kept(shop)
    shop.raw_answers.answers.clear()
    shop.simulator.scenario("overloaded", path="/generation")
    shop.simulator.scenario("overloaded", path="/key")
    shop.sweep_after(LEASE)
    jobs.cancel(USER, job.id, shop.app.settlement.cancel)
    shop.simulator.world.scenarios.clear()
    shop.sweep_after(MINUTES)
    ended = shop.now(job)
    assert ended.error is not None
    assert (ended.status, ended.cost.actual, ended.error["charged"]) == (JobStatus.CANCELED, shop.invoice, True)
    assert (shop.budget_of(job).reserved, shop.budget_of(job).spent) == (0, shop.invoice)


def test_a_job_whose_worker_is_gone_is_the_sweeps_at_first_and_then_its_owners(shop: Workshop, jobs: Jobs) -> None:
    job = shop.dispatch(shop.admit(), key_sha256="another key's")
    for wait in (timedelta(0), LEASE, STUCK_AFTER - timedelta(seconds=1)):
        shop.clock.step(wait)
        with pytest.raises(Conflict):
            jobs.cancel(USER, job.id, shop.app.settlement.cancel)
        with pytest.raises(Conflict):
            jobs.remove(USER, job.id, shop.app.settlement.cancel)
    shop.clock.step(timedelta(seconds=2))
    assert jobs.cancel(USER, job.id, shop.app.settlement.cancel).status is JobStatus.CANCELED
    assert shop.budget_of(job).reserved == RESERVED


def test_a_stuck_job_is_removed_from_sight_and_settled_all_the_same(shop: Workshop, jobs: Jobs) -> None:
    job, other = uncertain(shop), shop.admit()
    jobs.remove(USER, job.id, shop.app.settlement.cancel)
    with pytest.raises(NotFound):
        jobs.find(USER, job.id)
    with pytest.raises(NotFound):
        jobs.remove(USER, job.id, shop.app.settlement.cancel)
    assert [each.job.id for each in jobs.page(USER)[0]] == [other.id]
    assert shop.budget_of(job).reserved == 2 * RESERVED
    shop.app.settlement.cancel(other)
    shop.sweep_after(DECIDED_AFTER)
    assert shop.jobs.find(USER, job.id) is None
    assert shop.budget_of(job).reserved == 0
    assert (USER, job.id) in shop.ledger.receipts_


def test_pictures_of_unknown_cost_can_be_removed_at_once(shop: Workshop, jobs: Jobs) -> None:
    shop.simulator.scenario("missing_usage")
    job = shop.run(shop.admit())
    assert (job.status, job.cost.settled) == (JobStatus.SUCCEEDED, False)
    assert shop.images.outputs
    jobs.remove(USER, job.id, shop.app.settlement.cancel)
    assert (shop.images.outputs, shop.raw_answers.answers, shop.budget_of(job).reserved) == ({}, {}, RESERVED)
    shop.sweep_after(MINUTES)
    assert (shop.budget_of(job).reserved, shop.budget_of(job).spent) == (0, shop.invoice)
    assert shop.jobs.find(USER, job.id) is None


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_free_job_is_canceled_and_removed_when_nobody_works_on_it(shop: Workshop, jobs: Jobs, is_begun: bool) -> None:
    for number in range(2):
        free = Job(id=f"job_{number}", user=USER, op="background-removal", created_at=shop.clock.now)
        shop.jobs.add(free)
        if is_begun:
            shop.start(free, lease=LEASE)
    with pytest.raises(Conflict, match="somebody is at work"):
        jobs.cancel(USER, "job_0", shop.app.settlement.cancel)
    with pytest.raises(Conflict):
        jobs.remove(USER, "job_1", shop.app.settlement.cancel)
    shop.clock.step(LEASE + STUCK_AFTER)
    canceled = jobs.cancel(USER, "job_0", shop.app.settlement.cancel)
    assert (canceled.status, canceled.cost.charged) == (JobStatus.CANCELED, False)
    jobs.remove(USER, "job_1", shop.app.settlement.cancel)
    assert [each.job for each in jobs.page(USER)[0]] == [canceled]


# ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_that_waits_for_an_uncertain_part_is_canceled(talk: Talk, studio: Studio) -> None:
    talk.fails("cut_body", path=CHAT)
    turn = talk.say("warmer")
    assert turn.status is JobStatus.UNCERTAIN
    canceled = studio.app.jobs.cancel(ALICE, turn.id, studio.app.settlement.cancel)
    assert (canceled.status, canceled.cost.settled, canceled.cost.charged) == (JobStatus.CANCELED, False, "unknown")
    assert talk.part(turn, "plan").status is JobStatus.CANCELED
    for _ in range(3):
        talk.sweep()
    assert talk.turn(turn).status is JobStatus.CANCELED
    # What it has cost, the conversation is told.
    assert_books_agree(talk, turn)
    assert talk.now.messages[-1].content.startswith("That did not work.")


def test_a_turns_painting_that_was_not_sent_is_canceled_and_its_plan_is_paid(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("make it a watercolour painting")
    studio.carry_out()
    assert talk.part(turn, "paint0").status is JobStatus.QUEUED
    canceled = studio.app.jobs.cancel(ALICE, turn.id, studio.app.settlement.cancel)
    assert (canceled.status, talk.part(turn, "paint0").cost.actual) == (JobStatus.CANCELED, 0)
    talk.run()
    for _ in range(2):
        talk.sweep()
    assert talk.posts() == ["chat"]
    assert (talk.turn(turn).status, talk.turn(turn).cost.charged) == (JobStatus.CANCELED, True)
    assert_books_agree(talk, turn)


def test_a_turn_that_is_stuck_is_removed_from_sight_and_its_conversation_told_all_the_same(
    talk: Talk, studio: Studio
) -> None:
    talk.fails("cut_body", path=CHAT)
    turn = talk.say("warmer")
    studio.app.jobs.remove(ALICE, turn.id, studio.app.settlement.cancel)
    assert studio.app.jobs.page(ALICE)[0] == []
    for _ in range(4):
        talk.sweep()
    assert list(studio.jobs.list_open()) == []
    assert talk.now.spent == sum(studio.charged(ALICE)) > 0
    assert studio.jobs.find(ALICE, turn.id) is None


def test_a_turn_whose_picture_nobody_makes_is_its_owners_after_a_while(talk: Talk, studio: Studio) -> None:
    turn = talk.submit("remove the background")
    studio.carry_out()
    studio.render_queue.sent.clear()
    with pytest.raises(Conflict):
        studio.app.jobs.cancel(ALICE, turn.id, studio.app.settlement.cancel)
    studio.clock.step(STUCK_AFTER)
    assert studio.app.jobs.cancel(ALICE, turn.id, studio.app.settlement.cancel).status is JobStatus.CANCELED
    talk.sweep()
    assert talk.turn(turn).status is JobStatus.CANCELED
    assert_books_agree(talk, turn)
