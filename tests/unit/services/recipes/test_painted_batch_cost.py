"""No picture of a batch waits for what its painting cost; the batch is told when that is known, and once."""

from datetime import timedelta
from typing import Any

import pytest

from darkroom.models.job import JobStatus
from tests.unit.services.batches import PAINTED, USER, Gallery, assert_books_agree, assert_tidy, paint, recipe

UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("missing_usage", {}),
    ("missing_cost", {"form": "null"}),
    ("nan_cost", {"form": "negative"}),
]


def sweep_until_settled(gallery: Gallery) -> None:
    for _ in range(4):
        gallery.sweep()
    assert list(gallery.studio.jobs.list_open()) == []


@pytest.mark.parametrize(("scenario", "options"), UNKNOWN)
def test_a_batch_is_over_before_it_is_known_what_it_cost(
    gallery: Gallery, scenario: str, options: dict[str, Any]
) -> None:
    gallery.studio.simulator.scenario(scenario, path="/images", times=1, **options)
    job = gallery.apply(PAINTED, 2)
    gallery.run()
    over = gallery.now(job)
    assert (over.status, len(over.images)) == (JobStatus.SUCCEEDED, 2)
    assert (over.cost.settled, over.cost.actual, over.cost.charged) == (False, None, "unknown")
    shown = gallery.studio.app.jobs.show_cost(over)
    assert (shown["settled"], shown["actual_usd"], shown["charged"]) == (False, None, "unknown")
    assert gallery.wall(job)[0] > 0
    assert_tidy(gallery, job)
    sweep_until_settled(gallery)
    assert (gallery.now(job).status, gallery.now(job).cost.charged) == (JobStatus.SUCCEEDED, True)
    assert gallery.now(job).cost.estimated == over.cost.estimated
    assert_books_agree(gallery, job)
    assert_tidy(gallery, job)


def test_a_painting_that_does_not_say_its_cost_is_painted_on(gallery: Gallery) -> None:
    gallery.studio.simulator.scenario("missing_usage", path="/images", times=1)
    job = gallery.apply(recipe(paint("a fox"), paint("a hen")), 1)
    gallery.run()
    assert (gallery.now(job).status, gallery.now(job).cost.settled, gallery.posts()) == ("succeeded", False, 2)
    sweep_until_settled(gallery)
    assert_books_agree(gallery, job)


def test_a_picture_that_failed_after_its_painting_is_told_that_it_was_charged(gallery: Gallery) -> None:
    simulator = gallery.studio.simulator
    simulator.scenario("missing_usage", path="/images", times=1)
    job = gallery.apply(recipe(paint("a fox"), paint("a hen")), 1)
    while gallery.posts() < 1:
        assert gallery.step()
    simulator.scenario("moderation", path="/images")
    gallery.run()
    over = gallery.now(job)
    assert over.error is not None
    assert (over.status, over.error["charged"]) == (JobStatus.FAILED, "unknown")
    assert [charged for _, _, charged in gallery.errors(job)] == ["unknown"]
    sweep_until_settled(gallery)
    over = gallery.now(job)
    assert over.error is not None
    assert (over.status, over.error["charged"]) == (JobStatus.FAILED, True)
    assert [charged for _, _, charged in gallery.errors(job)] == [True]
    assert_books_agree(gallery, job)


def test_a_batch_that_is_canceled_does_not_wait_for_a_cost_either(gallery: Gallery) -> None:
    gallery.studio.simulator.scenario("missing_usage", path="/images", times=1)
    job = gallery.apply(PAINTED, 12)
    while gallery.posts() < 1:
        assert gallery.step()
    gallery.cancel(job)
    gallery.run()
    over = gallery.now(job)
    assert (over.status, over.cost.settled) == (JobStatus.CANCELED, False)
    sweep_until_settled(gallery)
    assert gallery.now(job).status is JobStatus.CANCELED
    assert_books_agree(gallery, job)


def test_a_batch_is_settled_though_its_last_painting_was_while_it_ended(gallery: Gallery) -> None:
    gallery.studio.simulator.scenario("missing_usage", path="/images", times=1)
    job = gallery.apply(PAINTED, 1)
    gallery.run()
    part = gallery.part(job, 0)
    # Whoever settles it tells nobody.
    gallery.studio.app.settlement.decide(part, sum(gallery.studio.charged(USER)))
    assert not gallery.now(job).cost.settled
    gallery.sweep(timedelta(minutes=5))
    assert_books_agree(gallery, job)
