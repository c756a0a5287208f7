"""Recipes that paint, on many pictures: canceled by their owner, or ended for their age."""

from datetime import UTC, datetime, timedelta

from darkroom.models.deadline import Deadline
from darkroom.models.job import JobStatus
from darkroom.services.recipes.batch_notes import TOO_OLD
from local.simulator import Simulator
from tests.application import LONG, Studio
from tests.conftest import Passing
from tests.unit.services.batches import PAINTED, USER, Gallery, assert_books_agree, assert_tidy, choose, flip, recipe

# ── Canceling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_canceled_before_anything_is_begun_nothing_is(gallery: Gallery) -> None:
    job = gallery.apply(PAINTED, 3)
    canceled = gallery.cancel(job)
    assert (canceled.status, canceled.cost.actual, canceled.cost.charged) == (JobStatus.CANCELED, 0, False)
    gallery.run()
    assert (gallery.posts(), gallery.parts(job)) == (0, {})
    assert gallery.cancel(job).status is JobStatus.CANCELED
    assert_tidy(gallery, job)


def test_canceled_while_paintings_wait_they_are_released(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(PAINTED, 3)
    assert studio.app.recipe_worker.run(*studio.render_queue.sent.pop(0), Deadline(50))
    studio.app.worker.run(*studio.job_queue.sent.pop(0), Deadline(LONG))
    assert gallery.wall(job)[0] > 0
    canceled = gallery.cancel(job)
    assert canceled.status is JobStatus.CANCELED
    assert gallery.wall(job) == (0, 0)
    assert {part.status for part in gallery.parts(job).values()} == {JobStatus.CANCELED}
    gallery.run()
    assert gallery.posts() == 0
    assert_books_agree(gallery, job)
    assert_tidy(gallery, job)


def test_canceled_while_a_painting_is_under_way_it_is_paid_and_kept(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(PAINTED, 12)
    assert studio.app.recipe_worker.run(*studio.render_queue.sent.pop(0), Deadline(50))
    studio.app.worker.run(*studio.job_queue.sent.pop(0), Deadline(LONG))
    part = gallery.part(job, 0)
    running = studio.jobs.start(part, now=studio.clock.now, lease_expires_at=studio.clock.now + timedelta(minutes=5))
    assert running is not None
    assert studio.jobs.dispatch(running, at=studio.clock.now, lease_expires_at=studio.clock.now + timedelta(minutes=5))
    seen = gallery.cancel(job)
    assert not seen.status.is_final
    assert studio.app.jobs.show(seen)["output"]["canceling"] is True
    assert gallery.wall(job)[0] == part.cost.reserved
    gallery.run()
    assert not gallery.now(job).status.is_final
    # The provider answers.
    done = studio.job(USER, part.id)
    studio.app.settlement.settle(
        done.model_copy(update={"status": JobStatus.FAILED, "error": {"code": "NO_IMAGE"}}), 9000
    )
    studio.app.advance(USER, job.id)
    gallery.run()
    over = gallery.now(job)
    assert (over.status, over.cost.actual, over.cost.charged) == (JobStatus.CANCELED, 9000, True)
    assert over.result["progress"]["total"] == 12
    assert "canceling" not in over.result
    assert gallery.posts() == 0


def test_canceled_later_what_was_made_stays(gallery: Gallery) -> None:
    job = gallery.apply(PAINTED, 25)
    while gallery.now(job).result["progress"]["done"] < 3:
        gallery.step()
    gallery.cancel(job)
    gallery.run()
    done = gallery.now(job)
    assert done.status is JobStatus.CANCELED
    assert 3 <= len(done.images) < 25
    assert all(image.key in gallery.studio.images.outputs for image in done.images)
    assert len(done.images) == gallery.posts()
    assert_books_agree(gallery, job)
    assert_tidy(gallery, job)


def test_a_batch_that_costs_nothing_is_canceled_with_what_was_made(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(recipe(flip()), 9)
    seconds = iter(range(10_000))
    assert studio.app.recipe_worker.run(
        *studio.render_queue.sent.pop(0), Deadline(20, clock=lambda: float(next(seconds)))
    )
    made = gallery.now(job).result["progress"]["done"]
    assert 0 < made < 9
    canceled = gallery.cancel(job)
    assert (canceled.status, len(canceled.images), canceled.result["indices"]) == (
        JobStatus.CANCELED,
        made,
        list(range(made)),
    )
    gallery.run()
    assert gallery.now(job) == canceled
    assert_tidy(gallery, job)


def test_a_batch_that_does_not_end_within_a_day_begins_nothing_more(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(PAINTED, 12)
    gallery.step()
    studio.job_queue.sent.clear()
    studio.clock.step(TOO_OLD)
    for _ in range(3):
        gallery.sweep()
    done = gallery.now(job)
    assert (done.status, gallery.posts()) == (JobStatus.FAILED, 0)
    assert {code for _, code, _ in gallery.errors(job)} == {"SERVICE_UNAVAILABLE"}
    assert len(gallery.errors(job)) == 12
    assert_books_agree(gallery, job)


def test_a_batch_and_its_budgets_are_of_the_same_day(studio_simulator: Simulator) -> None:
    clock = Passing()
    passing = Studio(studio_simulator, clock)
    passing.connect(USER)
    gallery = Gallery(passing)
    for milliseconds in range(1, 12):
        clock.now = datetime(2027, 1, 1, tzinfo=UTC) - timedelta(milliseconds=milliseconds)
        job = gallery.apply(PAINTED, 1)
        assert [ref.id for ref in job.budgets[:2]] == [
            f"day#{job.created_at:%Y-%m-%d}",
            f"month#{job.created_at:%Y-%m}",
        ]


def test_a_batch_is_kept_no_longer_than_its_pictures(gallery: Gallery) -> None:
    choose(gallery.studio, retention_days=3)
    job = gallery.apply(recipe(flip()), 1, most=None)
    assert job.expires_at == gallery.studio.clock() + timedelta(days=3)
