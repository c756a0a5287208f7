"""Recipes that paint, on many pictures: what is paid, what is refused, and what becomes of each picture."""

from typing import Any

import pytest

from darkroom.errors import (
    CostLimit,
    IdempotencyKeyReused,
    InvalidApiKey,
    InvalidParameter,
    UnsupportedModel,
)
from darkroom.models.caller import Caller
from darkroom.models.job import JobStatus
from tests.application import STREAMING, UNPRICED
from tests.photos import load
from tests.unit.services.batches import (
    PAINTED,
    USER,
    Gallery,
    assert_books_agree,
    assert_tidy,
    choose,
    flip,
    paint,
    recipe,
)

# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_leave_to_pay_it_is_refused_and_says_how_to_give_it(gallery: Gallery) -> None:
    with pytest.raises(InvalidParameter, match="costs money") as caught:
        gallery.apply(PAINTED, 2, allow=False)
    assert caught.value.param == "steps[1].paint"
    assert "allow_paid" in caught.value.fix
    assert "max_cost_usd" in caught.value.fix
    assert (gallery.studio.of(USER), gallery.studio.images.outputs) == ({}, {})


def test_leave_to_pay_needs_a_cap(gallery: Gallery) -> None:
    with pytest.raises(InvalidParameter) as caught:
        gallery.apply(PAINTED, 2, most=None)
    assert caught.value.param == "max_cost_usd"
    assert gallery.studio.of(USER) == {}


def test_a_recipe_that_paints_nothing_costs_nothing_with_leave_to_pay(gallery: Gallery) -> None:
    job = gallery.apply(recipe(flip()), 2, most=None)
    gallery.run()
    assert (gallery.now(job).status, gallery.now(job).budgets, gallery.posts()) == (JobStatus.SUCCEEDED, (), 0)


def test_nothing_is_begun_for_which_nobody_would_pay(gallery: Gallery) -> None:
    with pytest.raises(InvalidApiKey):
        gallery.apply(PAINTED, gallery.upload(1, "bob"), by=Caller(user="bob"))
    assert gallery.studio.jobs.jobs == {}


def test_a_model_that_there_is_not_is_said_beforehand(gallery: Gallery) -> None:
    with pytest.raises(UnsupportedModel):
        gallery.apply(recipe(paint(model="nobody/gone")), 1)


def test_a_model_that_makes_nothing_over_is_refused_beforehand(gallery: Gallery) -> None:
    with pytest.raises(InvalidParameter, match="does not edit"):
        gallery.apply(recipe(paint(model=UNPRICED)), 1, most=100)
    assert gallery.studio.of(USER) == {}


def test_a_cap_that_pays_for_not_even_one_picture_is_refused(gallery: Gallery) -> None:
    with pytest.raises(CostLimit) as caught:
        gallery.apply(PAINTED, 5, most=0.001)
    assert (caught.value.param, caught.value.charged) == ("max_cost_usd", False)
    one = gallery.apply(recipe(paint()), 1).cost.estimated or 0
    with pytest.raises(CostLimit, match="all painted steps"):
        gallery.apply(recipe(paint(), paint()), 5, most=1.5 * one / 1e6)


def test_the_estimate_of_the_whole_is_told_beforehand(gallery: Gallery) -> None:
    one = gallery.apply(PAINTED, 1)
    many = gallery.apply(recipe(paint(), flip(), paint()), 4)
    assert many.cost.estimated == 8 * (one.cost.estimated or 0)
    shown = gallery.studio.app.jobs.show(many)
    assert shown["cost"]["estimated_usd"] == (many.cost.estimated or 0) / 1e6
    assert (shown["cost"]["actual_usd"], shown["cost"]["settled"], shown["cost"]["charged"]) == (None, False, "unknown")
    assert (shown["input"]["painted_steps"], shown["input"]["max_cost_usd"]) == (2, 1.0)
    assert not many.warnings
    cut = gallery.apply(PAINTED, 10, most=2.5 * (one.cost.estimated or 0) / 1e6)
    assert "about 2" in cut.warnings[0]


def test_a_known_idempotency_key_is_the_same_batch(gallery: Gallery) -> None:
    named = gallery.upload(2)
    first = gallery.apply(PAINTED, named, key="k")
    again = gallery.apply(PAINTED, named, key="k")
    assert again.id == first.id
    gallery.run()
    assert gallery.apply(PAINTED, named, key="k").id == first.id
    gallery.run()
    assert gallery.posts() == 2
    with pytest.raises(IdempotencyKeyReused):
        gallery.apply(PAINTED, named, most=2.0, key="k")
    assert_books_agree(gallery, first)


# ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_picture_is_painted_once_and_goes_through_every_step(gallery: Gallery) -> None:
    job = gallery.apply(PAINTED, 12)
    gallery.run()
    done = gallery.now(job)
    assert (done.status, done.error, len(done.images)) == (JobStatus.SUCCEEDED, None, 12)
    assert [image.key for image in done.images] == [f"outputs/{USER}/{job.id}/{number}.png" for number in range(12)]
    assert len({image.sha256 for image in done.images}) == 12
    assert {load(gallery.studio.images.outputs[image.key].data).mode for image in done.images} == {"RGBA"}
    assert gallery.posts() == 12
    assert set(gallery.parts(job)) == {f"{job.id}-i{number}-paint0" for number in range(12)}
    assert (done.cost.charged, done.cost.actual) == (True, sum(gallery.studio.charged(USER)))
    assert_books_agree(gallery, job)
    assert_tidy(gallery, job)


def test_what_is_painted_is_the_picture_after_the_steps_before_it(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(recipe(crop(), paint(), paint("darker")), 1)
    while len(gallery.parts(job)) < 2:
        gallery.step()
    first, second = gallery.part(job, 0, 0), gallery.part(job, 0, 1)
    assert first.work is not None
    assert second.work is not None
    assert (first.work.inputs[0].width, first.work.inputs[0].height) == (48, 48)
    assert first.work.request is not None
    assert first.work.request.prompt == "as a watercolour"
    shown = [
        load(studio.images.outputs[key].data).tobytes() for key in (first.images[0].key, second.work.inputs[0].key)
    ]
    assert shown[0] == shown[1]
    gallery.run()
    second = gallery.part(job, 0, 1)
    (image,) = gallery.now(job).images
    assert image.sha256 == second.images[0].sha256
    assert studio.images.outputs[image.key].data == studio.images.outputs[second.images[0].key].data
    assert_books_agree(gallery, job)


def test_the_model_that_the_recipe_names_paints(gallery: Gallery) -> None:
    job = gallery.apply(recipe(paint(model=STREAMING)), 1)
    gallery.run()
    assert (gallery.part(job, 0).model_used, gallery.now(job).status) == (STREAMING, JobStatus.SUCCEEDED)


def test_each_image_names_the_picture_that_it_came_from(gallery: Gallery) -> None:
    first = gallery.apply(recipe(flip()), 2)
    gallery.run()
    uploads = gallery.upload(3)
    job = gallery.apply(PAINTED, [uploads[0], "upl_01HZZZZZZZZZZZZZZZZZZZZ999", f"{first.id}/1", uploads[2]])
    gallery.run()
    done = gallery.now(job)
    assert done.result["indices"] == [0, 2, 3]
    assert [(each.kind, each.ref, each.index) for each in done.lineage] == [
        ("upload", uploads[0], None),
        ("job", first.id, 1),
        ("upload", uploads[2], None),
    ]
    assert gallery.part(job, 2).lineage == (done.lineage[1],)
    assert [each.ref for each in gallery.now(first).lineage] == uploads[:2]


def test_one_picture_that_is_none_fails_alone_and_costs_nothing(gallery: Gallery) -> None:
    uploads = gallery.upload(3)
    gallery.studio.images.drop(f"uploads/{USER}/{uploads[1]}", b"hello")
    job = gallery.apply(PAINTED, uploads)
    gallery.run()
    assert gallery.errors(job) == [(1, "UNSUPPORTED_MEDIA_TYPE", False)]
    assert gallery.posts() == 2
    assert_books_agree(gallery, job)


def test_anothers_pictures_are_never_painted(gallery: Gallery) -> None:
    job = gallery.apply(PAINTED, ["upl_01HZZZZZZZZZZZZZZZZZZZZ000"])
    gallery.upload(1, "bob")
    gallery.run()
    assert (gallery.now(job).status, gallery.posts()) == (JobStatus.FAILED, 0)


def test_a_painting_that_is_refused_fails_its_picture_alone(gallery: Gallery) -> None:
    fails(gallery, "moderation", times=1)
    job = gallery.apply(PAINTED, 3)
    gallery.run()
    done = gallery.now(job)
    assert (done.status, done.result["progress"]) == ("succeeded", {"done": 2, "failed": 1, "total": 3})
    assert [charged for _, _, charged in gallery.errors(job)] == [False]
    assert_books_agree(gallery, job)


def test_what_was_paid_for_a_picture_that_failed_afterwards_is_told(gallery: Gallery) -> None:
    job = gallery.apply(recipe(paint(), paint("darker")), 1)
    while not gallery.studio.paid_requests():
        gallery.step()
    fails(gallery, "moderation", times=None)
    gallery.run()
    done = gallery.now(job)
    assert (done.status, done.cost.charged, gallery.errors(job)[0][2]) == (JobStatus.FAILED, True, True)
    assert (done.error or {})["charged"] is True
    assert_books_agree(gallery, job)


def test_a_painting_that_broke_off_is_not_sent_again(gallery: Gallery) -> None:
    fails(gallery, "cut_body", times=1)
    job = gallery.apply(PAINTED, 2)
    gallery.run()
    assert not gallery.now(job).status.is_final
    for _ in range(3):
        gallery.sweep()
    assert gallery.now(job).status is JobStatus.SUCCEEDED
    assert gallery.posts() == 2
    assert_books_agree(gallery, job)


def fails(gallery: Gallery, scenario: str, *, times: int | None) -> None:
    state = gallery.studio.simulator.world
    state.scenarios.add(scenario, state.state.clock(), path="/images", times=times, options=None)


def crop() -> Any:
    step = flip()
    return step.model_copy(update={"operation": {"op": "crop", "ratio": "1:1"}})


# ── The wall ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pictures", [1.1, 2.0, 3.4])
def test_what_passes_the_cap_is_not_painted(gallery: Gallery, pictures: float) -> None:
    one = gallery.apply(PAINTED, 1).cost.estimated or 0
    gallery.studio.jobs.jobs.clear()
    gallery.studio.render_queue.sent.clear()
    job = gallery.apply(PAINTED, 6, most=int(one * pictures) / 1e6)
    gallery.run()
    done = gallery.now(job)
    assert done.status is JobStatus.SUCCEEDED
    paid = gallery.posts()
    assert 1 <= paid <= 6
    assert len(done.images) == paid
    assert {(code, charged) for _, code, charged in gallery.errors(job)} == {("COST_LIMIT", False)}
    assert sum(gallery.studio.charged(USER)) <= int(one * pictures)
    assert_books_agree(gallery, job)
    assert_tidy(gallery, job)


def test_what_waits_for_money_gets_what_others_give_back(gallery: Gallery) -> None:
    """More is reserved than is spent: pictures that do not fit in at first do when the first ones are settled."""
    probe = gallery.apply(PAINTED, 1)
    gallery.run()
    cost, reserved = gallery.now(probe).cost.actual or 0, gallery.part(probe, 0).cost.reserved
    assert cost < reserved
    job = gallery.apply(PAINTED, 5, most=(4 * cost + reserved) / 1e6)
    gallery.run()
    assert (gallery.now(job).status, gallery.errors(job)) == (JobStatus.SUCCEEDED, [])
    assert gallery.wall(job) == (0, 5 * cost)


@pytest.mark.parametrize("name", ["day", "month"])
def test_a_users_own_budget_holds_for_a_batch(gallery: Gallery, name: str) -> None:
    one = gallery.apply(PAINTED, 1).cost.estimated or 0
    gallery.studio.render_queue.sent.clear()
    choose(gallery.studio, limits={f"per_{name}": int(2.5 * one)})
    job = gallery.apply(PAINTED, 5)
    gallery.run()
    assert {code for _, code, _ in gallery.errors(job)} == {"BUDGET_EXCEEDED"}
    assert 1 <= gallery.posts() < 5
    budget = gallery.studio.budget(USER, name)
    assert (budget.reserved, budget.spent) == (0, sum(gallery.studio.charged(USER)))


def test_a_token_with_a_limit_of_its_own_keeps_it(gallery: Gallery) -> None:
    one = gallery.apply(PAINTED, 1).cost.estimated or 0
    gallery.studio.render_queue.sent.clear()
    token, _ = gallery.studio.app.tokens.create(user=USER, day_limit=int(1.5 * one))
    job = gallery.apply(PAINTED, 3, by=Caller(user=USER, token=token))
    gallery.run()
    assert gallery.posts() == 1
    assert {code for _, code, _ in gallery.errors(job)} == {"BUDGET_EXCEEDED"}


def test_one_painting_costs_no_more_than_a_request_may(gallery: Gallery) -> None:
    choose(gallery.studio, limits={"per_request": 100})
    with pytest.raises(CostLimit):
        gallery.apply(PAINTED, 1)


def test_a_key_that_went_away_ends_the_pictures_unpaid(gallery: Gallery) -> None:
    job = gallery.apply(PAINTED, 2)
    gallery.studio.vault.remove(USER, "openrouter")
    gallery.run()
    assert gallery.now(job).status is JobStatus.FAILED
    assert {(code, charged) for _, code, charged in gallery.errors(job)} == {("INVALID_API_KEY", False)}
    assert gallery.posts() == 0
